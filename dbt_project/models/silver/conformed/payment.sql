select
    -- keys
    payment._tenant_id,
    payment.payment_key,
    payment.invoice_key,
    invoice.customer_key,

    -- facts
    payment.payment_method,
    payment.currency,
    payment.amount,

    -- times
    payment.paid_on,
    payment.created_at,
    payment.updated_at
from {{ ref('product_payment') }} as payment
inner join {{ ref('product_invoice') }} as invoice
    on invoice._tenant_id = payment._tenant_id and invoice.invoice_key = payment.invoice_key
where payment.is_deleted = {{ x_false() }} and invoice.is_deleted = {{ x_false() }}
