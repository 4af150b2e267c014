select
    -- keys
    source._tenant_id,
    source._connection,
    {{ record_key('product', 'source._connection', 'source.id') }} as subscription_key,
    {{ record_key('product', 'source._connection', 'source.customer_id') }} as customer_key,
    {{ record_key('product', 'source._connection', 'source.product_id') }} as product_key,
    {{ clean('source.contract_number', 64) }} as contract_number,

    -- facts
    {{ clean('source.status', 20) }} as subscription_status,
    {{ clean('source.billing_period', 20) }} as billing_period,
    source.quantity,
    source.unit_price,
    upper({{ clean('source.currency', 3) }}) as currency,
    source.mrr,

    -- times
    source.started_on,
    source.ended_on,
    source.created_at,
    source.updated_at,

    -- platform
    {{ x_flag('source._deleted_at is not null') }} as is_deleted,
    source._loaded_at
from {{ source('bronze_product', 'subscription') }} as source
