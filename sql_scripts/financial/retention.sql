/*
  title:       Net and gross revenue retention
  owner:       finance-analytics
  description: What has become, at the end of each month, of the recurring revenue that customers brought a year before.
               Net revenue retention (nrr) is what those customers bring now over what they brought then: expansion
               counts, new customers do not. Gross revenue retention (grr) counts no customer for more than it brought
               then, so it is never above 1. Logo retention counts customers. Both amounts are valued at the rates of
               the later month, so that exchange rates neither keep nor lose a customer. Segment 'all' is everybody.
*/
DECLARE @as_of date;

WITH states AS (
    SELECT
        CAST(DATEADD(month, 12, m.month_start) AS date) AS month_start,
        m.customer_key,
        m.currency,
        m.closing AS mrr_then,
        CAST(0 AS decimal(18, 2)) AS mrr_now
    FROM finance.mrr_monthly AS m
    UNION ALL
    SELECT m.month_start, m.customer_key, m.currency, CAST(0 AS decimal(18, 2)), m.closing
    FROM finance.mrr_monthly AS m
),
currencies AS (
    SELECT s.month_start, s.customer_key, s.currency, SUM(s.mrr_then) AS mrr_then, SUM(s.mrr_now) AS mrr_now
    FROM states AS s
    GROUP BY s.month_start, s.customer_key, s.currency
),
customers AS (
    -- Who brought nothing then is left out: that is new business or a reactivation. Months after @as_of have no rate.
    SELECT
        c.month_start,
        c.customer_key,
        SUM(CAST(CAST(c.mrr_then AS decimal(18, 2)) * CAST(r.eur_rate AS decimal(18, 8)) AS decimal(18, 2)))
            AS then_eur,
        SUM(CAST(CAST(c.mrr_now AS decimal(18, 2)) * CAST(r.eur_rate AS decimal(18, 8)) AS decimal(18, 2))) AS now_eur,
        CASE WHEN SUM(c.mrr_now) > 0 THEN 1 ELSE 0 END AS is_paying
    FROM currencies AS c
    INNER JOIN finance.eur_rate_monthly AS r ON r.month_start = c.month_start AND r.currency = c.currency
    GROUP BY c.month_start, c.customer_key
    HAVING SUM(c.mrr_then) > 0
),
kept AS (
    SELECT
        c.month_start,
        COALESCE(x.segment, 'unknown') AS segment,
        c.is_paying,
        c.then_eur,
        c.now_eur,
        CASE WHEN c.now_eur < c.then_eur THEN c.now_eur ELSE c.then_eur END AS kept_eur
    FROM customers AS c
    LEFT JOIN silver.customer AS x ON x.customer_key = c.customer_key
),
by_segment AS (
    SELECT k.month_start, k.segment, k.is_paying, k.then_eur, k.now_eur, k.kept_eur
    FROM kept AS k
    UNION ALL
    SELECT k.month_start, 'all', k.is_paying, k.then_eur, k.now_eur, k.kept_eur
    FROM kept AS k
),
totals AS (
    SELECT
        b.month_start,
        b.segment,
        COUNT(*) AS customers_then,
        SUM(b.is_paying) AS customers_kept,
        CAST(SUM(b.then_eur) AS decimal(18, 2)) AS then_eur,
        CAST(SUM(b.now_eur - b.kept_eur) AS decimal(18, 2)) AS expansion_eur,
        CAST(SUM(CASE WHEN b.is_paying = 1 THEN b.then_eur - b.kept_eur ELSE 0 END) AS decimal(18, 2))
            AS contraction_eur,
        CAST(SUM(CASE WHEN b.is_paying = 0 THEN b.then_eur ELSE 0 END) AS decimal(18, 2)) AS churn_eur,
        CAST(SUM(b.kept_eur) AS decimal(18, 2)) AS kept_eur,
        CAST(SUM(b.now_eur) AS decimal(18, 2)) AS now_eur
    FROM by_segment AS b
    GROUP BY b.month_start, b.segment
)
SELECT
    t.month_start,
    CAST(t.segment AS varchar(20)) AS segment,
    CAST(t.customers_then AS int) AS customers_then,
    CAST(t.customers_kept AS int) AS customers_kept,
    t.then_eur,
    t.expansion_eur,
    t.contraction_eur,
    t.churn_eur,
    t.kept_eur,
    t.now_eur,
    CAST(CAST(t.now_eur AS decimal(18, 2)) / NULLIF(CAST(t.then_eur AS decimal(18, 2)), 0) AS decimal(18, 6)) AS nrr,
    CAST(CAST(t.kept_eur AS decimal(18, 2)) / NULLIF(CAST(t.then_eur AS decimal(18, 2)), 0) AS decimal(18, 6)) AS grr,
    CAST(CAST(t.customers_kept AS decimal(18, 2)) / CAST(t.customers_then AS decimal(18, 2)) AS decimal(18, 6))
        AS logo_retention
INTO finance.retention
FROM totals AS t;
