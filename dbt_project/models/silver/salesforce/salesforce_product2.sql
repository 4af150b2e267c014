select
    -- keys
    source._tenant_id,
    source._connection,
    {{ record_key('salesforce', 'source._connection', 'source.id') }} as product2_key,
    upper({{ clean('source.product_code') }}) as product_code,

    -- facts
    {{ clean('source.name') }} as product_name,
    {{ clean('source.family') }} as product_family,
    source.is_active,

    -- times
    source.created_date as created_at,
    source.system_modstamp as updated_at,

    -- platform
    {{ x_flag('source._deleted_at is not null') }} as is_deleted,
    source._loaded_at
from {{ source('bronze_salesforce', 'product2') }} as source
