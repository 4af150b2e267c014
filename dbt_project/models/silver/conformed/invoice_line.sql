select
    -- keys
    line._tenant_id,
    line.invoice_line_key,
    line.invoice_key,
    invoice.customer_key,
    line.subscription_key,
    line.product_key,

    -- facts
    line.line_type,
    line.line_text,
    invoice.invoice_status,
    invoice.currency,
    line.quantity,
    line.unit_price,
    line.net_amount,
    line.tax_amount,

    -- times
    invoice.issued_on,
    line.service_from,
    line.service_to,
    line.created_at,
    line.updated_at
from {{ ref('product_invoice_line') }} as line
inner join {{ ref('product_invoice') }} as invoice
    on invoice._tenant_id = line._tenant_id and invoice.invoice_key = line.invoice_key
where line.is_deleted = {{ x_false() }} and invoice.is_deleted = {{ x_false() }}
