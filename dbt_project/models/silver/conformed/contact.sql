with crm_contact as (
    select
        salesforce_contact._tenant_id,
        salesforce_contact.contact_key,
        customer_match.customer_key,
        salesforce_contact.full_name,
        salesforce_contact.email,
        salesforce_contact.phone,
        salesforce_contact.job_title,
        salesforce_contact.created_at,
        row_number() over (
            partition by salesforce_contact._tenant_id, customer_match.customer_key, salesforce_contact.email
            order by salesforce_contact.created_at, salesforce_contact.contact_key
        ) as place
    from {{ ref('salesforce_contact') }} as salesforce_contact
    left join {{ ref('customer_match') }} as customer_match
        on customer_match._tenant_id = salesforce_contact._tenant_id
        and customer_match.account_key = salesforce_contact.account_key
    where salesforce_contact.is_deleted = {{ x_false() }}
),

product_user as (
    select
        _tenant_id,
        user_key,
        customer_key,
        full_name,
        email,
        user_role,
        is_active,
        last_seen_at,
        created_at,
        row_number() over (partition by _tenant_id, customer_key, email order by created_at, user_key) as place
    from {{ ref('product_app_user') }}
    where is_deleted = {{ x_false() }}
)

select
    -- keys
    coalesce(crm_contact._tenant_id, product_user._tenant_id) as _tenant_id,
    coalesce(crm_contact.contact_key, product_user.user_key) as contact_key,
    coalesce(crm_contact.customer_key, product_user.customer_key) as customer_key,
    product_user.user_key,

    -- facts
    coalesce(product_user.full_name, crm_contact.full_name) as full_name,
    coalesce(crm_contact.email, product_user.email) as email,
    crm_contact.phone,
    crm_contact.job_title,
    product_user.user_role,
    coalesce(product_user.is_active, {{ x_false() }}) as is_active_user,
    {{ x_flag('crm_contact.contact_key is not null') }} as is_in_salesforce,
    {{ x_flag('product_user.user_key is not null') }} as is_in_product,
    case
        when crm_contact.contact_key is not null and product_user.user_key is not null then 'email'
        else 'unmatched'
    end as match_rule,

    -- times
    product_user.last_seen_at,
    coalesce(crm_contact.created_at, product_user.created_at) as created_at
from crm_contact
full outer join product_user
    on product_user._tenant_id = crm_contact._tenant_id
    and product_user.customer_key = crm_contact.customer_key
    and product_user.email = crm_contact.email
    and product_user.place = 1
    and crm_contact.place = 1
