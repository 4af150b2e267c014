select
    -- keys
    source._tenant_id,
    source._connection,
    {{ record_key('salesforce', 'source._connection', 'source.id') }} as user_key,

    -- facts
    {{ personal(source('bronze_salesforce', 'user'), 'username') }} as username,
    {{ personal(source('bronze_salesforce', 'user'), 'name') }} as full_name,
    {{ personal(source('bronze_salesforce', 'user'), 'email') }} as email,
    source.is_active,

    -- times
    source.created_date as created_at,
    source.system_modstamp as updated_at,

    -- platform
    {{ x_flag('source._deleted_at is not null') }} as is_deleted,
    source._loaded_at
from {{ source('bronze_salesforce', 'user') }} as source
