{{ config(materialized='view') }}
select
    -- keys
    _tenant_id,
    {{ x_month('close_date') }} as close_month,
    stage_name,
    coalesce(currency, 'unknown') as currency,

    -- facts
    count(*) as opportunities,
    {{ x_decimal('sum(coalesce(amount, 0))', 38, 2) }} as amount,
    {{ x_decimal('sum(' ~ x_decimal('coalesce(amount, 0) * coalesce(probability, 0) * 0.01', 24, 6) ~ ')', 38, 2) }}
        as weighted_amount
from {{ ref('opportunity') }}
where is_closed = {{ x_false() }}
group by _tenant_id, {{ x_month('close_date') }}, stage_name, coalesce(currency, 'unknown')
