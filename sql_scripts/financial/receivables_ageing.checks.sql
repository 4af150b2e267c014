DECLARE @as_of date;

-- The buckets of an invoice are what is open, and one of them is all of it
SELECT a.invoice_key, a.bucket, a.open_amount
FROM finance.receivables_ageing AS a
WHERE a.not_due + a.days_1_30 + a.days_31_60 + a.days_61_90 + a.over_90 + a.credit_balance <> a.open_amount
    OR a.open_amount NOT IN (a.not_due, a.days_1_30, a.days_31_60, a.days_61_90, a.over_90, a.credit_balance)
    OR a.credit_balance > 0 OR (a.bucket = 'credit balance' AND a.open_amount >= 0);

-- All buckets together are all invoices less credit notes and payments
WITH invoiced AS (
    SELECT v.currency, SUM(v.gross_amount) AS amount
    FROM finance.invoice_valuation AS v
    WHERE v.voided_on IS NULL
    GROUP BY v.currency
),
credited AS (
    SELECT v.currency, SUM(n.gross_amount) AS amount
    FROM silver.credit_note AS n
    INNER JOIN finance.invoice_valuation AS v ON v.invoice_key = n.invoice_key
    WHERE v.voided_on IS NULL AND n.issued_on <= @as_of
    GROUP BY v.currency
),
paid AS (
    SELECT v.currency, SUM(p.amount) AS amount
    FROM silver.payment AS p
    INNER JOIN finance.invoice_valuation AS v ON v.invoice_key = p.invoice_key
    WHERE p.paid_on <= @as_of
    GROUP BY v.currency
),
currencies AS (
    SELECT DISTINCT v.currency FROM finance.invoice_valuation AS v
),
aged AS (
    SELECT
        a.currency,
        SUM(a.not_due + a.days_1_30 + a.days_31_60 + a.days_61_90 + a.over_90 + a.credit_balance) AS amount
    FROM finance.receivables_ageing AS a
    GROUP BY a.currency
)
SELECT k.currency, i.amount AS invoiced, c.amount AS credited, p.amount AS paid, a.amount AS aged
FROM currencies AS k
LEFT JOIN invoiced AS i ON i.currency = k.currency
LEFT JOIN credited AS c ON c.currency = k.currency
LEFT JOIN paid AS p ON p.currency = k.currency
LEFT JOIN aged AS a ON a.currency = k.currency
WHERE COALESCE(i.amount, 0) - COALESCE(c.amount, 0) - COALESCE(p.amount, 0) <> COALESCE(a.amount, 0);

-- The bucket is the one of the days since the due day
SELECT a.invoice_key, a.due_on, a.bucket
FROM finance.receivables_ageing AS a
WHERE (a.bucket = 'not due' AND a.due_on < @as_of)
    OR (a.bucket = '1-30' AND (a.due_on >= @as_of OR a.due_on < DATEADD(day, -30, @as_of)))
    OR (a.bucket = '31-60' AND (a.due_on >= DATEADD(day, -30, @as_of) OR a.due_on < DATEADD(day, -60, @as_of)))
    OR (a.bucket = '61-90' AND (a.due_on >= DATEADD(day, -60, @as_of) OR a.due_on < DATEADD(day, -90, @as_of)))
    OR (a.bucket = 'over 90' AND a.due_on >= DATEADD(day, -90, @as_of));

-- Every open amount is worth something known in EUR
SELECT a.invoice_key, a.currency, a.open_eur, a.revalued_eur
FROM finance.receivables_ageing AS a
WHERE a.open_eur IS NULL OR a.revalued_eur IS NULL;
