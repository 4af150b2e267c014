select
    -- keys
    _tenant_id,
    license_key,
    subscription_key,
    customer_key,
    product_key,
    license_code,

    -- facts
    license_status,
    seats,

    -- times
    valid_from,
    valid_until,
    created_at,
    updated_at
from {{ ref('product_license') }}
where is_deleted = {{ x_false() }}
