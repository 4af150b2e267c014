select
    -- keys
    note._tenant_id,
    note.credit_note_key,
    note.invoice_key,
    note.invoice_line_key,
    invoice.customer_key,
    line.subscription_key,
    line.product_key,
    note.credit_note_number,

    -- facts
    note.reason,
    note.currency,
    note.net_amount,
    note.tax_amount,
    note.gross_amount,

    -- times
    note.issued_on,
    note.service_from,
    note.service_to,
    note.created_at,
    note.updated_at
from {{ ref('product_credit_note') }} as note
inner join {{ ref('product_invoice') }} as invoice
    on invoice._tenant_id = note._tenant_id and invoice.invoice_key = note.invoice_key
left join {{ ref('product_invoice_line') }} as line
    on line._tenant_id = note._tenant_id and line.invoice_line_key = note.invoice_line_key
where note.is_deleted = {{ x_false() }} and invoice.is_deleted = {{ x_false() }}
