select
    -- keys
    source._tenant_id,
    source._connection,
    {{ record_key('product', 'source._connection', 'source.id') }} as user_key,
    {{ record_key('product', 'source._connection', 'source.customer_id') }} as customer_key,

    -- facts
    {{ personal(source('bronze_product', 'app_user'), 'email') }} as email,
    {{ personal(source('bronze_product', 'app_user'), 'full_name') }} as full_name,
    {{ clean('source.role', 20) }} as user_role,
    source.is_active,

    -- times
    source.last_seen_at,
    source.created_at,
    source.updated_at,

    -- platform
    {{ x_flag('source._deleted_at is not null') }} as is_deleted,
    source._loaded_at
from {{ source('bronze_product', 'app_user') }} as source
