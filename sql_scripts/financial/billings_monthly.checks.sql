-- Invoiced less credited and voided is billed
SELECT b.month_start, b.customer_key, b.product_key, b.currency, b.billed, b.billed_eur
FROM finance.billings_monthly AS b
WHERE b.invoiced - b.credited - b.voided <> b.billed
    OR b.invoiced_eur - b.credited_eur - b.voided_eur <> b.billed_eur;

-- All months together are all invoices and credit notes, less those that are void
WITH billed AS (
    SELECT b.customer_key, b.currency, SUM(b.billed) AS amount
    FROM finance.billings_monthly AS b
    GROUP BY b.customer_key, b.currency
),
invoiced AS (
    SELECT v.customer_key, v.currency, SUM(l.net_amount) AS amount
    FROM finance.invoice_valuation AS v
    INNER JOIN silver.invoice_line AS l ON l.invoice_key = v.invoice_key
    WHERE v.voided_on IS NULL
    GROUP BY v.customer_key, v.currency
),
credited AS (
    SELECT v.customer_key, v.currency, SUM(e.amount) AS amount
    FROM finance.invoice_valuation AS v
    INNER JOIN finance.billing_event AS e ON e.invoice_key = v.invoice_key AND e.kind = 'credited'
    WHERE v.voided_on IS NULL
    GROUP BY v.customer_key, v.currency
)
SELECT b.customer_key, b.currency, b.amount, i.amount AS invoiced, c.amount AS credited
FROM billed AS b
LEFT JOIN invoiced AS i ON i.customer_key = b.customer_key AND i.currency = b.currency
LEFT JOIN credited AS c ON c.customer_key = b.customer_key AND c.currency = b.currency
WHERE b.amount <> COALESCE(i.amount, 0) + COALESCE(c.amount, 0);
