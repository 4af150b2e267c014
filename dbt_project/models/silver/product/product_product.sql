select
    -- keys
    source._tenant_id,
    source._connection,
    {{ record_key('product', 'source._connection', 'source.id') }} as product_key,
    upper({{ clean('source.sku', 64) }}) as sku,

    -- facts
    {{ clean('source.name') }} as product_name,
    {{ clean('source.family') }} as product_family,
    source.list_price,
    upper({{ clean('source.currency', 3) }}) as currency,
    source.is_active,

    -- times
    source.created_at,
    source.updated_at,

    -- platform
    {{ x_flag('source._deleted_at is not null') }} as is_deleted,
    source._loaded_at
from {{ source('bronze_product', 'product') }} as source
