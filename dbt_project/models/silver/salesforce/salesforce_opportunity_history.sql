select
    -- keys
    source._tenant_id,
    source._connection,
    {{ record_key('salesforce', 'source._connection', 'source.id') }} as opportunity_history_key,
    {{ record_key('salesforce', 'source._connection', 'source.opportunity_id') }} as opportunity_key,

    -- facts
    {{ clean('source.stage_name') }} as stage_name,
    source.amount,
    source.probability,

    -- times
    source.close_date,
    source.created_date as created_at,
    source.system_modstamp as updated_at,

    -- platform
    {{ x_flag('source._deleted_at is not null') }} as is_deleted,
    source._loaded_at
from {{ source('bronze_salesforce', 'opportunity_history') }} as source
