-- What was there then, expanded, contracted and lost, is what is there now
SELECT r.month_start, r.segment, r.then_eur, r.expansion_eur, r.contraction_eur, r.churn_eur, r.now_eur
FROM finance.retention AS r
WHERE r.then_eur - r.contraction_eur - r.churn_eur <> r.kept_eur
    OR r.kept_eur + r.expansion_eur <> r.now_eur
    OR r.expansion_eur < 0 OR r.contraction_eur < 0 OR r.churn_eur < 0;

-- Gross retention lies between 0 and 1, and net retention not below it
SELECT r.month_start, r.segment, r.grr, r.nrr, r.logo_retention
FROM finance.retention AS r
WHERE r.grr < 0 OR r.grr > 1 OR r.nrr < r.grr OR r.logo_retention > 1 OR r.customers_kept > r.customers_then;

-- All is the sum of the segments
SELECT r.month_start
FROM finance.retention AS r
GROUP BY r.month_start
HAVING SUM(CASE WHEN r.segment = 'all' THEN r.then_eur ELSE -r.then_eur END) <> 0
    OR SUM(CASE WHEN r.segment = 'all' THEN r.now_eur ELSE -r.now_eur END) <> 0
    OR SUM(CASE WHEN r.segment = 'all' THEN r.customers_then ELSE -r.customers_then END) <> 0;

-- Everybody who paid a year ago is asked after, and nobody else
WITH paid AS (
    SELECT m.month_start, COUNT(DISTINCT m.customer_key) AS customers
    FROM finance.mrr_monthly AS m
    WHERE m.closing > 0
    GROUP BY m.month_start
)
SELECT r.month_start, r.customers_then, p.customers
FROM finance.retention AS r
LEFT JOIN paid AS p ON p.month_start = DATEADD(month, -12, r.month_start)
WHERE r.segment = 'all' AND r.customers_then <> COALESCE(p.customers, 0);
