{{ config(materialized='view') }}
with settled as (
    select
        posting._tenant_id,
        posting.invoice_key,
        sum(posting.amount) as settled_amount
    from (
        select _tenant_id, invoice_key, amount
        from {{ ref('payment') }}
        union all
        select _tenant_id, invoice_key, gross_amount as amount
        from {{ ref('credit_note') }}
    ) as posting
    group by posting._tenant_id, posting.invoice_key
),

owed as (
    select
        invoice._tenant_id,
        invoice.customer_key,
        invoice.currency,
        invoice.gross_amount - coalesce(settled.settled_amount, 0) as open_amount,
        {{ dbt.datediff('invoice.due_on', 'business_date.as_of', 'day') }} as days_late
    from {{ ref('invoice') }} as invoice
    inner join {{ ref('business_date') }} as business_date
        on business_date._tenant_id = invoice._tenant_id
    left join settled
        on settled._tenant_id = invoice._tenant_id and settled.invoice_key = invoice.invoice_key
    where invoice.invoice_status in ('open', 'overdue')
)

select
    -- keys
    _tenant_id,
    customer_key,
    currency,

    -- facts
    {{ x_integer('count(*)') }} as open_invoices,
    {{ x_decimal('sum(open_amount)') }} as open_amount,
    {{ x_decimal('sum(case when days_late > 0 then open_amount else 0 end)') }} as overdue_amount,
    {{ x_decimal('sum(case when days_late > 30 then open_amount else 0 end)') }} as overdue_30_days_amount,
    {{ x_integer('max(case when days_late > 0 then days_late else 0 end)') }} as days_late
from owed
group by _tenant_id, customer_key, currency
