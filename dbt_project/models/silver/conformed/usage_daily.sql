{{
    config(
        materialized='incremental',
        incremental_strategy='upsert_live',
        unique_key=['_tenant_id', 'customer_key', 'product_key', 'usage_date', 'metric']
    )
}}
{%- if is_incremental() %}
with newest_built as ({{ newest_built() }})
{% endif %}
select
    -- keys
    source._tenant_id,
    source._connection,
    source.customer_key,
    source.product_key,
    source.usage_date,
    source.metric,

    -- facts
    source.quantity,

    -- platform
    {% if is_incremental() %}source.is_deleted,{% endif %}
    source._loaded_at
from {{ ref('product_usage_daily') }} as source
where {{ changed_rows() }}
