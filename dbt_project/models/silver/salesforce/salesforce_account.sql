select
    -- keys
    source._tenant_id,
    source._connection,
    {{ record_key('salesforce', 'source._connection', 'source.id') }} as account_key,
    {{ clean('source.id', 18) }} as account_id,
    {{ record_key('salesforce', 'source._connection', 'source.parent_id') }} as parent_account_key,
    lower({{ clean('source.customer_ref__c', 36) }}) as customer_ref,
    {{ record_key('salesforce', 'source._connection', 'source.owner_id') }} as owner_key,

    -- facts
    {{ clean('source.name') }} as account_name,
    {{ clean('source.type') }} as account_type,
    {{ clean('source.industry') }} as industry,
    {{ clean('source.website') }} as website,
    {{ web_host('source.website') }} as domain,
    upper({{ clean('source.billing_country', 80) }}) as billing_country,
    {{ clean('source.billing_city', 40) }} as billing_city,
    {{ personal(source('bronze_salesforce', 'account'), 'phone') }} as phone,
    source.annual_revenue,
    source.number_of_employees,
    source.health_score__c as health_score,

    -- times
    source.created_date as created_at,
    source.system_modstamp as updated_at,

    -- platform
    {{ x_flag('source._deleted_at is not null') }} as is_deleted,
    source._loaded_at
from {{ source('bronze_salesforce', 'account') }} as source
