DECLARE @as_of date;

-- An invoice is open for what it was issued for less what was credited and paid
WITH events AS (
    SELECT e.invoice_key, SUM(e.amount) AS amount
    FROM finance.receivable_event AS e
    GROUP BY e.invoice_key
),
credited AS (
    SELECT n.invoice_key, SUM(n.gross_amount) AS amount
    FROM silver.credit_note AS n
    WHERE n.issued_on <= @as_of
    GROUP BY n.invoice_key
),
paid AS (
    SELECT p.invoice_key, SUM(p.amount) AS amount
    FROM silver.payment AS p
    WHERE p.paid_on <= @as_of
    GROUP BY p.invoice_key
)
SELECT v.invoice_key, v.gross_amount, c.amount AS credited, p.amount AS paid, e.amount AS open_amount
FROM finance.invoice_valuation AS v
LEFT JOIN events AS e ON e.invoice_key = v.invoice_key
LEFT JOIN credited AS c ON c.invoice_key = v.invoice_key
LEFT JOIN paid AS p ON p.invoice_key = v.invoice_key
WHERE COALESCE(e.amount, 0)
    <> CASE WHEN v.voided_on IS NULL THEN v.gross_amount - COALESCE(c.amount, 0) ELSE 0 END - COALESCE(p.amount, 0);

-- A payment is in the currency of its invoice
SELECT p.payment_key, p.currency, v.currency AS of_invoice
FROM silver.payment AS p
INNER JOIN finance.invoice_valuation AS v ON v.invoice_key = p.invoice_key
WHERE p.currency <> v.currency;

-- In EUR an invoice is open for what it is open for in its currency, at its rate
SELECT e.invoice_key, SUM(e.amount_eur) AS amount_eur
FROM finance.receivable_event AS e
GROUP BY e.invoice_key, e.eur_rate
HAVING SUM(e.amount_eur) <> ROUND(CAST(SUM(e.amount) AS decimal(18, 2)) * CAST(e.eur_rate AS decimal(18, 8)), 2)
    OR COUNT(e.amount_eur) < COUNT(*);
