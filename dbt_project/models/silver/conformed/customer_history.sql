{{
    config(
        materialized='incremental',
        incremental_strategy='upsert_live',
        unique_key=['_tenant_id', 'customer_key', 'valid_from'],
        full_refresh=false
    )
}}
{{
    history_of(
        ref('customer'),
        key='customer_key',
        tracked=[
            'customer_name', 'domain', 'country', 'customer_status', 'currency', 'account_key', 'owner_key',
            'account_type', 'industry', 'match_rule'
        ],
        observed_in=[ref('product_customer'), ref('salesforce_account')]
    )
}}
