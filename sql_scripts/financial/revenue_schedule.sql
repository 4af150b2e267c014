/*
  title:       Revenue schedule
  owner:       finance-analytics
  description: When the net amount of every invoice line is earned, month by month: in equal parts for each day of the
               line's service period. recognised is earned by @as_of, planned comes after it; all rows of a line
               together are its amount less what was credited, to the cent. A credit note takes revenue back over the
               period that it names; for days that have passed, on its own day. When the subscription is cancelled,
               what has not been credited of a line that runs on is earned on that day. A void invoice takes back on
               that day all that it had earned. EUR are at the rate of the invoice's day.
*/
DECLARE @as_of date;

-- 1. Lines. From the cancellation on nothing is served: a line that was invoiced before and runs on ends there.
SELECT
    e.invoice_line_key,
    e.invoice_key,
    e.customer_key,
    e.subscription_key,
    e.product_key,
    e.line_type,
    e.currency,
    e.eur_rate,
    MIN(c.effective_on) AS cancelled_on,
    MIN(v.event_date) AS voided_on
INTO #line
FROM finance.billing_event AS e
LEFT JOIN silver.subscription_change AS c
    ON c.subscription_key = e.subscription_key
    AND c.change_type = 'cancel'
    AND c.effective_on <= @as_of
    AND c.effective_on >= e.event_date
    AND c.effective_on < e.service_to
LEFT JOIN finance.billing_event AS v ON v.invoice_line_key = e.invoice_line_key AND v.kind = 'voided'
WHERE e.kind = 'invoiced'
GROUP BY
    e.invoice_line_key, e.invoice_key, e.customer_key, e.subscription_key, e.product_key, e.line_type, e.currency,
    e.eur_rate;

-- 2. What a line is made of: its own amount, and every credit.
WITH parts AS (
    SELECT
        e.invoice_line_key,
        e.kind,
        e.amount,
        e.event_date,
        e.service_from,
        DATEDIFF(day, e.service_from, e.service_to) AS service_days,
        CASE
            WHEN l.cancelled_on < e.service_to THEN l.cancelled_on
            ELSE CAST(DATEADD(day, -1, e.service_to) AS date)
        END AS last_day,
        CASE WHEN l.cancelled_on <= e.service_from THEN 1 ELSE 0 END AS is_after_cancellation
    FROM finance.billing_event AS e
    INNER JOIN #line AS l ON l.invoice_line_key = e.invoice_line_key
    WHERE e.kind IN ('invoiced', 'credited')
)
SELECT
    p.invoice_line_key,
    p.amount,
    p.service_from,
    p.service_days,
    -- A line is earned by its days, whether it is invoiced before or after them; a credit not before it is given. But
    -- one for the time after a cancellation that was dated back counts from there: nothing is earned to be credited.
    CASE
        WHEN p.kind = 'invoiced' THEN p.service_from
        WHEN p.is_after_cancellation = 1 AND p.last_day < p.event_date THEN p.last_day
        ELSE p.event_date
    END AS counts_from,
    CASE
        WHEN p.kind = 'credited' AND p.is_after_cancellation = 0 AND p.event_date > p.last_day THEN p.event_date
        ELSE p.last_day
    END AS complete_on
INTO #part
FROM parts AS p;

-- 3. The days at which to look: the ends of the months in which something is earned, and @as_of.
WITH spans AS (
    SELECT
        p.invoice_line_key,
        MIN(CASE WHEN p.complete_on < p.service_from THEN p.complete_on ELSE p.service_from END) AS first_day,
        MAX(p.complete_on) AS last_day
    FROM #part AS p
    GROUP BY p.invoice_line_key
)
SELECT
    s.invoice_line_key,
    DATEFROMPARTS(YEAR(s.first_day), MONTH(s.first_day), 1) AS first_month,
    EOMONTH(COALESCE(l.voided_on, s.last_day)) AS last_month_end
INTO #span
FROM spans AS s
INNER JOIN #line AS l ON l.invoice_line_key = s.invoice_line_key;

WITH reach AS (
    SELECT MIN(s.first_month) AS first_month, MAX(s.last_month_end) AS last_month_end
    FROM #span AS s
),
months AS (
    SELECT r.first_month AS month_start, r.last_month_end
    FROM reach AS r
    WHERE r.first_month IS NOT NULL
    UNION ALL
    SELECT CAST(DATEADD(month, 1, m.month_start) AS date), m.last_month_end
    FROM months AS m
    WHERE DATEADD(month, 1, m.month_start) <= m.last_month_end
)
SELECT m.month_start, EOMONTH(m.month_start) AS month_end
INTO #month
FROM months AS m
OPTION (MAXRECURSION 1200);

