{{ config(materialized='view') }}
select
    -- keys
    _tenant_id,
    {{ x_month('close_date') }} as close_month,
    stage_name,
    cast(coalesce(currency, 'unknown') as {{ x_text(7) }}) as currency,

    -- facts
    {{ x_integer('count(*)') }} as opportunities,
    {{ x_decimal('sum(coalesce(amount, 0))') }} as amount,
    {{ x_decimal('sum(' ~ x_decimal('coalesce(amount, 0) * coalesce(probability, 0) * 0.01', 24, 6) ~ ')') }}
        as weighted_amount
from {{ ref('opportunity') }}
where is_closed = {{ x_false() }}
group by _tenant_id, {{ x_month('close_date') }}, stage_name, coalesce(currency, 'unknown')
