select
    -- keys
    source._tenant_id,
    source._connection,
    {{ record_key('accounting', 'source._connection', "concat(source.batch, '|', source.row_number)") }} as posting_key,
    {{ clean('source.batch', 120) }} as batch,
    {{ clean('source.chart', 10) }} as chart,
    {{ clean('source.account', 9) }} as account,
    {{ clean('source.contra_account', 9) }} as contra_account,
    {{ clean('source.cost_center', 36) }} as cost_center,
    {{ clean('source.document_number', 36) }} as document_number,

    -- facts
    source.amount,
    upper({{ clean('source.currency', 3) }}) as currency,
    coalesce(source.base_amount, source.amount) as base_amount,
    upper({{ clean('source.base_currency', 3) }}) as base_currency,
    {{ clean('source.side', 1) }} as side,
    {{ clean('source.tax_key', 4) }} as tax_key,
    source.is_reversal,
    {{ clean('source.posting_text', 60) }} as posting_text,
    source.account_length,
    {{ clean('source.file_name') }} as file_name,
    source.row_number,

    -- times
    source.posted_on,
    source.period_from,
    source.period_to,

    -- platform
    {{ x_flag('source._deleted_at is not null') }} as is_deleted,
    source._loaded_at
from {{ source('bronze_accounting', 'posting') }} as source
