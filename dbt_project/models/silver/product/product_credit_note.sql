select
    -- keys
    source._tenant_id,
    source._connection,
    {{ record_key('product', 'source._connection', 'source.id') }} as credit_note_key,
    {{ record_key('product', 'source._connection', 'source.invoice_id') }} as invoice_key,
    {{ record_key('product', 'source._connection', 'source.invoice_line_id') }} as invoice_line_key,
    {{ clean('source.number', 64) }} as credit_note_number,

    -- facts
    source.net_amount,
    source.tax_amount,
    source.amount as gross_amount,
    upper({{ clean('source.currency', 3) }}) as currency,
    {{ clean('source.reason') }} as reason,

    -- times
    source.issued_on,
    source.service_from,
    source.service_to,
    source.created_at,
    source.updated_at,

    -- platform
    {{ x_flag('source._deleted_at is not null') }} as is_deleted,
    source._loaded_at
from {{ source('bronze_product', 'credit_note') }} as source
