-- Opening and movements make the closing, in the contract's currency and in EUR
SELECT m.month_start, m.customer_key, m.product_key, m.currency, m.opening, m.closing, m.opening_eur, m.closing_eur
FROM finance.mrr_monthly AS m
WHERE m.opening + m.new_mrr + m.reactivation + m.expansion - m.contraction - m.churn <> m.closing
    OR m.opening_eur + m.new_eur + m.reactivation_eur + m.expansion_eur - m.contraction_eur - m.churn_eur + m.fx_eur
        <> m.closing_eur;

-- Every customer's month opens with what its month before closed with
WITH balances AS (
    SELECT
        m.customer_key,
        m.month_start,
        SUM(m.opening) AS opening,
        SUM(m.closing) AS closing,
        SUM(m.opening_eur) AS opening_eur,
        SUM(m.closing_eur) AS closing_eur
    FROM finance.mrr_monthly AS m
    GROUP BY m.customer_key, m.month_start
),
months AS (
    SELECT r.month_start FROM finance.eur_rate_monthly AS r WHERE r.currency = 'EUR'
),
customers AS (
    SELECT b.customer_key, MIN(b.month_start) AS first_month FROM balances AS b GROUP BY b.customer_key
),
grid AS (
    SELECT
        c.customer_key,
        k.month_start,
        COALESCE(b.opening, 0) AS opening,
        COALESCE(b.opening_eur, 0) AS opening_eur,
        COALESCE(LAG(b.closing) OVER (PARTITION BY c.customer_key ORDER BY k.month_start), 0) AS closed,
        COALESCE(LAG(b.closing_eur) OVER (PARTITION BY c.customer_key ORDER BY k.month_start), 0) AS closed_eur
    FROM customers AS c
    INNER JOIN months AS k ON k.month_start >= c.first_month
    LEFT JOIN balances AS b ON b.customer_key = c.customer_key AND b.month_start = k.month_start
)
SELECT g.customer_key, g.month_start, g.opening, g.closed, g.opening_eur, g.closed_eur
FROM grid AS g
WHERE g.opening <> g.closed OR g.opening_eur <> g.closed_eur;

-- The months' movements are those of mrr_movements, to the cent
WITH monthly AS (
    SELECT
        m.customer_key,
        m.month_start,
        SUM(m.closing - m.opening) AS moved,
        SUM(m.new_eur + m.reactivation_eur + m.expansion_eur - m.contraction_eur - m.churn_eur) AS moved_eur
    FROM finance.mrr_monthly AS m
    GROUP BY m.customer_key, m.month_start
),
ledger AS (
    SELECT v.customer_key, v.month_start, SUM(v.amount) AS moved, SUM(v.amount_eur) AS moved_eur
    FROM finance.mrr_movements AS v
    GROUP BY v.customer_key, v.month_start
)
SELECT m.customer_key, m.month_start, m.moved, l.moved AS moved_in_ledger
FROM monthly AS m
LEFT JOIN ledger AS l ON l.customer_key = m.customer_key AND l.month_start = m.month_start
WHERE m.moved <> COALESCE(l.moved, 0) OR m.moved_eur <> COALESCE(l.moved_eur, 0);

-- No amount is below nothing: directions are in the columns' names
SELECT m.month_start, m.customer_key, m.product_key, m.currency
FROM finance.mrr_monthly AS m
WHERE m.opening < 0 OR m.new_mrr < 0 OR m.reactivation < 0 OR m.expansion < 0 OR m.contraction < 0 OR m.churn < 0
    OR m.closing < 0;

-- Every month of every line has a rate to EUR
SELECT m.month_start, m.customer_key, m.currency
FROM finance.mrr_monthly AS m
WHERE m.eur_rate IS NULL;
