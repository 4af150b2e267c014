/*
  title:       Unbilled revenue
  owner:       finance-analytics
  description: What was earned by the end of a month and not invoiced by then. 'invoiced later': lines in arrears,
               exactly, as the roll-forward of deferred revenue has them. 'not invoiced': on @as_of alone, an estimate
               of what subscriptions have earned since their last invoice, each month's recurring revenue by its days.
               It counts days after the period that is invoiced in full, and days within it for what an amendment after
               the invoice added. The estimate is no part of recognised revenue; use that is metered is not in it. EUR
               are at the rate of the invoice's day, and at that of the month of @as_of where there is no invoice.
*/
DECLARE @as_of date;

-- 1. What subscriptions are worth, stretch by stretch; a subscription that was paused begins anew.
WITH beginnings AS (
    SELECT m.subscription_key, MAX(m.movement_date) AS began_on
    FROM finance.mrr_movements AS m
    WHERE m.mrr_before = 0
    GROUP BY m.subscription_key
)
SELECT
    m.subscription_key,
    m.customer_key,
    m.product_key,
    m.currency,
    b.began_on,
    m.mrr_after AS mrr,
    m.movement_date AS valid_from,
    COALESCE(
        LEAD(m.movement_date) OVER (PARTITION BY m.subscription_key ORDER BY m.movement_date),
        CAST(DATEADD(day, 1, @as_of) AS date)
    ) AS valid_to
INTO #worth
FROM finance.mrr_movements AS m
INNER JOIN beginnings AS b ON b.subscription_key = m.subscription_key AND m.movement_date >= b.began_on;

-- 2. How far each is invoiced, and what it was worth then. An invoice brings all that was earned before it.
WITH invoiced AS (
    SELECT w.subscription_key, MAX(e.event_date) AS invoiced_on, MAX(e.service_to) AS invoiced_to
    FROM finance.billing_event AS e
    INNER JOIN #worth AS w ON w.subscription_key = e.subscription_key
    WHERE e.kind = 'invoiced' AND e.line_type <> 'usage' AND e.event_date >= w.began_on
    GROUP BY w.subscription_key
)
SELECT i.subscription_key, i.invoiced_on, i.invoiced_to, w.mrr AS mrr_invoiced
INTO #invoiced
FROM invoiced AS i
INNER JOIN #worth AS w
    ON w.subscription_key = i.subscription_key AND i.invoiced_on >= w.valid_from AND i.invoiced_on < w.valid_to;

-- 3. Days since then: those that no invoice covers, and what amendments added on days that one covers.
WITH since AS (
    SELECT
        w.subscription_key,
        w.customer_key,
        w.product_key,
        w.currency,
        w.mrr,
        w.mrr - COALESCE(i.mrr_invoiced, 0) AS mrr_added,
        CASE WHEN i.invoiced_on > w.valid_from THEN i.invoiced_on ELSE w.valid_from END AS valid_from,
        w.valid_to,
        COALESCE(i.invoiced_to, w.began_on) AS invoiced_to
    FROM #worth AS w
    LEFT JOIN #invoiced AS i ON i.subscription_key = w.subscription_key
    WHERE i.invoiced_on IS NULL OR w.valid_to > i.invoiced_on
),
pieces AS (
    SELECT
        s.subscription_key,
        s.customer_key,
        s.product_key,
        s.currency,
        s.mrr AS amount,
        CASE WHEN s.invoiced_to > s.valid_from THEN s.invoiced_to ELSE s.valid_from END AS valid_from,
        s.valid_to
    FROM since AS s
    WHERE s.mrr > 0 AND s.valid_to > s.invoiced_to
    UNION ALL
    SELECT
        s.subscription_key,
        s.customer_key,
        s.product_key,
        s.currency,
        s.mrr_added,
        s.valid_from,
        CASE WHEN s.invoiced_to < s.valid_to THEN s.invoiced_to ELSE s.valid_to END
    FROM since AS s
    WHERE s.mrr_added > 0 AND s.valid_from < s.invoiced_to
),
by_month AS (
    SELECT
        p.subscription_key,
        p.customer_key,
        p.product_key,
        p.currency,
        p.amount,
        DATEDIFF(
            day,
            CASE WHEN p.valid_from > k.month_start THEN p.valid_from ELSE k.month_start END,
            CASE WHEN p.valid_to <= k.month_end THEN p.valid_to ELSE CAST(DATEADD(day, 1, k.month_end) AS date) END
        ) AS days,
        DAY(EOMONTH(k.month_start)) AS days_of_month
    FROM pieces AS p
    INNER JOIN finance.eur_rate_monthly AS k
        ON k.currency = 'EUR' AND k.month_start < p.valid_to AND k.month_end >= p.valid_from
)
SELECT
    b.subscription_key,
    b.customer_key,
    b.product_key,
    b.currency,
    CAST(
        ROUND(SUM(CAST(ROUND(b.amount * b.days / b.days_of_month, 6) AS decimal(28, 6))), 2) AS decimal(18, 2)
    ) AS amount
INTO #accrued
FROM by_month AS b
GROUP BY b.subscription_key, b.customer_key, b.product_key, b.currency;

SELECT
    d.month_start,
    d.month_end,
    CAST('invoiced later' AS varchar(14)) AS basis,
    d.invoice_line_key,
    d.issued_on AS invoiced_on,
    d.subscription_key,
    d.customer_key,
    d.product_key,
    d.currency,
    d.closing_unbilled AS unbilled,
    d.closing_unbilled_eur AS unbilled_eur
INTO finance.unbilled_revenue
FROM finance.deferred_revenue_monthly AS d
WHERE d.closing_unbilled <> 0;

INSERT INTO finance.unbilled_revenue (
    month_start, month_end, basis, subscription_key, customer_key, product_key, currency, unbilled, unbilled_eur
)
SELECT
    r.month_start,
    r.month_end,
    'not invoiced',
    a.subscription_key,
    a.customer_key,
    a.product_key,
    a.currency,
    a.amount,
    CAST(ROUND(a.amount * r.eur_rate, 2) AS decimal(18, 2))
FROM #accrued AS a
LEFT JOIN finance.eur_rate_monthly AS r
    ON r.currency = a.currency AND r.month_start = DATEFROMPARTS(YEAR(@as_of), MONTH(@as_of), 1)
WHERE a.amount <> 0;
