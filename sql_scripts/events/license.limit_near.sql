/*
  version:     1
  owner:       customer-success
  subject:     customer_key
  fires_on:    product_key, usage_status, seats_granted
  description: A customer uses nearly all seats of a product, or more than were granted. It is told once, and again
               when the state or the number of granted seats changes.
*/
SELECT
    _tenant_id,
    customer_key,
    customer_name,
    product_key,
    product_name,
    usage_status,
    seats_granted,
    seats_used,
    share_used,
    last_used_on
FROM gold.license_usage
WHERE usage_status IN ('near_limit', 'over_limit')
