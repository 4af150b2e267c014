select
    -- keys
    source._tenant_id,
    source._connection,
    {{ record_key('salesforce', 'source._connection', 'source.id') }} as contract_key,
    {{ record_key('salesforce', 'source._connection', 'source.account_id') }} as account_key,
    {{ record_key('salesforce', 'source._connection', 'source.owner_id') }} as owner_key,
    {{ clean('source.contract_number', 64) }} as contract_number,

    -- facts
    {{ clean('source.status') }} as contract_status,
    source.contract_term as term_months,

    -- times
    source.start_date as starts_on,
    source.end_date as ends_on,
    source.created_date as created_at,
    source.system_modstamp as updated_at,

    -- platform
    {{ x_flag('source._deleted_at is not null') }} as is_deleted,
    source._loaded_at
from {{ source('bronze_salesforce', 'contract') }} as source
