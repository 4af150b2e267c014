select
    -- keys
    source._tenant_id,
    source._connection,
    {{ record_key('salesforce', 'source._connection', 'source.id') }} as lead_key,
    {{ record_key('salesforce', 'source._connection', 'source.converted_account_id') }} as converted_account_key,
    {{ record_key('salesforce', 'source._connection', 'source.converted_opportunity_id') }} as converted_opportunity_key,
    {{ record_key('salesforce', 'source._connection', 'source.owner_id') }} as owner_key,

    -- facts
    {{ personal(source('bronze_salesforce', 'lead'), 'first_name') }} as first_name,
    {{ personal(source('bronze_salesforce', 'lead'), 'last_name') }} as last_name,
    {{ personal(source('bronze_salesforce', 'lead'), 'email') }} as email,
    {{ clean('source.company') }} as company_name,
    upper({{ clean('source.country', 80) }}) as country,
    source.number_of_employees,
    {{ clean('source.status') }} as lead_status,
    {{ clean('source.lead_source') }} as lead_source,
    source.is_converted,

    -- times
    source.converted_date as converted_on,
    source.created_date as created_at,
    source.system_modstamp as updated_at,

    -- platform
    {{ x_flag('source._deleted_at is not null') }} as is_deleted,
    source._loaded_at
from {{ source('bronze_salesforce', 'lead') }} as source
