DECLARE @as_of date;

-- The schedule of every line is its amount less its credits, to the cent
WITH scheduled AS (
    SELECT
        s.invoice_line_key,
        SUM(s.recognised + s.planned) AS amount,
        SUM(s.recognised_eur + s.planned_eur) AS amount_eur
    FROM finance.revenue_schedule AS s
    GROUP BY s.invoice_line_key
),
billed AS (
    SELECT e.invoice_line_key, SUM(e.amount) AS amount, SUM(e.amount_eur) AS amount_eur
    FROM finance.billing_event AS e
    GROUP BY e.invoice_line_key
)
SELECT COALESCE(b.invoice_line_key, s.invoice_line_key) AS invoice_line_key, b.amount, s.amount AS scheduled
FROM billed AS b
FULL OUTER JOIN scheduled AS s ON s.invoice_line_key = b.invoice_line_key
WHERE COALESCE(b.amount, 0) <> COALESCE(s.amount, 0) OR COALESCE(b.amount_eur, 0) <> COALESCE(s.amount_eur, 0)
    OR (b.invoice_line_key IS NULL AND s.invoice_line_key IS NOT NULL);

-- No line has earned more than it was invoiced for by the end of any month
WITH running AS (
    SELECT
        s.invoice_line_key,
        s.month_start,
        SUM(s.recognised + s.planned) OVER (
            PARTITION BY s.invoice_line_key ORDER BY s.month_start ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS earned
    FROM finance.revenue_schedule AS s
),
invoiced AS (
    SELECT e.invoice_line_key, e.amount
    FROM finance.billing_event AS e
    WHERE e.kind = 'invoiced'
)
SELECT r.invoice_line_key, r.month_start, r.earned, i.amount
FROM running AS r
INNER JOIN invoiced AS i ON i.invoice_line_key = r.invoice_line_key
WHERE i.amount >= 0 AND r.earned > i.amount;

-- A line that nothing was credited of earns the same every day, to the cent
WITH untouched AS (
    SELECT e.invoice_line_key, MAX(e.amount) AS amount, MAX(DATEDIFF(day, e.service_from, e.service_to)) AS service_days
    FROM finance.billing_event AS e
    WHERE NOT EXISTS (
        SELECT 1 FROM silver.subscription_change AS c
        WHERE c.subscription_key = e.subscription_key AND c.change_type = 'cancel'
    )
    GROUP BY e.invoice_line_key
    HAVING COUNT(*) = 1
)
SELECT s.invoice_line_key, s.month_start, s.recognised, s.planned, u.amount, u.service_days
FROM finance.revenue_schedule AS s
INNER JOIN untouched AS u ON u.invoice_line_key = s.invoice_line_key
WHERE ABS(s.recognised + s.planned)
    > 0.01 + CAST(ABS(u.amount) * (DATEDIFF(day, s.month_start, s.month_end) + 1) / u.service_days AS decimal(28, 6));

-- Nothing is planned for what is over, or recognised of what has not begun
SELECT s.invoice_line_key, s.month_start, s.recognised, s.planned
FROM finance.revenue_schedule AS s
WHERE (s.month_end <= @as_of AND s.planned <> 0) OR (s.month_start > @as_of AND s.recognised <> 0);
