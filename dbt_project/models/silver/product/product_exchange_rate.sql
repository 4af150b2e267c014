select
    -- keys
    source._tenant_id,
    source._connection,
    upper({{ clean('source.base_currency', 3) }}) as base_currency,
    upper({{ clean('source.quote_currency', 3) }}) as quote_currency,
    source.rate_date,

    -- facts
    source.rate as exchange_rate,

    -- times
    source.created_at,
    source.updated_at,

    -- platform
    {{ x_flag('source._deleted_at is not null') }} as is_deleted,
    source._loaded_at
from {{ source('bronze_product', 'exchange_rate') }} as source
