/*
  title:       Waterfall of recurring revenue
  owner:       finance-analytics
  description: The company's recurring revenue from month to month, in EUR, by segment of the customer: what a month
               opened with, what moved it (new, reactivation, expansion, contraction, churn, exchange rates) and what it
               closed with; and the same bridge for the number of paying customers. Every month has a row for every
               segment. A customer is counted in the segment that it is in now. Contraction and churn are positive
               numbers that are taken away.
*/
DECLARE @as_of date;

WITH months AS (
    SELECT r.month_start, r.month_end
    FROM finance.eur_rate_monthly AS r
    WHERE r.currency = 'EUR'
),
customers AS (
    SELECT m.customer_key, MIN(m.month_start) AS first_month, COALESCE(MAX(c.segment), 'unknown') AS segment
    FROM finance.mrr_movements AS m
    LEFT JOIN silver.customer AS c ON c.customer_key = m.customer_key
    GROUP BY m.customer_key
),
customer_months AS (
    SELECT
        m.month_start,
        m.customer_key,
        SUM(m.opening) AS opening, -- of several currencies: good to tell nothing from something, and for no more
        SUM(m.closing) AS closing,
        SUM(m.opening_eur) AS opening_eur,
        SUM(m.new_eur) AS new_eur,
        SUM(m.reactivation_eur) AS reactivation_eur,
        SUM(m.expansion_eur) AS expansion_eur,
        SUM(m.contraction_eur) AS contraction_eur,
        SUM(m.churn_eur) AS churn_eur,
        SUM(m.fx_eur) AS fx_eur,
        SUM(m.closing_eur) AS closing_eur
    FROM finance.mrr_monthly AS m
    GROUP BY m.month_start, m.customer_key
),
segment_months AS (
    SELECT
        m.month_start,
        c.segment,
        SUM(m.opening_eur) AS opening_eur,
        SUM(m.new_eur) AS new_eur,
        SUM(m.reactivation_eur) AS reactivation_eur,
        SUM(m.expansion_eur) AS expansion_eur,
        SUM(m.contraction_eur) AS contraction_eur,
        SUM(m.churn_eur) AS churn_eur,
        SUM(m.fx_eur) AS fx_eur,
        SUM(m.closing_eur) AS closing_eur,
        SUM(CASE WHEN m.opening > 0 THEN 1 ELSE 0 END) AS opening_customers,
        SUM(CASE WHEN m.opening = 0 AND m.closing > 0 AND m.month_start = c.first_month THEN 1 ELSE 0 END)
            AS new_customers,
        SUM(CASE WHEN m.opening = 0 AND m.closing > 0 AND m.month_start > c.first_month THEN 1 ELSE 0 END)
            AS reactivated_customers,
        SUM(CASE WHEN m.opening > 0 AND m.closing = 0 THEN 1 ELSE 0 END) AS churned_customers,
        SUM(CASE WHEN m.closing > 0 THEN 1 ELSE 0 END) AS closing_customers
    FROM customer_months AS m
    INNER JOIN customers AS c ON c.customer_key = m.customer_key
    GROUP BY m.month_start, c.segment
),
segments AS (
    SELECT DISTINCT c.segment
    FROM customers AS c
)
SELECT
    k.month_start,
    k.month_end,
    s.segment,
    CAST(COALESCE(m.opening_eur, 0) AS decimal(18, 2)) AS opening_eur,
    CAST(COALESCE(m.new_eur, 0) AS decimal(18, 2)) AS new_eur,
    CAST(COALESCE(m.reactivation_eur, 0) AS decimal(18, 2)) AS reactivation_eur,
    CAST(COALESCE(m.expansion_eur, 0) AS decimal(18, 2)) AS expansion_eur,
    CAST(COALESCE(m.contraction_eur, 0) AS decimal(18, 2)) AS contraction_eur,
    CAST(COALESCE(m.churn_eur, 0) AS decimal(18, 2)) AS churn_eur,
    CAST(COALESCE(m.fx_eur, 0) AS decimal(18, 2)) AS fx_eur,
    CAST(COALESCE(m.closing_eur, 0) AS decimal(18, 2)) AS closing_eur,
    CAST(COALESCE(m.opening_customers, 0) AS int) AS opening_customers,
    CAST(COALESCE(m.new_customers, 0) AS int) AS new_customers,
    CAST(COALESCE(m.reactivated_customers, 0) AS int) AS reactivated_customers,
    CAST(COALESCE(m.churned_customers, 0) AS int) AS churned_customers,
    CAST(COALESCE(m.closing_customers, 0) AS int) AS closing_customers
INTO finance.mrr_waterfall_monthly
FROM months AS k
CROSS JOIN segments AS s
LEFT JOIN segment_months AS m ON m.month_start = k.month_start AND m.segment = s.segment;
