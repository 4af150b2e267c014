{{
    config(
        materialized='incremental',
        incremental_strategy='upsert_live',
        unique_key=['_tenant_id', 'contract_key', 'valid_from'],
        full_refresh=false
    )
}}
{{
    history_of(
        ref('contract'),
        key='contract_key',
        tracked=[
            'contract_number', 'customer_key', 'subscription_key', 'contract_status', 'subscription_status',
            'starts_on', 'ends_on', 'term_months', 'quantity', 'currency', 'mrr'
        ],
        observed_in=[ref('salesforce_contract'), ref('product_subscription'), ref('salesforce_account'), ref('product_customer')]
    )
}}
