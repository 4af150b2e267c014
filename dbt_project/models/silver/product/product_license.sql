select
    -- keys
    source._tenant_id,
    source._connection,
    {{ record_key('product', 'source._connection', 'source.id') }} as license_key,
    {{ record_key('product', 'source._connection', 'source.subscription_id') }} as subscription_key,
    {{ record_key('product', 'source._connection', 'source.customer_id') }} as customer_key,
    {{ record_key('product', 'source._connection', 'source.product_id') }} as product_key,
    {{ clean('source.license_key') }} as license_code,

    -- facts
    {{ clean('source.status', 20) }} as license_status,
    source.seats,

    -- times
    source.valid_from,
    source.valid_until,
    source.created_at,
    source.updated_at,

    -- platform
    {{ x_flag('source._deleted_at is not null') }} as is_deleted,
    source._loaded_at
from {{ source('bronze_product', 'license') }} as source
