DECLARE @as_of date;

-- Every movement begins where the subscription's movement before it ended
WITH chained AS (
    SELECT
        m.subscription_key,
        m.movement_date,
        m.mrr_before,
        COALESCE(LAG(m.mrr_after) OVER (PARTITION BY m.subscription_key ORDER BY m.movement_date), 0) AS mrr_until_then
    FROM finance.mrr_movements AS m
)
SELECT c.subscription_key, c.movement_date, c.mrr_before, c.mrr_until_then
FROM chained AS c
WHERE c.mrr_before <> c.mrr_until_then;

-- The sum of a subscription's movements is what the ledger of amendments says it is worth
WITH moved AS (
    SELECT m.subscription_key, SUM(m.amount) AS moved
    FROM finance.mrr_movements AS m
    GROUP BY m.subscription_key
),
ranked AS (
    SELECT
        c.subscription_key,
        c.mrr_after,
        ROW_NUMBER() OVER (
            PARTITION BY c.subscription_key
            ORDER BY c.effective_on DESC, c.created_at DESC, c.mrr_after DESC
        ) AS recency
    FROM silver.subscription_change AS c
    WHERE c.effective_on <= @as_of
)
SELECT r.subscription_key, r.mrr_after, v.moved
FROM ranked AS r
LEFT JOIN moved AS v ON v.subscription_key = r.subscription_key
WHERE r.recency = 1 AND r.mrr_after <> COALESCE(v.moved, 0);

-- No subscription is worth less than nothing
SELECT m.subscription_key, m.movement_date, m.mrr_after
FROM finance.mrr_movements AS m
WHERE m.mrr_after < 0;

-- New, reactivation and expansion add, contraction and churn take away
SELECT m.subscription_key, m.movement_date, m.kind, m.amount
FROM finance.mrr_movements AS m
WHERE m.amount = 0
    OR (m.kind IN ('new', 'reactivation', 'expansion') AND m.amount < 0)
    OR (m.kind IN ('contraction', 'churn') AND m.amount > 0);

-- A customer is new on one day only
SELECT m.customer_key, COUNT(DISTINCT m.movement_date) AS first_days
FROM finance.mrr_movements AS m
WHERE m.kind = 'new'
GROUP BY m.customer_key
HAVING COUNT(DISTINCT m.movement_date) > 1;

-- After churn a customer pays nothing
SELECT gone.customer_key, gone.movement_date, SUM(m.amount) AS left_over
FROM (SELECT DISTINCT c.customer_key, c.movement_date FROM finance.mrr_movements AS c WHERE c.kind = 'churn') AS gone
INNER JOIN finance.mrr_movements AS m
    ON m.customer_key = gone.customer_key AND m.movement_date <= gone.movement_date
GROUP BY gone.customer_key, gone.movement_date
HAVING SUM(m.amount) <> 0;

-- Every movement has a rate to EUR: one of its currency is known by the month's end
SELECT m.subscription_key, m.movement_date, m.currency
FROM finance.mrr_movements AS m
WHERE m.eur_rate IS NULL;
