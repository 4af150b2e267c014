DECLARE @as_of date;

-- Every invoice has a rate to EUR that is more than nothing
SELECT v.invoice_key, v.currency, v.issued_on, v.eur_rate
FROM finance.invoice_valuation AS v
WHERE COALESCE(v.eur_rate, 0) <= 0;

-- Every invoice by the day is there once, and no other
WITH found AS (
    SELECT v.invoice_key, COUNT(*) AS row_count
    FROM finance.invoice_valuation AS v
    GROUP BY v.invoice_key
)
SELECT COALESCE(i.invoice_key, f.invoice_key) AS invoice_key, f.row_count
FROM silver.invoice AS i
FULL OUTER JOIN found AS f ON f.invoice_key = i.invoice_key
WHERE (i.issued_on <= @as_of AND COALESCE(f.row_count, 0) <> 1)
    OR (f.invoice_key IS NOT NULL AND (i.invoice_key IS NULL OR i.issued_on > @as_of));

-- An invoice is the sum of its lines
WITH lines AS (
    SELECT l.invoice_key, SUM(l.net_amount + l.tax_amount) AS gross_amount
    FROM silver.invoice_line AS l
    GROUP BY l.invoice_key
)
SELECT v.invoice_key, v.gross_amount, l.gross_amount AS of_lines
FROM finance.invoice_valuation AS v
LEFT JOIN lines AS l ON l.invoice_key = v.invoice_key
WHERE v.gross_amount <> COALESCE(l.gross_amount, 0);
