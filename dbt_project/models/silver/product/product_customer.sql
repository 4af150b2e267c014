select
    -- keys
    source._tenant_id,
    source._connection,
    {{ record_key('product', 'source._connection', 'source.id') }} as customer_key,
    source.id as customer_id,
    lower({{ clean('source.external_ref', 36) }}) as external_ref,
    {{ clean('source.salesforce_account_id', 18) }} as salesforce_account_id,

    -- facts
    {{ clean('source.name') }} as customer_name,
    {{ web_host('source.domain') }} as domain,
    upper({{ clean('source.country', 2) }}) as country,
    {{ clean('source.status', 20) }} as customer_status,
    upper({{ clean('source.currency', 3) }}) as currency,

    -- times
    source.created_at,
    source.updated_at,

    -- platform
    {{ x_flag('source._deleted_at is not null') }} as is_deleted,
    source._loaded_at
from {{ source('bronze_product', 'customer') }} as source
