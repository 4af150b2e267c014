select
    -- keys
    source._tenant_id,
    source._connection,
    {{ record_key('product', 'source._connection', 'source.customer_id') }} as customer_key,
    {{ record_key('product', 'source._connection', 'source.product_id') }} as product_key,
    source.usage_date,
    lower({{ clean('source.metric', 64) }}) as metric,

    -- facts
    source.quantity,

    -- times
    source.created_at,
    source.updated_at,

    -- platform
    {{ x_flag('source._deleted_at is not null') }} as is_deleted,
    source._loaded_at
from {{ source('bronze_product', 'usage_daily') }} as source
