select
    -- keys
    license._tenant_id,
    license.license_key,
    license.subscription_key,
    license.customer_key,
    license.product_key,
    license.license_code,

    -- facts
    customer.customer_name,
    product.sku,
    product.product_name,
    license.license_status,
    subscription.subscription_status,
    {{ x_integer('license.seats') }} as seats,
    {{ x_flag("license.license_status = 'active'"
        ~ " and license.valid_from <= business_date.as_of"
        ~ " and (license.valid_until is null or license.valid_until >= business_date.as_of)") }} as is_entitled,

    -- times
    license.valid_from,
    license.valid_until,
    {{ x_integer(dbt.datediff('business_date.as_of', 'license.valid_until', 'day')) }} as days_left,
    business_date.as_of
from {{ ref('license') }} as license
inner join {{ ref('business_date') }} as business_date
    on business_date._tenant_id = license._tenant_id
left join {{ ref('customer') }} as customer
    on customer._tenant_id = license._tenant_id and customer.customer_key = license.customer_key
left join {{ ref('product') }} as product
    on product._tenant_id = license._tenant_id and product.product_key = license.product_key
left join {{ ref('subscription') }} as subscription
    on subscription._tenant_id = license._tenant_id and subscription.subscription_key = license.subscription_key
