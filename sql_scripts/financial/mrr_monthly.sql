/*
  title:       Monthly recurring revenue
  owner:       finance-analytics
  description: What recurring revenue every customer brings with every product at the end of each month, and what moved
               it since the month before: new, expansion, contraction, churn and reactivation. In the contract's
               currency, opening + new + reactivation + expansion - contraction - churn = closing. In EUR each month is
               valued at the last rate known at its end; what the rate alone moved is fx_eur, so that the EUR bridge
               closes to the cent. The month of @as_of is counted up to that day.
*/
DECLARE @as_of date;

WITH amendments AS (
    -- The last amendment of a subscription in a month says what the subscription is worth at the month's end.
    SELECT
        c.subscription_key,
        c.customer_key,
        c.product_key,
        c.currency,
        DATEFROMPARTS(YEAR(c.effective_on), MONTH(c.effective_on), 1) AS month_start,
        c.mrr_after,
        ROW_NUMBER() OVER (
            PARTITION BY c.subscription_key, YEAR(c.effective_on), MONTH(c.effective_on)
            ORDER BY c.effective_on DESC, c.created_at DESC, c.subscription_change_key DESC
        ) AS recency
    FROM silver.subscription_change AS c
    WHERE c.effective_on <= @as_of
),
differences AS (
    SELECT
        a.customer_key,
        a.product_key,
        a.currency,
        a.month_start,
        a.mrr_after - COALESCE(
            LAG(a.mrr_after) OVER (PARTITION BY a.subscription_key ORDER BY a.month_start), 0
        ) AS difference
    FROM amendments AS a
    WHERE a.recency = 1
),
movements AS (
    SELECT d.customer_key, d.product_key, d.currency, d.month_start, CAST(SUM(d.difference) AS decimal(18, 2)) AS net
    FROM differences AS d
    GROUP BY d.customer_key, d.product_key, d.currency, d.month_start
),
lines AS (
    SELECT m.customer_key, m.product_key, m.currency, MIN(m.month_start) AS first_month
    FROM movements AS m
    GROUP BY m.customer_key, m.product_key, m.currency
),
months AS (
    SELECT MIN(f.first_month) AS month_start
    FROM lines AS f
    HAVING MIN(f.first_month) IS NOT NULL
    UNION ALL
    SELECT CAST(DATEADD(month, 1, p.month_start) AS date)
    FROM months AS p
    WHERE DATEADD(month, 1, p.month_start) <= @as_of
),
closes AS (
    SELECT
        k.month_start,
        CASE WHEN EOMONTH(k.month_start) < @as_of THEN EOMONTH(k.month_start) ELSE @as_of END AS month_end
    FROM months AS k
),
rates AS (
    SELECT x.base_currency, x.rate_date, MAX(x.exchange_rate) AS rate
    FROM silver.product_exchange_rate AS x
    WHERE x.is_deleted = 0 AND x.quote_currency = 'EUR' AND x.rate_date <= @as_of
    GROUP BY x.base_currency, x.rate_date
),
rate_days AS (
    SELECT k.month_start, r.base_currency, MAX(r.rate_date) AS rate_date
    FROM closes AS k
    INNER JOIN rates AS r ON r.rate_date <= k.month_end
    GROUP BY k.month_start, r.base_currency
),
closing_rates AS (
    SELECT d.month_start, d.base_currency, r.rate
    FROM rate_days AS d
    INNER JOIN rates AS r ON r.base_currency = d.base_currency AND r.rate_date = d.rate_date
),
balances AS (
    SELECT
        f.customer_key,
        f.product_key,
        f.currency,
        k.month_start,
        k.month_end,
        COALESCE(m.net, 0) AS net,
        CAST(SUM(COALESCE(m.net, 0)) OVER (
            PARTITION BY f.customer_key, f.product_key, f.currency
            ORDER BY k.month_start
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS decimal(18, 2)) AS closing
    FROM lines AS f
    INNER JOIN closes AS k ON k.month_start >= f.first_month
    LEFT JOIN movements AS m
        ON m.customer_key = f.customer_key
        AND m.product_key = f.product_key
        AND m.currency = f.currency
        AND m.month_start = k.month_start
),
bridge AS (
    SELECT
        b.customer_key,
        b.product_key,
        b.currency,
        b.month_start,
        b.month_end,
        CAST(b.closing - b.net AS decimal(18, 2)) AS opening,
        CASE WHEN b.currency = 'EUR' THEN CAST(1 AS decimal(18, 8)) ELSE CAST(r.rate AS decimal(18, 8)) END AS eur_rate,
        b.closing,
        COALESCE(MAX(b.closing) OVER (
            PARTITION BY b.customer_key, b.product_key, b.currency
            ORDER BY b.month_start
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ), 0) AS best_before
    FROM balances AS b
    LEFT JOIN closing_rates AS r ON r.base_currency = b.currency AND r.month_start = b.month_start
),
kinds AS (
    SELECT
        g.customer_key,
        g.product_key,
        g.currency,
        g.month_start,
        g.month_end,
        g.eur_rate,
        g.opening,
        CASE WHEN g.opening = 0 AND g.best_before = 0 THEN g.closing ELSE 0 END AS new_mrr,
        CASE WHEN g.opening = 0 AND g.best_before > 0 THEN g.closing ELSE 0 END AS reactivation,
        CASE WHEN g.opening > 0 AND g.closing > g.opening THEN g.closing - g.opening ELSE 0 END AS expansion,
        CASE WHEN g.closing > 0 AND g.closing < g.opening THEN g.opening - g.closing ELSE 0 END AS contraction,
        CASE WHEN g.closing = 0 THEN g.opening ELSE 0 END AS churn,
        g.closing
    FROM bridge AS g
),
valued AS (
    SELECT
        v.customer_key,
        v.product_key,
        v.currency,
        v.month_start,
        v.month_end,
        v.eur_rate,
        v.opening,
        v.new_mrr,
        v.reactivation,
        v.expansion,
        v.contraction,
        v.churn,
        v.closing,
        CAST(CAST(v.new_mrr AS decimal(18, 2)) * CAST(v.eur_rate AS decimal(18, 8)) AS decimal(18, 2)) AS new_eur,
        CAST(CAST(v.reactivation AS decimal(18, 2)) * CAST(v.eur_rate AS decimal(18, 8)) AS decimal(18, 2)) AS reactivation_eur,
        CAST(CAST(v.expansion AS decimal(18, 2)) * CAST(v.eur_rate AS decimal(18, 8)) AS decimal(18, 2)) AS expansion_eur,
        CAST(CAST(v.contraction AS decimal(18, 2)) * CAST(v.eur_rate AS decimal(18, 8)) AS decimal(18, 2)) AS contraction_eur,
        CAST(CAST(v.churn AS decimal(18, 2)) * CAST(v.eur_rate AS decimal(18, 8)) AS decimal(18, 2)) AS churn_eur,
        CAST(CAST(v.closing AS decimal(18, 2)) * CAST(v.eur_rate AS decimal(18, 8)) AS decimal(18, 2)) AS closing_eur
    FROM kinds AS v
),
chained AS (
    SELECT
        c.customer_key,
        c.product_key,
        c.currency,
        c.month_start,
        c.month_end,
        c.eur_rate,
        c.opening,
        c.new_mrr,
        c.reactivation,
        c.expansion,
        c.contraction,
        c.churn,
        c.closing,
        COALESCE(LAG(c.closing_eur) OVER (
            PARTITION BY c.customer_key, c.product_key, c.currency ORDER BY c.month_start
        ), 0) AS opening_eur,
        c.new_eur,
        c.reactivation_eur,
        c.expansion_eur,
        c.contraction_eur,
        c.churn_eur,
        c.closing_eur
    FROM valued AS c
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
    t.new_eur,
    t.reactivation_eur,
    t.expansion_eur,
    t.contraction_eur,
    t.churn_eur,
    CAST(
        t.closing_eur - t.opening_eur - t.new_eur - t.reactivation_eur - t.expansion_eur
        + t.contraction_eur + t.churn_eur AS decimal(18, 2)
    ) AS fx_eur,
    t.closing_eur
INTO finance.mrr_monthly
FROM chained AS t
WHERE t.opening <> 0 OR t.closing <> 0
OPTION (MAXRECURSION 1200);
