select
    -- keys
    source._tenant_id,
    source._connection,
    {{ record_key('product', 'source._connection', 'source.id') }} as invoice_line_key,
    {{ record_key('product', 'source._connection', 'source.invoice_id') }} as invoice_key,
    {{ record_key('product', 'source._connection', 'source.subscription_id') }} as subscription_key,
    {{ record_key('product', 'source._connection', 'source.product_id') }} as product_key,

    -- facts
    {{ clean('source.line_type', 20) }} as line_type,
    {{ clean('source.description') }} as line_text,
    source.quantity,
    source.unit_price,
    source.net_amount,
    source.tax_amount,

    -- times
    source.service_from,
    source.service_to,
    source.created_at,
    source.updated_at,

    -- platform
    {{ x_flag('source._deleted_at is not null') }} as is_deleted,
    source._loaded_at
from {{ source('bronze_product', 'invoice_line') }} as source
