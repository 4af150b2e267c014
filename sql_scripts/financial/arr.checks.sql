-- ARR is twelve months of MRR, and committed ARR twelve of committed MRR
SELECT a.month_start, a.customer_key, a.mrr_eur, a.arr_eur, a.committed_mrr_eur, a.committed_arr_eur
FROM finance.arr AS a
WHERE a.arr_eur <> 12 * a.mrr_eur
    OR a.committed_arr_eur <> 12 * a.committed_mrr_eur
    OR a.committed_mrr_eur <> a.mrr_eur + a.pending_mrr_eur;

-- The MRR of all customers is the closing of the waterfall
WITH customers AS (
    SELECT a.month_start, SUM(a.mrr_eur) AS mrr_eur
    FROM finance.arr AS a
    GROUP BY a.month_start
),
waterfall AS (
    SELECT w.month_start, SUM(w.closing_eur) AS closing_eur
    FROM finance.mrr_waterfall_monthly AS w
    GROUP BY w.month_start
)
SELECT w.month_start, w.closing_eur, c.mrr_eur
FROM waterfall AS w
LEFT JOIN customers AS c ON c.month_start = w.month_start
WHERE w.closing_eur <> COALESCE(c.mrr_eur, 0);

-- Amounts are known, and a customer has one row a month
SELECT a.month_start, a.customer_key, COUNT(*) AS row_count
FROM finance.arr AS a
GROUP BY a.month_start, a.customer_key
HAVING COUNT(*) > 1 OR COUNT(a.committed_arr_eur) < COUNT(*);
