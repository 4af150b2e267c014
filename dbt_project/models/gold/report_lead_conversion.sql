{{ config(materialized='view') }}
select
    -- keys
    _tenant_id,
    {{ x_month('created_at') }} as lead_month,
    cast(coalesce(lead_source, 'unknown') as {{ x_text() }}) as lead_source,

    -- facts
    {{ x_integer('count(*)') }} as leads,
    {{ x_integer('sum(case when is_converted = ' ~ x_true() ~ ' then 1 else 0 end)') }} as converted_leads,
    {{ x_share('sum(case when is_converted = ' ~ x_true() ~ ' then 1 else 0 end)', 'count(*)') }} as conversion_rate
from {{ ref('salesforce_lead') }}
where is_deleted = {{ x_false() }}
group by _tenant_id, {{ x_month('created_at') }}, coalesce(lead_source, 'unknown')