SELECT d.invoice_line_key, d.month_start, d.day
INTO #day
FROM (
    SELECT s.invoice_line_key, m.month_start, m.month_end AS day
    FROM #span AS s
    INNER JOIN #month AS m ON m.month_start BETWEEN s.first_month AND s.last_month_end
    UNION
    SELECT s.invoice_line_key, DATEFROMPARTS(YEAR(@as_of), MONTH(@as_of), 1), @as_of
    FROM #span AS s
    WHERE @as_of BETWEEN s.first_month AND s.last_month_end
) AS d;

-- 4. What is earned by the end of each of these days. Parts are kept to the millionth and their sum is rounded once: so
-- the rest of a line that is credited in full earns nothing, instead of a cent more in one month and less in the next.
WITH earned AS (
    SELECT
        d.invoice_line_key,
        d.month_start,
        d.day,
        SUM(CASE
            WHEN d.day >= p.complete_on THEN p.amount
            WHEN d.day < p.counts_from OR d.day < p.service_from THEN 0
            ELSE CAST(
                ROUND(p.amount * (DATEDIFF(day, p.service_from, d.day) + 1) / p.service_days, 6) AS decimal(28, 6)
            )
        END) AS amount
    FROM #day AS d
    INNER JOIN #part AS p ON p.invoice_line_key = d.invoice_line_key
    GROUP BY d.invoice_line_key, d.month_start, d.day
)
SELECT
    e.invoice_line_key,
    e.month_start,
    e.day,
    CAST(CASE WHEN l.voided_on <= e.day THEN 0 ELSE ROUND(e.amount, 2) END AS decimal(18, 2)) AS amount
INTO #earned
FROM earned AS e
INNER JOIN #line AS l ON l.invoice_line_key = e.invoice_line_key;

-- 5. A month earns what is earned by its end and was not by the end of the month before.
WITH valued AS (
    SELECT
        e.invoice_line_key,
        e.month_start,
        e.day,
        e.amount,
        CAST(ROUND(e.amount * l.eur_rate, 2) AS decimal(18, 2)) AS amount_eur
    FROM #earned AS e
    INNER JOIN #line AS l ON l.invoice_line_key = e.invoice_line_key
),
steps AS (
    SELECT
        v.invoice_line_key,
        v.month_start,
        CASE WHEN v.day <= @as_of THEN 1 ELSE 0 END AS is_past,
        v.amount - COALESCE(LAG(v.amount) OVER (PARTITION BY v.invoice_line_key ORDER BY v.day), 0) AS amount,
        v.amount_eur - COALESCE(LAG(v.amount_eur) OVER (PARTITION BY v.invoice_line_key ORDER BY v.day), 0)
            AS amount_eur
    FROM valued AS v
),
months AS (
    SELECT
        s.invoice_line_key,
        s.month_start,
        SUM(CASE WHEN s.is_past = 1 THEN s.amount ELSE 0 END) AS recognised,
        SUM(CASE WHEN s.is_past = 0 THEN s.amount ELSE 0 END) AS planned,
        SUM(CASE WHEN s.is_past = 1 THEN s.amount_eur ELSE 0 END) AS recognised_eur,
        SUM(CASE WHEN s.is_past = 0 THEN s.amount_eur ELSE 0 END) AS planned_eur
    FROM steps AS s
    GROUP BY s.invoice_line_key, s.month_start
)
SELECT
    m.invoice_line_key,
    m.month_start,
    EOMONTH(m.month_start) AS month_end,
    l.invoice_key,
    l.customer_key,
    l.subscription_key,
    l.product_key,
    l.line_type,
    l.currency,
    CAST(m.recognised AS decimal(18, 2)) AS recognised,
    CAST(m.planned AS decimal(18, 2)) AS planned,
    l.eur_rate,
    CAST(m.recognised_eur AS decimal(18, 2)) AS recognised_eur,
    CAST(m.planned_eur AS decimal(18, 2)) AS planned_eur
INTO finance.revenue_schedule
FROM months AS m
INNER JOIN #line AS l ON l.invoice_line_key = m.invoice_line_key
WHERE m.recognised <> 0 OR m.planned <> 0 OR m.recognised_eur <> 0 OR m.planned_eur <> 0;
