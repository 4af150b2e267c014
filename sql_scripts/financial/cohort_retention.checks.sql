DECLARE @as_of date;

-- The cohorts of a month have all its paying customers between them
WITH cohorts AS (
    SELECT c.month_start, SUM(c.paying_customers) AS customers
    FROM finance.cohort_retention AS c
    GROUP BY c.month_start
),
waterfall AS (
    SELECT w.month_start, SUM(w.closing_customers) AS customers
    FROM finance.mrr_waterfall_monthly AS w
    GROUP BY w.month_start
)
SELECT w.month_start, w.customers, c.customers AS in_cohorts
FROM waterfall AS w
LEFT JOIN cohorts AS c ON c.month_start = w.month_start
WHERE w.customers <> COALESCE(c.customers, 0);

-- In the month of @as_of, whose rates are the cohorts', their MRR is what the waterfall closes with
WITH cohorts AS (
    SELECT c.month_start, SUM(c.mrr_eur) AS mrr_eur
    FROM finance.cohort_retention AS c
    GROUP BY c.month_start
),
waterfall AS (
    SELECT w.month_start, SUM(w.closing_eur) AS closing_eur
    FROM finance.mrr_waterfall_monthly AS w
    WHERE w.month_end = @as_of
    GROUP BY w.month_start
)
SELECT w.month_start, w.closing_eur, c.mrr_eur
FROM waterfall AS w
LEFT JOIN cohorts AS c ON c.month_start = w.month_start
WHERE w.closing_eur <> COALESCE(c.mrr_eur, 0);

-- No cohort has more paying customers than members, and none grows
SELECT c.cohort_month, c.month_start, c.cohort_customers, c.paying_customers
FROM finance.cohort_retention AS c
WHERE c.paying_customers > c.cohort_customers OR c.month_number < 0;

-- Every customer who ever paid is in one cohort
WITH members AS (
    SELECT SUM(c.cohort_customers) AS customers
    FROM finance.cohort_retention AS c
    WHERE c.month_number = 0
),
ever AS (
    SELECT COUNT(DISTINCT m.customer_key) AS customers
    FROM finance.mrr_movements AS m
)
SELECT e.customers, m.customers AS in_cohorts
FROM ever AS e
CROSS JOIN members AS m
WHERE e.customers <> COALESCE(m.customers, 0);
