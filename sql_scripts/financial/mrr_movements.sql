/*
  title:       Movements of recurring revenue
  owner:       finance-analytics
  description: Every day on which a subscription's recurring revenue changed, by how much, and what that was for the
               company: new (the customer's first revenue ever), reactivation (revenue again after none), churn (the
               customer pays nothing any more), expansion or contraction (everything between). A product that a paying
               customer adds is expansion, one that it drops is contraction; change_type keeps what happened to the
               subscription itself, so that cross-selling, pauses and cancellations can be told apart. Amounts are
               signed; EUR are those of the month's end.
*/
DECLARE @as_of date;

WITH amendments AS (
    -- Of several amendments of a subscription for one day, the last to be recorded says what it is worth. The day it
    -- is effective counts, not the day it was recorded: an amendment that is dated back takes its place in time.
    -- Of two that were recorded at one moment the higher counts.
    SELECT
        c.subscription_key,
        c.customer_key,
        c.product_key,
        c.currency,
        c.change_type,
        c.effective_on,
        c.mrr_after,
        ROW_NUMBER() OVER (  -- a subscription has one customer, product and currency; strata: allow ties
            PARTITION BY c.subscription_key, c.effective_on
            ORDER BY c.created_at DESC, c.mrr_after DESC, c.change_type
        ) AS recency
    FROM silver.subscription_change AS c
    WHERE c.effective_on <= @as_of
),
steps AS (
    -- What was worth what before is known by the amendment before, not by what the source says it was: only so can
    -- nothing be lost between two amendments.
    SELECT
        a.subscription_key,
        a.customer_key,
        a.product_key,
        a.currency,
        a.change_type,
        a.effective_on,
        COALESCE(
            LAG(a.mrr_after) OVER (PARTITION BY a.subscription_key ORDER BY a.effective_on), 0
        ) AS mrr_before,
        a.mrr_after
    FROM amendments AS a
    WHERE a.recency = 1
),
customer_days AS (
    -- How many subscriptions more, or fewer, the customer pays for after this day.
    SELECT
        s.customer_key,
        s.effective_on,
        SUM(CASE WHEN s.mrr_after > 0 THEN 1 ELSE 0 END - CASE WHEN s.mrr_before > 0 THEN 1 ELSE 0 END) AS paid_more
    FROM steps AS s
    WHERE s.mrr_after <> s.mrr_before
    GROUP BY s.customer_key, s.effective_on
),
paying AS (
    SELECT
        d.customer_key,
        d.effective_on,
        d.paid_more,
        SUM(d.paid_more) OVER (
            PARTITION BY d.customer_key ORDER BY d.effective_on ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS paid_after,
        MIN(d.effective_on) OVER (PARTITION BY d.customer_key) AS first_day
    FROM customer_days AS d
),
movements AS (
    SELECT
        s.effective_on AS movement_date,
        DATEFROMPARTS(YEAR(s.effective_on), MONTH(s.effective_on), 1) AS month_start,
        s.customer_key,
        s.product_key,
        s.subscription_key,
        s.change_type,
        CASE
            WHEN s.effective_on = p.first_day THEN 'new'
            WHEN p.paid_after = p.paid_more THEN 'reactivation'
            WHEN p.paid_after = 0 THEN 'churn'
            WHEN s.mrr_after > s.mrr_before THEN 'expansion'
            ELSE 'contraction'
        END AS kind,
        s.currency,
        s.mrr_before,
        s.mrr_after,
        CAST(s.mrr_after - s.mrr_before AS decimal(18, 2)) AS amount
    FROM steps AS s
    INNER JOIN paying AS p ON p.customer_key = s.customer_key AND p.effective_on = s.effective_on
    WHERE s.mrr_after <> s.mrr_before
)
SELECT
    m.movement_date,
    m.month_start,
    m.customer_key,
    m.product_key,
    m.subscription_key,
    m.change_type,
    CAST(m.kind AS varchar(12)) AS kind,
    m.currency,
    CAST(m.mrr_before AS decimal(18, 2)) AS mrr_before,
    CAST(m.mrr_after AS decimal(18, 2)) AS mrr_after,
    m.amount,
    r.eur_rate,
    CAST(CAST(m.amount AS decimal(18, 2)) * CAST(r.eur_rate AS decimal(18, 8)) AS decimal(18, 2)) AS amount_eur
INTO finance.mrr_movements
FROM movements AS m
LEFT JOIN finance.eur_rate_monthly AS r ON r.month_start = m.month_start AND r.currency = m.currency;
