"""Deliveries in Dagster's terms: the sensor that takes in what is new, the job that delivers, what operators see."""
