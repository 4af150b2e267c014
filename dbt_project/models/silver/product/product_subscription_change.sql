select
    -- keys
    source._tenant_id,
    source._connection,
    {{ record_key('product', 'source._connection', 'source.id') }} as subscription_change_key,
    {{ record_key('product', 'source._connection', 'source.subscription_id') }} as subscription_key,

    -- facts
    {{ clean('source.change_type', 20) }} as change_type,
    source.quantity_before,
    source.quantity_after,
    source.mrr_before,
    source.mrr_after,

    -- times
    source.effective_on,
    source.created_at,
    source.updated_at,

    -- platform
    {{ x_flag('source._deleted_at is not null') }} as is_deleted,
    source._loaded_at
from {{ source('bronze_product', 'subscription_change') }} as source
