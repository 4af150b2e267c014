with entitled as (
    select
        _tenant_id,
        customer_key,
        product_key,
        sum(seats) as seats_granted
    from {{ ref('license_entitlement') }}
    where is_entitled = {{ x_true() }}
    group by _tenant_id, customer_key, product_key
),

used as (
    select
        usage_daily._tenant_id,
        usage_daily.customer_key,
        usage_daily.product_key,
        max(usage_daily.quantity) as seats_used,
        max(usage_daily.usage_date) as last_used_on
    from {{ ref('usage_daily') }} as usage_daily
    inner join {{ ref('business_date') }} as business_date
        on business_date._tenant_id = usage_daily._tenant_id
    where usage_daily.metric = '{{ var("seat_metric") }}'
        and usage_daily.usage_date >= {{ x_month('business_date.as_of') }}
        and usage_daily.usage_date <= business_date.as_of
    group by usage_daily._tenant_id, usage_daily.customer_key, usage_daily.product_key
),

compared as (
    select
        coalesce(entitled._tenant_id, used._tenant_id) as _tenant_id,
        coalesce(entitled.customer_key, used.customer_key) as customer_key,
        coalesce(entitled.product_key, used.product_key) as product_key,
        coalesce(entitled.seats_granted, 0) as seats_granted,
        coalesce(used.seats_used, 0) as seats_used,
        {{ x_share('used.seats_used', 'entitled.seats_granted') }} as share_used,
        used.last_used_on
    from entitled
    full outer join used
        on used._tenant_id = entitled._tenant_id
        and used.customer_key = entitled.customer_key
        and used.product_key = entitled.product_key
)

select
    -- keys
    compared._tenant_id,
    compared.customer_key,
    compared.product_key,

    -- facts
    customer.customer_name,
    product.product_name,
    {{ x_integer('compared.seats_granted') }} as seats_granted,
    {{ x_decimal('compared.seats_used', 20, 6) }} as seats_used,
    compared.share_used,
    cast(case
        when compared.seats_used = 0 then 'unused'
        when compared.seats_granted = 0 then 'unlicensed'
        when compared.seats_used > compared.seats_granted then 'over_limit'
        when compared.share_used >= {{ var('near_limit_share') }} then 'near_limit'
        else 'within_limit'
    end as {{ x_text(20) }}) as usage_status,

    -- times
    compared.last_used_on,
    business_date.as_of
from compared
inner join {{ ref('business_date') }} as business_date
    on business_date._tenant_id = compared._tenant_id
left join {{ ref('customer') }} as customer
    on customer._tenant_id = compared._tenant_id and customer.customer_key = compared.customer_key
left join {{ ref('product') }} as product
    on product._tenant_id = compared._tenant_id and product.product_key = compared.product_key
