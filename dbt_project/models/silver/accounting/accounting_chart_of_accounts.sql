select
    -- keys
    source._tenant_id,
    source._connection,
    {{ clean('source.chart', 10) }} as chart,
    {{ clean('source.account', 9) }} as account,

    -- facts
    {{ clean('source.name', 100) }} as account_name,
    {{ clean('source.pl_position', 40) }} as pl_position,
    source.sign as account_sign,
    {{ clean('source.automatic_tax_key', 4) }} as automatic_tax_key,
    {{ clean('source.collects_tax_key', 4) }} as collects_tax_key,
    source.tax_percent,
    {{ clean('source.file_name') }} as file_name,
    source.row_number,

    -- platform
    {{ x_flag('source._deleted_at is not null') }} as is_deleted,
    source._loaded_at
from {{ source('bronze_accounting', 'chart_of_accounts') }} as source
