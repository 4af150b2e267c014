select
    -- keys
    source._tenant_id,
    source._connection,
    {{ record_key('product', 'source._connection', 'source.id') }} as payment_key,
    {{ record_key('product', 'source._connection', 'source.invoice_id') }} as invoice_key,

    -- facts
    source.amount,
    upper({{ clean('source.currency', 3) }}) as currency,
    {{ clean('source.method', 20) }} as payment_method,

    -- times
    source.paid_on,
    source.created_at,
    source.updated_at,

    -- platform
    {{ x_flag('source._deleted_at is not null') }} as is_deleted,
    source._loaded_at
from {{ source('bronze_product', 'payment') }} as source
