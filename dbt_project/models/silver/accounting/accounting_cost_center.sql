select
    -- keys
    source._tenant_id,
    source._connection,
    {{ clean('source.cost_center', 36) }} as cost_center,

    -- facts
    {{ clean('source.name', 100) }} as cost_center_name,
    {{ clean('source.file_name') }} as file_name,
    source.row_number,

    -- platform
    {{ x_flag('source._deleted_at is not null') }} as is_deleted,
    source._loaded_at
from {{ source('bronze_accounting', 'cost_center') }} as source
