/*
  title:       Monthly recurring revenue
  owner:       finance-analytics
  description: What recurring revenue every customer brings with every product at the end of each month, and what moved
               it since the month before: new, expansion, contraction, churn and reactivation, as mrr_movements has
               them. In the contract's currency, opening + new + reactivation + expansion - contraction - churn =
               closing. In EUR each month is valued at the last rate known at its end; what the rate alone moved, and
               the cents of rounding, is fx_eur, so that the EUR bridge closes to the cent. The month of @as_of is
               counted up to that day.
*/
DECLARE @as_of date;

WITH movements AS (
    SELECT
        m.customer_key,
        m.product_key,
        m.currency,
        m.month_start,
        SUM(m.amount) AS net,
        SUM(CASE WHEN m.kind = 'new' THEN m.amount ELSE 0 END) AS new_mrr,
        SUM(CASE WHEN m.kind = 'reactivation' THEN m.amount ELSE 0 END) AS reactivation,
        SUM(CASE WHEN m.kind = 'expansion' THEN m.amount ELSE 0 END) AS expansion,
        SUM(CASE WHEN m.kind = 'contraction' THEN -m.amount ELSE 0 END) AS contraction,
        SUM(CASE WHEN m.kind = 'churn' THEN -m.amount ELSE 0 END) AS churn,
        SUM(CASE WHEN m.kind = 'new' THEN m.amount_eur ELSE 0 END) AS new_eur,
        SUM(CASE WHEN m.kind = 'reactivation' THEN m.amount_eur ELSE 0 END) AS reactivation_eur,
        SUM(CASE WHEN m.kind = 'expansion' THEN m.amount_eur ELSE 0 END) AS expansion_eur,
        SUM(CASE WHEN m.kind = 'contraction' THEN -m.amount_eur ELSE 0 END) AS contraction_eur,
        SUM(CASE WHEN m.kind = 'churn' THEN -m.amount_eur ELSE 0 END) AS churn_eur
    FROM finance.mrr_movements AS m
    GROUP BY m.customer_key, m.product_key, m.currency, m.month_start
),
lines AS (
    SELECT m.customer_key, m.product_key, m.currency, MIN(m.month_start) AS first_month
    FROM movements AS m
    GROUP BY m.customer_key, m.product_key, m.currency
),
months AS (
    SELECT r.month_start, r.month_end
    FROM finance.eur_rate_monthly AS r
    WHERE r.currency = 'EUR'
),
balances AS (
    SELECT
        f.customer_key,
        f.product_key,
        f.currency,
        k.month_start,
        k.month_end,
        COALESCE(m.net, 0) AS net,
        COALESCE(m.new_mrr, 0) AS new_mrr,
        COALESCE(m.reactivation, 0) AS reactivation,
        COALESCE(m.expansion, 0) AS expansion,
        COALESCE(m.contraction, 0) AS contraction,
        COALESCE(m.churn, 0) AS churn,
        COALESCE(m.new_eur, 0) AS new_eur,
        COALESCE(m.reactivation_eur, 0) AS reactivation_eur,
        COALESCE(m.expansion_eur, 0) AS expansion_eur,
        COALESCE(m.contraction_eur, 0) AS contraction_eur,
        COALESCE(m.churn_eur, 0) AS churn_eur,
        CASE WHEN m.month_start IS NULL THEN 0 ELSE 1 END AS has_moved,
        CAST(SUM(COALESCE(m.net, 0)) OVER (
            PARTITION BY f.customer_key, f.product_key, f.currency
            ORDER BY k.month_start
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS decimal(18, 2)) AS closing
    FROM lines AS f
    INNER JOIN months AS k ON k.month_start >= f.first_month
    LEFT JOIN movements AS m
        ON m.customer_key = f.customer_key
        AND m.product_key = f.product_key
        AND m.currency = f.currency
        AND m.month_start = k.month_start
),
valued AS (
    SELECT
        b.customer_key,
        b.product_key,
        b.currency,
        b.month_start,
        b.month_end,
        CAST(b.closing - b.net AS decimal(18, 2)) AS opening,
        b.new_mrr,
        b.reactivation,
        b.expansion,
        b.contraction,
        b.churn,
        b.closing,
        b.has_moved,
        r.eur_rate,
        b.new_eur,
        b.reactivation_eur,
        b.expansion_eur,
        b.contraction_eur,
        b.churn_eur,
        CAST(CAST(b.closing AS decimal(18, 2)) * CAST(r.eur_rate AS decimal(18, 8)) AS decimal(18, 2)) AS closing_eur
    FROM balances AS b
    LEFT JOIN finance.eur_rate_monthly AS r ON r.month_start = b.month_start AND r.currency = b.currency
),
chained AS (
    -- A month opens with the euros that the month before closed with.
    SELECT
        v.customer_key,
        v.product_key,
        v.currency,
        v.month_start,
        v.month_end,
        v.opening,
        v.new_mrr,
        v.reactivation,
        v.expansion,
        v.contraction,
        v.churn,
        v.closing,
        v.has_moved,
        v.eur_rate,
        COALESCE(LAG(v.closing_eur) OVER (
            PARTITION BY v.customer_key, v.product_key, v.currency ORDER BY v.month_start
        ), 0) AS opening_eur,
        v.new_eur,
        v.reactivation_eur,
        v.expansion_eur,
        v.contraction_eur,
        v.churn_eur,
        v.closing_eur
    FROM valued AS v
)
SELECT
    t.month_start,
    t.month_end,
    t.customer_key,
    t.product_key,
    t.currency,
    t.opening,
    CAST(t.new_mrr AS decimal(18, 2)) AS new_mrr,
    CAST(t.reactivation AS decimal(18, 2)) AS reactivation,
    CAST(t.expansion AS decimal(18, 2)) AS expansion,
    CAST(t.contraction AS decimal(18, 2)) AS contraction,
    CAST(t.churn AS decimal(18, 2)) AS churn,
    t.closing,
    t.eur_rate,
    CAST(t.opening_eur AS decimal(18, 2)) AS opening_eur,
    CAST(t.new_eur AS decimal(18, 2)) AS new_eur,
    CAST(t.reactivation_eur AS decimal(18, 2)) AS reactivation_eur,
    CAST(t.expansion_eur AS decimal(18, 2)) AS expansion_eur,
    CAST(t.contraction_eur AS decimal(18, 2)) AS contraction_eur,
    CAST(t.churn_eur AS decimal(18, 2)) AS churn_eur,
    CAST(
        t.closing_eur - t.opening_eur - t.new_eur - t.reactivation_eur - t.expansion_eur
        + t.contraction_eur + t.churn_eur AS decimal(18, 2)
    ) AS fx_eur,
    t.closing_eur
INTO finance.mrr_monthly
FROM chained AS t
-- A line that is at nothing and stays there has no row; one that came and went within the month has.
WHERE t.opening <> 0 OR t.closing <> 0 OR t.has_moved = 1;
