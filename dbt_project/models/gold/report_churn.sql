{{ config(materialized='view') }}
with running as (
    select
        _tenant_id,
        customer_key,
        count(*) as subscriptions
    from {{ ref('subscription') }}
    where subscription_status <> 'cancelled'
    group by _tenant_id, customer_key
),

paying as (
    select
        _tenant_id,
        customer_key,
        min(effective_on) as paying_since,
        max(case when change_type = 'cancel' then effective_on end) as last_cancelled_on
    from {{ ref('subscription_change') }}
    group by _tenant_id, customer_key
),

customer_span as (
    select
        paying._tenant_id,
        paying.customer_key,
        {{ x_month('paying.paying_since') }} as first_month,
        case when running.subscriptions is null then {{ x_month('paying.last_cancelled_on') }} end as churn_month
    from paying
    left join running
        on running._tenant_id = paying._tenant_id and running.customer_key = paying.customer_key
),

monthly as (
    select
        customer_span._tenant_id,
        calendar_month.month_start as churn_month,
        sum(case when customer_span.first_month < calendar_month.month_start then 1 else 0 end) as opening_customers,
        sum(case when customer_span.first_month = calendar_month.month_start then 1 else 0 end) as new_customers,
        sum(case when customer_span.churn_month = calendar_month.month_start then 1 else 0 end) as churned_customers,
        sum(case
            when customer_span.churn_month = calendar_month.month_start
                and customer_span.first_month < calendar_month.month_start then 1
            else 0
        end) as churned_opening_customers
    from customer_span
    inner join {{ ref('business_date') }} as business_date
        on business_date._tenant_id = customer_span._tenant_id
    inner join {{ ref('calendar_month') }} as calendar_month
        on calendar_month.month_start >= customer_span.first_month
        and calendar_month.month_start <= coalesce(customer_span.churn_month, business_date.as_of)
    group by customer_span._tenant_id, calendar_month.month_start
)

select
    -- keys
    _tenant_id,
    churn_month,

    -- facts
    {{ x_integer('opening_customers') }} as opening_customers,
    {{ x_integer('new_customers') }} as new_customers,
    {{ x_integer('churned_customers') }} as churned_customers,
    {{ x_share('churned_opening_customers', 'opening_customers') }} as churn_rate
from monthly
