select
    -- keys
    source._tenant_id,
    source._connection,
    cast(concat(source.year, '-', right(concat('0', source.month), 2), '-01') as date) as budget_month,
    {{ clean('source.cost_center', 36) }} as cost_center,
    {{ clean('source.account', 9) }} as account,

    -- facts
    source.amount,
    {{ clean('source.file_name') }} as file_name,
    source.row_number,

    -- platform
    {{ x_flag('source._deleted_at is not null') }} as is_deleted,
    source._loaded_at
from {{ source('bronze_accounting', 'budget') }} as source
