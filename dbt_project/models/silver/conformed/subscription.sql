select
    -- keys
    _tenant_id,
    subscription_key,
    customer_key,
    product_key,
    contract_number,

    -- facts
    subscription_status,
    billing_period,
    quantity,
    unit_price,
    currency,
    mrr,

    -- times
    started_on,
    ended_on,
    created_at,
    updated_at
from {{ ref('product_subscription') }}
where is_deleted = {{ x_false() }}
