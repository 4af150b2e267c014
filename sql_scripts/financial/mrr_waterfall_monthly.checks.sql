-- Opening and movements make the closing, in EUR and in customers
SELECT w.month_start, w.segment, w.opening_eur, w.closing_eur, w.opening_customers, w.closing_customers
FROM finance.mrr_waterfall_monthly AS w
WHERE w.opening_eur + w.new_eur + w.reactivation_eur + w.expansion_eur - w.contraction_eur - w.churn_eur + w.fx_eur
        <> w.closing_eur
    OR w.opening_customers + w.new_customers + w.reactivated_customers - w.churned_customers <> w.closing_customers;

-- Every month opens with what the month before closed with; the first with nothing
WITH chained AS (
    SELECT
        w.month_start,
        w.segment,
        w.opening_eur,
        w.opening_customers,
        COALESCE(LAG(w.closing_eur) OVER (PARTITION BY w.segment ORDER BY w.month_start), 0) AS closed_eur,
        COALESCE(LAG(w.closing_customers) OVER (PARTITION BY w.segment ORDER BY w.month_start), 0) AS closed_customers
    FROM finance.mrr_waterfall_monthly AS w
)
SELECT c.month_start, c.segment, c.opening_eur, c.closed_eur, c.opening_customers, c.closed_customers
FROM chained AS c
WHERE c.opening_eur <> c.closed_eur OR c.opening_customers <> c.closed_customers;

-- All segments together close with all that customers bring
WITH waterfall AS (
    SELECT w.month_start, SUM(w.closing_eur) AS closing_eur
    FROM finance.mrr_waterfall_monthly AS w
    GROUP BY w.month_start
),
monthly AS (
    SELECT m.month_start, SUM(m.closing_eur) AS closing_eur
    FROM finance.mrr_monthly AS m
    GROUP BY m.month_start
)
SELECT w.month_start, w.closing_eur, m.closing_eur AS of_customers
FROM waterfall AS w
LEFT JOIN monthly AS m ON m.month_start = w.month_start
WHERE w.closing_eur <> COALESCE(m.closing_eur, 0);

-- Every movement stands in the waterfall of its month
WITH waterfall AS (
    SELECT
        w.month_start,
        SUM(w.new_eur + w.reactivation_eur + w.expansion_eur - w.contraction_eur - w.churn_eur) AS moved_eur
    FROM finance.mrr_waterfall_monthly AS w
    GROUP BY w.month_start
),
ledger AS (
    SELECT m.month_start, SUM(m.amount_eur) AS moved_eur
    FROM finance.mrr_movements AS m
    GROUP BY m.month_start
)
SELECT l.month_start, l.moved_eur, w.moved_eur AS in_waterfall
FROM ledger AS l
LEFT JOIN waterfall AS w ON w.month_start = l.month_start
WHERE l.moved_eur <> COALESCE(w.moved_eur, 0);
