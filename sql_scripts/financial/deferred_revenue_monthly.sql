/*
  title:       Deferred revenue roll-forward
  owner:       finance-analytics
  description: What every invoice line has been billed for and not earned yet (deferred: we owe service), or earned and
               not been billed for yet (unbilled: we are owed an invoice), from month to month. For each line and month
               opening_deferred + invoiced - credited - voided - recognised + unbilled_change = closing_deferred, and
               recognised + deferred - unbilled = billed since the beginning; in EUR too, at the rate of the invoice's
               day. A line has a row from its first movement until it is earned. The month of @as_of is counted up to
               that day.
*/
DECLARE @as_of date;

WITH movements AS (
    SELECT
        e.invoice_line_key,
        e.month_start,
        CASE WHEN e.kind = 'invoiced' THEN e.amount ELSE 0 END AS invoiced,
        CASE WHEN e.kind = 'credited' THEN -e.amount ELSE 0 END AS credited,
        CASE WHEN e.kind = 'voided' THEN -e.amount ELSE 0 END AS voided,
        0 AS recognised,
        CASE WHEN e.kind = 'invoiced' THEN e.amount_eur ELSE 0 END AS invoiced_eur,
        CASE WHEN e.kind = 'credited' THEN -e.amount_eur ELSE 0 END AS credited_eur,
        CASE WHEN e.kind = 'voided' THEN -e.amount_eur ELSE 0 END AS voided_eur,
        0 AS recognised_eur
    FROM finance.billing_event AS e
    UNION ALL
    SELECT s.invoice_line_key, s.month_start, 0, 0, 0, s.recognised, 0, 0, 0, s.recognised_eur
    FROM finance.revenue_schedule AS s
    WHERE s.month_start <= @as_of
)
SELECT
    m.invoice_line_key,
    m.month_start,
    SUM(m.invoiced) AS invoiced,
    SUM(m.credited) AS credited,
    SUM(m.voided) AS voided,
    SUM(m.recognised) AS recognised,
    SUM(m.invoiced_eur) AS invoiced_eur,
    SUM(m.credited_eur) AS credited_eur,
    SUM(m.voided_eur) AS voided_eur,
    SUM(m.recognised_eur) AS recognised_eur
INTO #movement
FROM movements AS m
GROUP BY m.invoice_line_key, m.month_start;

-- A line is looked at until nothing happens to it any more.
WITH last_rows AS (
    SELECT s.invoice_line_key, s.month_start
    FROM finance.revenue_schedule AS s
    UNION ALL
    SELECT m.invoice_line_key, m.month_start
    FROM #movement AS m
)
SELECT r.invoice_line_key, MIN(r.month_start) AS first_month, MAX(r.month_start) AS last_month
INTO #span
FROM last_rows AS r
GROUP BY r.invoice_line_key;

WITH months AS (
    SELECT MIN(s.first_month) AS month_start
    FROM #span AS s
    HAVING MIN(s.first_month) IS NOT NULL
    UNION ALL
    SELECT CAST(DATEADD(month, 1, m.month_start) AS date)
    FROM months AS m
    WHERE DATEADD(month, 1, m.month_start) <= @as_of
)
SELECT
    m.month_start,
    CASE WHEN EOMONTH(m.month_start) < @as_of THEN EOMONTH(m.month_start) ELSE @as_of END AS month_end
INTO #month
FROM months AS m
OPTION (MAXRECURSION 1200);

