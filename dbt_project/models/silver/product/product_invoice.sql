select
    -- keys
    source._tenant_id,
    source._connection,
    {{ record_key('product', 'source._connection', 'source.id') }} as invoice_key,
    {{ record_key('product', 'source._connection', 'source.customer_id') }} as customer_key,
    {{ record_key('product', 'source._connection', 'source.subscription_id') }} as subscription_key,
    {{ clean('source.number', 64) }} as invoice_number,

    -- facts
    {{ clean('source.status', 20) }} as invoice_status,
    upper({{ clean('source.currency', 3) }}) as currency,
    source.net_amount,
    source.tax_amount,
    source.gross_amount,

    -- times
    source.issued_on,
    source.due_on,
    source.voided_at,
    source.created_at,
    source.updated_at,

    -- platform
    {{ x_flag('source._deleted_at is not null') }} as is_deleted,
    source._loaded_at
from {{ source('bronze_product', 'invoice') }} as source
