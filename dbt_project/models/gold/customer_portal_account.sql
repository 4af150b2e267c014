with subscribed as (
    select
        subscription._tenant_id,
        subscription.customer_key,
        count(*) as running_subscriptions,
        sum(case when subscription.currency = customer.currency then subscription.mrr else 0 end) as mrr
    from {{ ref('subscription') }} as subscription
    inner join {{ ref('customer') }} as customer
        on customer._tenant_id = subscription._tenant_id and customer.customer_key = subscription.customer_key
    where subscription.subscription_status <> 'cancelled'
    group by subscription._tenant_id, subscription.customer_key
),

licensed as (
    select
        _tenant_id,
        customer_key,
        count(*) as active_licenses,
        sum(seats) as seats,
        min(valid_until) as next_expiry_on
    from {{ ref('license_entitlement') }}
    where is_entitled = {{ x_true() }}
    group by _tenant_id, customer_key
),

known as (
    select
        _tenant_id,
        customer_key,
        count(*) as contacts,
        max(last_seen_at) as last_seen_at
    from {{ ref('contact') }}
    where customer_key is not null
    group by _tenant_id, customer_key
)

select
    -- keys
    customer._tenant_id,
    customer.customer_key,
    customer.external_ref,
    customer.account_key,
    customer.owner_key as account_owner_key,

    -- facts
    customer.customer_name,
    customer.domain,
    customer.country,
    customer.customer_status,
    account_owner.full_name as account_owner_name,
    {{ x_integer('coalesce(known.contacts, 0)') }} as contacts,
    {{ x_integer('coalesce(subscribed.running_subscriptions, 0)') }} as running_subscriptions,
    {{ x_integer('coalesce(licensed.active_licenses, 0)') }} as active_licenses,
    {{ x_integer('coalesce(licensed.seats, 0)') }} as seats,
    customer.currency,
    {{ x_decimal('coalesce(subscribed.mrr, 0)') }} as mrr,
    {{ x_decimal('coalesce(owed.open_amount, 0)') }} as open_amount,
    {{ x_decimal('coalesce(owed.overdue_amount, 0)') }} as overdue_amount,

    -- times
    licensed.next_expiry_on,
    known.last_seen_at,
    customer.created_at as customer_since
from {{ ref('customer') }} as customer
left join {{ ref('salesforce_user') }} as account_owner
    on account_owner._tenant_id = customer._tenant_id and account_owner.user_key = customer.owner_key
left join subscribed
    on subscribed._tenant_id = customer._tenant_id and subscribed.customer_key = customer.customer_key
left join licensed
    on licensed._tenant_id = customer._tenant_id and licensed.customer_key = customer.customer_key
left join {{ ref('report_receivables') }} as owed
    on owed._tenant_id = customer._tenant_id
    and owed.customer_key = customer.customer_key
    and owed.currency = customer.currency
left join known
    on known._tenant_id = customer._tenant_id and known.customer_key = customer.customer_key
where customer.is_in_product = {{ x_true() }}
