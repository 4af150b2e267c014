"""What comes after bronze, in Dagster's terms: dbt's layers, the gates, publication, financial gold, their triggers."""
