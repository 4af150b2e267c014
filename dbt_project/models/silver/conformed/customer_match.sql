{#- The one place where Salesforce accounts meet the product's customers; the rule is told in customer_match.yml. -#}
with account as (
    select
        _tenant_id,
        account_key,
        account_id,
        customer_ref,
        {{ registrable_domain('domain') }} as registered_domain,
        created_at
    from {{ ref('salesforce_account') }}
    where is_deleted = {{ x_false() }}
),

customer as (
    select
        _tenant_id,
        customer_key,
        external_ref,
        salesforce_account_id,
        {{ registrable_domain('domain') }} as registered_domain,
        created_at
    from {{ ref('product_customer') }}
    where is_deleted = {{ x_false() }}
),

candidate as (
    select account._tenant_id, account.account_key, customer.customer_key, customer.created_at,
        1 as rule_rank, 'external_ref' as match_rule
    from account
    inner join customer
        on customer._tenant_id = account._tenant_id and customer.external_ref = account.customer_ref
    union all
    select account._tenant_id, account.account_key, customer.customer_key, customer.created_at,
        2 as rule_rank, 'salesforce_account_id' as match_rule
    from account
    inner join customer
        on customer._tenant_id = account._tenant_id and customer.salesforce_account_id = account.account_id
    union all
    select account._tenant_id, account.account_key, customer.customer_key, customer.created_at,
        3 as rule_rank, 'domain' as match_rule
    from account
    inner join customer
        on customer._tenant_id = account._tenant_id and customer.registered_domain = account.registered_domain
),

ranked as (
    select
        _tenant_id,
        account_key,
        customer_key,
        rule_rank,
        match_rule,
        row_number() over (
            partition by _tenant_id, account_key order by rule_rank, created_at, customer_key
        ) as choice
    from candidate
),

matched as (
    select
        account._tenant_id,
        account.account_key,
        account.created_at,
        coalesce(ranked.customer_key, account.account_key) as customer_key,
        coalesce(ranked.rule_rank, 9) as rule_rank,
        coalesce(ranked.match_rule, 'unmatched') as match_rule
    from account
    left join ranked
        on ranked._tenant_id = account._tenant_id and ranked.account_key = account.account_key and ranked.choice = 1
),

placed as (
    select
        _tenant_id,
        account_key,
        customer_key,
        match_rule,
        row_number() over (
            partition by _tenant_id, customer_key order by rule_rank, created_at, account_key
        ) as place
    from matched
)

select
    _tenant_id,
    account_key,
    customer_key,
    match_rule,
    {{ x_flag('place = 1') }} as is_primary
from placed
