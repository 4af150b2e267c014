{{ config(materialized='view') }}
select _tenant_id, max(business_day) as as_of
from (
    select _tenant_id, max(usage_date) as business_day from {{ ref('usage_daily') }} group by _tenant_id
    union all
    select _tenant_id, max(issued_on) as business_day from {{ ref('invoice') }} group by _tenant_id
    union all
    select _tenant_id, max(effective_on) as business_day from {{ ref('subscription_change') }} group by _tenant_id
) as newest
group by _tenant_id
