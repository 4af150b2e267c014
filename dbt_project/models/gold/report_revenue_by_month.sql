{{ config(materialized='view') }}
with posting as (
    select
        _tenant_id,
        issued_on,
        currency,
        1 as invoices,
        net_amount,
        gross_amount,
        cast(0 as decimal(18, 2)) as credited_amount
    from {{ ref('invoice') }}
    where invoice_status <> 'void'
    union all
    select
        _tenant_id,
        issued_on,
        currency,
        0 as invoices,
        cast(0 as decimal(18, 2)) as net_amount,
        cast(0 as decimal(18, 2)) as gross_amount,
        gross_amount as credited_amount
    from {{ ref('credit_note') }}
)

select
    -- keys
    _tenant_id,
    {{ x_month('issued_on') }} as revenue_month,
    currency,

    -- facts
    {{ x_integer("sum(invoices)") }} as invoices,
    {{ x_decimal('sum(net_amount)') }} as net_amount,
    {{ x_decimal('sum(gross_amount)') }} as gross_amount,
    {{ x_decimal('sum(credited_amount)') }} as credited_amount
from posting
group by _tenant_id, {{ x_month('issued_on') }}, currency
