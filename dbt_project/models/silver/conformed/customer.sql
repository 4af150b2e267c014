with account as (
    select
        salesforce_account._tenant_id,
        customer_match.customer_key,
        customer_match.match_rule,
        salesforce_account.account_key,
        salesforce_account.owner_key,
        salesforce_account.account_name,
        salesforce_account.account_type,
        salesforce_account.industry,
        salesforce_account.domain,
        salesforce_account.billing_country,
        salesforce_account.billing_city,
        salesforce_account.annual_revenue,
        salesforce_account.number_of_employees,
        salesforce_account.health_score,
        salesforce_account.created_at,
        salesforce_account.updated_at
    from {{ ref('customer_match') }} as customer_match
    inner join {{ ref('salesforce_account') }} as salesforce_account
        on salesforce_account._tenant_id = customer_match._tenant_id
        and salesforce_account.account_key = customer_match.account_key
    where customer_match.is_primary = {{ x_true() }}
),

product_customer as (
    select *
    from {{ ref('product_customer') }}
    where is_deleted = {{ x_false() }}
),

paired as (
    select
        -- keys
        coalesce(product_customer._tenant_id, account._tenant_id) as _tenant_id,
        coalesce(product_customer.customer_key, account.customer_key) as customer_key,
        product_customer.external_ref,
        account.account_key,
        account.owner_key,

        -- facts
        coalesce(product_customer.customer_name, account.account_name) as customer_name,
        coalesce(product_customer.domain, account.domain) as domain,
        coalesce(product_customer.country, account.billing_country) as country,
        account.billing_city as city,
        coalesce(product_customer.customer_status, 'prospect') as customer_status,
        product_customer.currency,
        account.account_type,
        account.industry,
        {{ segment('account.number_of_employees') }} as segment,
        account.annual_revenue,
        account.number_of_employees,
        account.health_score,
        coalesce(account.match_rule, 'unmatched') as match_rule,
        {{ x_flag('product_customer.customer_key is not null') }} as is_in_product,
        {{ x_flag('account.account_key is not null') }} as is_in_salesforce,

        -- times
        coalesce(product_customer.created_at, account.created_at) as created_at,
        {{ x_later('coalesce(product_customer.updated_at, account.updated_at)', 'account.updated_at') }} as updated_at
    from product_customer
    full outer join account
        on account._tenant_id = product_customer._tenant_id and account.customer_key = product_customer.customer_key
)

select *
from paired
