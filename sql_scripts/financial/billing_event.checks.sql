DECLARE @as_of date;

-- Every invoice line and every credit note of an invoice that is not void is billed, to the cent
WITH billed AS (
    SELECT e.invoice_key, SUM(e.amount) AS amount
    FROM finance.billing_event AS e
    GROUP BY e.invoice_key
),
credited AS (
    SELECT n.invoice_key, SUM(n.net_amount) AS amount
    FROM silver.credit_note AS n
    WHERE n.issued_on <= @as_of
    GROUP BY n.invoice_key
)
SELECT i.invoice_key, i.net_amount, c.amount AS credited, b.amount AS billed
FROM silver.invoice AS i
INNER JOIN finance.invoice_valuation AS v ON v.invoice_key = i.invoice_key
LEFT JOIN billed AS b ON b.invoice_key = i.invoice_key
LEFT JOIN credited AS c ON c.invoice_key = i.invoice_key
WHERE COALESCE(b.amount, 0)
    <> CASE WHEN v.voided_on IS NULL THEN i.net_amount - COALESCE(c.amount, 0) ELSE 0 END;

-- No line is credited by more than it was invoiced for, in the contract's currency or in EUR
SELECT e.invoice_line_key, SUM(e.amount) AS amount, SUM(e.amount_eur) AS amount_eur
FROM finance.billing_event AS e
GROUP BY e.invoice_line_key
HAVING MAX(CASE WHEN e.kind = 'invoiced' THEN e.amount ELSE 0 END) > 0
    AND (SUM(e.amount) < 0 OR SUM(e.amount_eur) < 0);

-- A credit note is in the currency of its invoice
SELECT n.credit_note_key, n.currency, v.currency AS of_invoice
FROM silver.credit_note AS n
INNER JOIN finance.invoice_valuation AS v ON v.invoice_key = n.invoice_key
WHERE n.currency <> v.currency;

-- In EUR a line comes to what it comes to in its currency, at its invoice's rate
SELECT e.invoice_line_key, SUM(e.amount_eur) AS amount_eur
FROM finance.billing_event AS e
GROUP BY e.invoice_line_key, e.eur_rate
HAVING SUM(e.amount_eur) <> ROUND(CAST(SUM(e.amount) AS decimal(18, 2)) * CAST(e.eur_rate AS decimal(18, 8)), 2)
    OR COUNT(e.amount_eur) < COUNT(*);

-- Nothing is billed after the day, and each document once for a line
SELECT e.invoice_line_key, e.kind, e.document_key, MAX(e.event_date) AS event_date, COUNT(*) AS row_count
FROM finance.billing_event AS e
GROUP BY e.invoice_line_key, e.kind, e.document_key
HAVING COUNT(*) > 1 OR MAX(e.event_date) > @as_of;
