/*
  title:       Retention by cohort
  owner:       finance-analytics
  description: Customers by the month of their first revenue, and what is left of them month by month: how many still
               pay, and what they bring over what they brought on their first day. Month 0 is the month they came in.
               All is valued at the rates of the month of @as_of, so that the cells of the triangle can be compared.
*/
DECLARE @as_of date;

WITH months AS (
    SELECT r.month_start
    FROM finance.eur_rate_monthly AS r
    WHERE r.currency = 'EUR'
),
last_rates AS (
    SELECT r.currency, r.eur_rate
    FROM finance.eur_rate_monthly AS r
    WHERE r.month_start = DATEFROMPARTS(YEAR(@as_of), MONTH(@as_of), 1)
),
customers AS (
    SELECT m.customer_key, MIN(m.month_start) AS cohort_month
    FROM finance.mrr_movements AS m
    GROUP BY m.customer_key
),
cohorts AS (
    SELECT
        c.cohort_month,
        COUNT(DISTINCT c.customer_key) AS customers,
        SUM(CAST(CAST(m.amount AS decimal(18, 2)) * CAST(r.eur_rate AS decimal(18, 8)) AS decimal(18, 2))) AS mrr_eur
    FROM customers AS c
    INNER JOIN finance.mrr_movements AS m ON m.customer_key = c.customer_key AND m.kind = 'new'
    LEFT JOIN last_rates AS r ON r.currency = m.currency
    GROUP BY c.cohort_month
),
paying AS (
    SELECT
        c.cohort_month,
        m.month_start,
        COUNT(DISTINCT m.customer_key) AS customers,
        SUM(CAST(CAST(m.closing AS decimal(18, 2)) * CAST(r.eur_rate AS decimal(18, 8)) AS decimal(18, 2))) AS mrr_eur
    FROM customers AS c
    INNER JOIN finance.mrr_monthly AS m ON m.customer_key = c.customer_key AND m.closing > 0
    LEFT JOIN last_rates AS r ON r.currency = m.currency
    GROUP BY c.cohort_month, m.month_start
),
triangle AS (
    SELECT
        c.cohort_month,
        k.month_start,
        DATEDIFF(month, c.cohort_month, k.month_start) AS month_number,
        c.customers AS cohort_customers,
        COALESCE(p.customers, 0) AS paying_customers,
        CAST(c.mrr_eur AS decimal(18, 2)) AS cohort_mrr_eur,
        CAST(COALESCE(p.mrr_eur, 0) AS decimal(18, 2)) AS mrr_eur
    FROM cohorts AS c
    INNER JOIN months AS k ON k.month_start >= c.cohort_month
    LEFT JOIN paying AS p ON p.cohort_month = c.cohort_month AND p.month_start = k.month_start
)
SELECT
    t.cohort_month,
    t.month_start,
    CAST(t.month_number AS int) AS month_number,
    CAST(t.cohort_customers AS int) AS cohort_customers,
    CAST(t.paying_customers AS int) AS paying_customers,
    t.cohort_mrr_eur,
    t.mrr_eur,
    CAST(CAST(t.paying_customers AS decimal(18, 2)) / CAST(t.cohort_customers AS decimal(18, 2)) AS decimal(18, 6))
        AS customer_retention,
    CAST(CAST(t.mrr_eur AS decimal(18, 2)) / NULLIF(CAST(t.cohort_mrr_eur AS decimal(18, 2)), 0) AS decimal(18, 6))
        AS mrr_retention
INTO finance.cohort_retention
FROM triangle AS t;
