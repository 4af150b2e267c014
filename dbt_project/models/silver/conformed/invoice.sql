{{
    config(
        materialized='incremental',
        incremental_strategy='upsert_live',
        unique_key=['_tenant_id', 'invoice_key']
    )
}}
{%- if is_incremental() %}
with newest_built as ({{ newest_built() }})
{% endif %}
select
    -- keys
    source._tenant_id,
    source._connection,
    source.invoice_key,
    source.customer_key,
    source.subscription_key,
    source.invoice_number,

    -- facts
    source.invoice_status,
    source.currency,
    source.net_amount,
    source.tax_amount,
    source.gross_amount,

    -- times
    source.issued_on,
    source.due_on,
    source.voided_at,
    source.created_at,
    source.updated_at,

    -- platform
    {% if is_incremental() %}source.is_deleted,{% endif %}
    source._loaded_at
from {{ ref('product_invoice') }} as source
where {{ changed_rows() }}
