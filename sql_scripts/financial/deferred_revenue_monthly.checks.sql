DECLARE @as_of date;

-- Opening and movements make the closing, in both currencies
SELECT d.month_start, d.invoice_line_key, d.opening_deferred, d.closing_deferred, d.closing_deferred_eur
FROM finance.deferred_revenue_monthly AS d
WHERE d.opening_deferred + d.invoiced - d.credited - d.voided - d.recognised + d.unbilled_change <> d.closing_deferred
    OR d.opening_deferred_eur + d.invoiced_eur - d.credited_eur - d.voided_eur - d.recognised_eur
        + d.unbilled_change_eur <> d.closing_deferred_eur;

-- Every line's month opens with what its month before closed with, without a gap
WITH chained AS (
    SELECT
        d.invoice_line_key,
        d.month_start,
        d.opening_deferred,
        d.unbilled_change,
        d.closing_unbilled,
        COALESCE(LAG(d.closing_deferred) OVER (PARTITION BY d.invoice_line_key ORDER BY d.month_start), 0) AS closed,
        COALESCE(LAG(d.closing_unbilled) OVER (PARTITION BY d.invoice_line_key ORDER BY d.month_start), 0)
            AS closed_unbilled,
        LAG(d.month_start) OVER (PARTITION BY d.invoice_line_key ORDER BY d.month_start) AS month_before
    FROM finance.deferred_revenue_monthly AS d
)
SELECT c.invoice_line_key, c.month_start, c.month_before, c.opening_deferred, c.closed
FROM chained AS c
WHERE c.opening_deferred <> c.closed
    OR c.closed_unbilled + c.unbilled_change <> c.closing_unbilled
    OR c.month_start <> DATEADD(month, 1, c.month_before);

-- Recognised and deferred, less unbilled, is what was invoiced, line by line
WITH sums AS (
    SELECT
        d.invoice_line_key,
        SUM(d.invoiced - d.credited - d.voided) AS billed,
        SUM(d.recognised) AS recognised,
        SUM(CASE WHEN d.month_end = @as_of THEN d.closing_deferred - d.closing_unbilled ELSE 0 END) AS balance,
        SUM(d.invoiced_eur - d.credited_eur - d.voided_eur) AS billed_eur,
        SUM(d.recognised_eur) AS recognised_eur,
        SUM(CASE WHEN d.month_end = @as_of THEN d.closing_deferred_eur - d.closing_unbilled_eur ELSE 0 END)
            AS balance_eur
    FROM finance.deferred_revenue_monthly AS d
    GROUP BY d.invoice_line_key
),
billed AS (
    SELECT e.invoice_line_key, SUM(e.amount) AS billed, SUM(e.amount_eur) AS billed_eur
    FROM finance.billing_event AS e
    GROUP BY e.invoice_line_key
)
SELECT b.invoice_line_key, b.billed, s.recognised, s.balance
FROM billed AS b
LEFT JOIN sums AS s ON s.invoice_line_key = b.invoice_line_key
WHERE b.billed <> COALESCE(s.recognised + s.balance, 0) OR b.billed_eur <> COALESCE(s.recognised_eur + s.balance_eur, 0)
    OR b.billed <> COALESCE(s.billed, 0) OR b.billed_eur <> COALESCE(s.billed_eur, 0);

-- What is deferred on the day is what the schedule still plans
WITH deferred AS (
    SELECT
        d.invoice_line_key,
        SUM(d.closing_deferred - d.closing_unbilled) AS amount,
        SUM(d.closing_deferred_eur - d.closing_unbilled_eur) AS amount_eur
    FROM finance.deferred_revenue_monthly AS d
    WHERE d.month_end = @as_of
    GROUP BY d.invoice_line_key
),
planned AS (
    SELECT s.invoice_line_key, SUM(s.planned) AS amount, SUM(s.planned_eur) AS amount_eur
    FROM finance.revenue_schedule AS s
    GROUP BY s.invoice_line_key
)
SELECT p.invoice_line_key, p.amount AS planned, d.amount AS deferred
FROM planned AS p
LEFT JOIN deferred AS d ON d.invoice_line_key = p.invoice_line_key
WHERE p.amount <> COALESCE(d.amount, 0) OR p.amount_eur <> COALESCE(d.amount_eur, 0);

-- Every month bills and recognises what billings and revenue tell of it
WITH months AS (
    SELECT
        d.month_start,
        SUM(d.invoiced_eur - d.credited_eur - d.voided_eur) AS billed_eur,
        SUM(d.recognised_eur) AS recognised_eur
    FROM finance.deferred_revenue_monthly AS d
    GROUP BY d.month_start
),
billings AS (
    SELECT b.month_start, SUM(b.billed_eur) AS billed_eur
    FROM finance.billings_monthly AS b
    GROUP BY b.month_start
),
revenue AS (
    SELECT r.month_start, SUM(r.recognised_eur) AS recognised_eur
    FROM finance.revenue_recognition_monthly AS r
    GROUP BY r.month_start
)
SELECT m.month_start, m.billed_eur, b.billed_eur AS billings_eur, m.recognised_eur, r.recognised_eur AS revenue_eur
FROM months AS m
LEFT JOIN billings AS b ON b.month_start = m.month_start
LEFT JOIN revenue AS r ON r.month_start = m.month_start
WHERE m.billed_eur <> COALESCE(b.billed_eur, 0) OR m.recognised_eur <> COALESCE(r.recognised_eur, 0);