WITH running AS (
    SELECT
        s.invoice_line_key,
        k.month_start,
        k.month_end,
        COALESCE(m.invoiced, 0) AS invoiced,
        COALESCE(m.credited, 0) AS credited,
        COALESCE(m.voided, 0) AS voided,
        COALESCE(m.recognised, 0) AS recognised,
        COALESCE(m.invoiced_eur, 0) AS invoiced_eur,
        COALESCE(m.credited_eur, 0) AS credited_eur,
        COALESCE(m.voided_eur, 0) AS voided_eur,
        COALESCE(m.recognised_eur, 0) AS recognised_eur,
        SUM(COALESCE(m.invoiced - m.credited - m.voided - m.recognised, 0)) OVER (
            PARTITION BY s.invoice_line_key ORDER BY k.month_start ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS balance,
        SUM(COALESCE(m.invoiced_eur - m.credited_eur - m.voided_eur - m.recognised_eur, 0)) OVER (
            PARTITION BY s.invoice_line_key ORDER BY k.month_start ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS balance_eur
    FROM #span AS s
    INNER JOIN #month AS k ON k.month_start BETWEEN s.first_month AND s.last_month
    LEFT JOIN #movement AS m ON m.invoice_line_key = s.invoice_line_key AND m.month_start = k.month_start
),
balances AS (
    -- What is billed and not earned is deferred; the other way round it is unbilled.
    SELECT
        r.invoice_line_key,
        r.month_start,
        r.month_end,
        r.invoiced,
        r.credited,
        r.voided,
        r.recognised,
        r.invoiced_eur,
        r.credited_eur,
        r.voided_eur,
        r.recognised_eur,
        CASE WHEN r.balance > 0 THEN r.balance ELSE 0 END AS deferred,
        CASE WHEN r.balance < 0 THEN -r.balance ELSE 0 END AS unbilled,
        CASE WHEN r.balance_eur > 0 THEN r.balance_eur ELSE 0 END AS deferred_eur,
        CASE WHEN r.balance_eur < 0 THEN -r.balance_eur ELSE 0 END AS unbilled_eur
    FROM running AS r
),
chained AS (
    SELECT
        b.invoice_line_key,
        b.month_start,
        b.month_end,
        b.invoiced,
        b.credited,
        b.voided,
        b.recognised,
        b.invoiced_eur,
        b.credited_eur,
        b.voided_eur,
        b.recognised_eur,
        b.deferred,
        b.unbilled,
        b.deferred_eur,
        b.unbilled_eur,
        COALESCE(LAG(b.deferred) OVER (PARTITION BY b.invoice_line_key ORDER BY b.month_start), 0) AS deferred_before,
        COALESCE(LAG(b.unbilled) OVER (PARTITION BY b.invoice_line_key ORDER BY b.month_start), 0) AS unbilled_before,
        COALESCE(LAG(b.deferred_eur) OVER (PARTITION BY b.invoice_line_key ORDER BY b.month_start), 0)
            AS deferred_before_eur,
        COALESCE(LAG(b.unbilled_eur) OVER (PARTITION BY b.invoice_line_key ORDER BY b.month_start), 0)
            AS unbilled_before_eur
    FROM balances AS b
)
SELECT
    c.month_start,
    c.month_end,
    c.invoice_line_key,
    e.invoice_key,
    e.customer_key,
    e.subscription_key,
    e.product_key,
    e.line_type,
    e.event_date AS issued_on,
    e.currency,
    CAST(c.deferred_before AS decimal(18, 2)) AS opening_deferred,
    CAST(c.invoiced AS decimal(18, 2)) AS invoiced,
    CAST(c.credited AS decimal(18, 2)) AS credited,
    CAST(c.voided AS decimal(18, 2)) AS voided,
    CAST(c.recognised AS decimal(18, 2)) AS recognised,
    CAST(c.unbilled - c.unbilled_before AS decimal(18, 2)) AS unbilled_change,
    CAST(c.deferred AS decimal(18, 2)) AS closing_deferred,
    CAST(c.unbilled AS decimal(18, 2)) AS closing_unbilled,
    e.eur_rate,
    CAST(c.deferred_before_eur AS decimal(18, 2)) AS opening_deferred_eur,
    CAST(c.invoiced_eur AS decimal(18, 2)) AS invoiced_eur,
    CAST(c.credited_eur AS decimal(18, 2)) AS credited_eur,
    CAST(c.voided_eur AS decimal(18, 2)) AS voided_eur,
    CAST(c.recognised_eur AS decimal(18, 2)) AS recognised_eur,
    CAST(c.unbilled_eur - c.unbilled_before_eur AS decimal(18, 2)) AS unbilled_change_eur,
    CAST(c.deferred_eur AS decimal(18, 2)) AS closing_deferred_eur,
    CAST(c.unbilled_eur AS decimal(18, 2)) AS closing_unbilled_eur
INTO finance.deferred_revenue_monthly
FROM chained AS c
INNER JOIN finance.billing_event AS e ON e.invoice_line_key = c.invoice_line_key AND e.kind = 'invoiced';
