with signed as (
    select
        salesforce_contract._tenant_id,
        salesforce_contract.contract_key,
        salesforce_contract.contract_number,
        salesforce_contract.owner_key,
        customer_match.customer_key,
        salesforce_contract.contract_status,
        salesforce_contract.term_months,
        salesforce_contract.starts_on,
        salesforce_contract.ends_on,
        salesforce_contract.created_at,
        row_number() over (
            partition by salesforce_contract._tenant_id, customer_match.customer_key, salesforce_contract.contract_number
            order by salesforce_contract.created_at, salesforce_contract.contract_key
        ) as place
    from {{ ref('salesforce_contract') }} as salesforce_contract
    left join {{ ref('customer_match') }} as customer_match
        on customer_match._tenant_id = salesforce_contract._tenant_id
        and customer_match.account_key = salesforce_contract.account_key
    where salesforce_contract.is_deleted = {{ x_false() }}
),

billed as (
    select
        _tenant_id,
        subscription_key,
        contract_number,
        customer_key,
        subscription_status,
        quantity,
        currency,
        mrr,
        started_on,
        ended_on,
        created_at,
        row_number() over (
            partition by _tenant_id, customer_key, contract_number order by created_at, subscription_key
        ) as place
    from {{ ref('product_subscription') }}
    where is_deleted = {{ x_false() }}
),

paired as (
    select
        -- keys
        coalesce(signed._tenant_id, billed._tenant_id) as _tenant_id,
        coalesce(signed.contract_key, billed.subscription_key) as contract_key,
        coalesce(signed.contract_number, billed.contract_number) as contract_number,
        coalesce(signed.customer_key, billed.customer_key) as customer_key,
        billed.subscription_key,
        signed.owner_key,

        -- facts
        signed.contract_status,
        billed.subscription_status,
        signed.term_months,
        billed.quantity,
        billed.currency,
        billed.mrr,
        case
            when signed.contract_key is not null and billed.subscription_key is not null then 'contract_number'
            else 'unmatched'
        end as match_rule,

        -- times
        coalesce(signed.starts_on, billed.started_on) as starts_on,
        coalesce(signed.ends_on, billed.ended_on) as ends_on,
        coalesce(signed.created_at, billed.created_at) as created_at
    from signed
    full outer join billed
        on billed._tenant_id = signed._tenant_id
        and billed.customer_key = signed.customer_key
        and billed.contract_number = signed.contract_number
        and billed.place = 1
        and signed.place = 1
)

select *
from paired
