select
    -- keys
    source._tenant_id,
    source._connection,
    {{ record_key('salesforce', 'source._connection', 'source.id') }} as opportunity_key,
    {{ record_key('salesforce', 'source._connection', 'source.account_id') }} as account_key,
    {{ record_key('salesforce', 'source._connection', 'source.owner_id') }} as owner_key,

    -- facts
    {{ clean('source.name') }} as opportunity_name,
    {{ clean('source.stage_name') }} as stage_name,
    {{ clean('source.type') }} as opportunity_type,
    source.amount,
    upper({{ clean('source.currency_iso_code', 3) }}) as currency,
    source.probability,
    source.is_closed,
    source.is_won,

    -- times
    source.close_date,
    source.created_date as created_at,
    source.system_modstamp as updated_at,

    -- platform
    {{ x_flag('source._deleted_at is not null') }} as is_deleted,
    source._loaded_at
from {{ source('bronze_salesforce', 'opportunity') }} as source
