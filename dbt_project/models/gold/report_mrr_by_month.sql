{{ config(materialized='view') }}
with movement as (
    select
        _tenant_id,
        {{ x_month('effective_on') }} as mrr_month,
        currency,
        sum(case when change_type = 'new' then mrr_difference else 0 end) as new_mrr,
        sum(case when change_type = 'upgrade' then mrr_difference else 0 end) as expansion_mrr,
        sum(case when change_type = 'downgrade' then mrr_difference else 0 end) as contraction_mrr,
        sum(case when change_type = 'pause' then mrr_difference else 0 end) as paused_mrr,
        sum(case when change_type = 'resume' then mrr_difference else 0 end) as resumed_mrr,
        sum(case when change_type = 'cancel' then mrr_difference else 0 end) as churned_mrr,
        sum(mrr_difference) as mrr_difference
    from {{ ref('subscription_change') }}
    group by _tenant_id, {{ x_month('effective_on') }}, currency
),

span as (
    select
        _tenant_id,
        currency,
        min(mrr_month) as first_month
    from movement
    group by _tenant_id, currency
),

monthly as (
    select
        span._tenant_id,
        span.currency,
        calendar_month.month_start as mrr_month
    from span
    inner join {{ ref('business_date') }} as business_date
        on business_date._tenant_id = span._tenant_id
    inner join {{ ref('calendar_month') }} as calendar_month
        on calendar_month.month_start >= span.first_month and calendar_month.month_start <= business_date.as_of
)

select
    -- keys
    monthly._tenant_id,
    monthly.mrr_month,
    monthly.currency,

    -- facts
    {{ x_decimal('coalesce(movement.new_mrr, 0)') }} as new_mrr,
    {{ x_decimal('coalesce(movement.expansion_mrr, 0)') }} as expansion_mrr,
    {{ x_decimal('coalesce(movement.contraction_mrr, 0)') }} as contraction_mrr,
    {{ x_decimal('coalesce(movement.paused_mrr, 0)') }} as paused_mrr,
    {{ x_decimal('coalesce(movement.resumed_mrr, 0)') }} as resumed_mrr,
    {{ x_decimal('coalesce(movement.churned_mrr, 0)') }} as churned_mrr,
    {{ x_decimal('sum(coalesce(movement.mrr_difference, 0)) over ('
        ~ 'partition by monthly._tenant_id, monthly.currency order by monthly.mrr_month rows unbounded preceding)') }}
        as closing_mrr
from monthly
left join movement
    on movement._tenant_id = monthly._tenant_id
    and movement.currency = monthly.currency
    and movement.mrr_month = monthly.mrr_month
