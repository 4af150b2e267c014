/*
  title:       Annual recurring revenue
  owner:       finance-analytics
  description: What every customer's recurring revenue comes to in a year, at the end of each month, in EUR: arr is
               twelve times the MRR of that day. Committed ARR adds what is signed and not in force yet: amendments
               that were recorded by that day and take effect after it, upgrades as well as cancellations. Rates are
               those of the month.
*/
DECLARE @as_of date;

WITH months AS (
    SELECT r.month_start, r.month_end
    FROM finance.eur_rate_monthly AS r
    WHERE r.currency = 'EUR'
),
pending AS (
    -- The last amendment known that day says where the subscription is going.
    SELECT
        k.month_start,
        k.month_end,
        c.subscription_key,
        c.customer_key,
        c.currency,
        c.mrr_after,
        ROW_NUMBER() OVER (  -- a subscription has one customer and currency; strata: allow ties
            PARTITION BY k.month_start, c.subscription_key
            ORDER BY c.effective_on DESC, c.created_at DESC, c.mrr_after DESC
        ) AS recency
    FROM months AS k
    INNER JOIN silver.subscription_change AS c
        ON c.effective_on > k.month_end AND CAST(c.created_at AS date) <= k.month_end
),
live AS (
    SELECT p.month_start, p.subscription_key, SUM(m.amount) AS mrr
    FROM pending AS p
    INNER JOIN finance.mrr_movements AS m
        ON m.subscription_key = p.subscription_key AND m.movement_date <= p.month_end
    WHERE p.recency = 1
    GROUP BY p.month_start, p.subscription_key
),
amounts AS (
    SELECT m.month_start, m.customer_key, m.closing_eur AS mrr_eur, CAST(0 AS decimal(18, 2)) AS pending_eur
    FROM finance.mrr_monthly AS m
    UNION ALL
    SELECT
        p.month_start,
        p.customer_key,
        CAST(0 AS decimal(18, 2)),
        CAST(CAST(p.mrr_after - COALESCE(l.mrr, 0) AS decimal(18, 2)) * CAST(r.eur_rate AS decimal(18, 8))
            AS decimal(18, 2))
    FROM pending AS p
    LEFT JOIN live AS l ON l.month_start = p.month_start AND l.subscription_key = p.subscription_key
    LEFT JOIN finance.eur_rate_monthly AS r ON r.month_start = p.month_start AND r.currency = p.currency
    WHERE p.recency = 1
),
customer_months AS (
    SELECT
        a.month_start,
        a.customer_key,
        CAST(SUM(a.mrr_eur) AS decimal(18, 2)) AS mrr_eur,
        CAST(SUM(a.pending_eur) AS decimal(18, 2)) AS pending_eur
    FROM amounts AS a
    GROUP BY a.month_start, a.customer_key
)
SELECT
    k.month_start,
    k.month_end,
    m.customer_key,
    CAST(COALESCE(c.segment, 'unknown') AS varchar(20)) AS segment,
    m.mrr_eur,
    CAST(12 * m.mrr_eur AS decimal(18, 2)) AS arr_eur,
    m.pending_eur AS pending_mrr_eur,
    CAST(m.mrr_eur + m.pending_eur AS decimal(18, 2)) AS committed_mrr_eur,
    CAST(12 * (m.mrr_eur + m.pending_eur) AS decimal(18, 2)) AS committed_arr_eur
INTO finance.arr
FROM customer_months AS m
INNER JOIN months AS k ON k.month_start = m.month_start
LEFT JOIN silver.customer AS c ON c.customer_key = m.customer_key
WHERE m.mrr_eur <> 0 OR m.pending_eur <> 0;
