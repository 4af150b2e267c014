select
    -- keys
    source._tenant_id,
    source._connection,
    {{ record_key('salesforce', 'source._connection', 'source.id') }} as contact_key,
    {{ record_key('salesforce', 'source._connection', 'source.account_id') }} as account_key,
    {{ record_key('salesforce', 'source._connection', 'source.owner_id') }} as owner_key,

    -- facts
    {{ personal(source('bronze_salesforce', 'contact'), 'first_name') }} as first_name,
    {{ personal(source('bronze_salesforce', 'contact'), 'last_name') }} as last_name,
    {{ personal(source('bronze_salesforce', 'contact'), ['first_name', 'last_name']) }} as full_name,
    {{ personal(source('bronze_salesforce', 'contact'), 'email') }} as email,
    {{ personal(source('bronze_salesforce', 'contact'), 'phone') }} as phone,
    {{ clean('source.title') }} as job_title,

    -- times
    source.created_date as created_at,
    source.system_modstamp as updated_at,

    -- platform
    {{ x_flag('source._deleted_at is not null') }} as is_deleted,
    source._loaded_at
from {{ source('bronze_salesforce', 'contact') }} as source
