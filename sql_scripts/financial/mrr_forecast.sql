/*
  title:       Forecast of recurring revenue
  owner:       finance-analytics
  description: What every subscription will bring at the end of each of the twelve months after the month of @as_of, if
               nothing is sold and nobody else cancels. Amendments that were recorded by @as_of and take effect later
               are known and counted. While the signed contract runs, the amount is contracted. When it has run out,
               or none is signed, the amount is up for renewal and expected at the renewal rate: the gross revenue
               retention of the last twelve months (1 while there is none). A contract that is terminated runs to its
               last day and is lost then. EUR are at the rates of the month of @as_of.
*/
DECLARE @as_of date;

WITH months AS (
    SELECT
        n.month_number,
        CAST(DATEADD(month, n.month_number, DATEFROMPARTS(YEAR(@as_of), MONTH(@as_of), 1)) AS date) AS month_start,
        EOMONTH(@as_of, n.month_number) AS month_end
    FROM (VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12)) AS n (month_number)
),
amendments AS (
    -- What is in force, and what was signed by @as_of for a later day.
    SELECT
        c.subscription_key,
        c.customer_key,
        c.product_key,
        c.currency,
        c.effective_on,
        c.created_at,
        c.mrr_after
    FROM silver.subscription_change AS c
    WHERE c.effective_on <= @as_of OR CAST(c.created_at AS date) <= @as_of
),
ranked AS (
    SELECT
        k.month_number,
        k.month_start,
        k.month_end,
        a.subscription_key,
        a.customer_key,
        a.product_key,
        a.currency,
        a.mrr_after,
        ROW_NUMBER() OVER (  -- a subscription has one customer, product and currency; strata: allow ties
            PARTITION BY k.month_number, a.subscription_key
            ORDER BY a.effective_on DESC, a.created_at DESC, a.mrr_after DESC
        ) AS recency
    FROM months AS k
    INNER JOIN amendments AS a ON a.effective_on <= k.month_end
),
contracts AS (
    -- A draft is not signed.
    SELECT c.subscription_key, c.contract_number, c.contract_status, c.ends_on
    FROM silver.contract AS c
    WHERE c.match_rule = 'contract_number' AND c.contract_status IN ('Activated', 'Terminated')
),
renewal AS (
    SELECT COALESCE(MAX(r.grr), 1) AS renewal_rate
    FROM finance.retention AS r
    WHERE r.segment = 'all' AND r.month_start = DATEFROMPARTS(YEAR(@as_of), MONTH(@as_of), 1)
),
judged AS (
    SELECT
        b.month_number,
        b.month_start,
        b.month_end,
        b.subscription_key,
        b.customer_key,
        b.product_key,
        b.currency,
        c.contract_number,
        c.ends_on AS contract_ends_on,
        b.mrr_after AS running,
        CASE WHEN c.ends_on >= b.month_end THEN b.mrr_after ELSE 0 END AS contracted,
        CASE WHEN c.contract_status = 'Terminated' AND c.ends_on < b.month_end THEN b.mrr_after ELSE 0 END AS ended,
        CASE
            WHEN c.ends_on >= b.month_end THEN 0
            WHEN c.contract_status = 'Terminated' AND c.ends_on < b.month_end THEN 0
            ELSE b.mrr_after
        END AS up_for_renewal
    FROM ranked AS b
    LEFT JOIN contracts AS c ON c.subscription_key = b.subscription_key
    WHERE b.recency = 1 AND b.mrr_after > 0
),
expected AS (
    SELECT
        j.month_number,
        j.month_start,
        j.month_end,
        j.subscription_key,
        j.customer_key,
        j.product_key,
        j.currency,
        j.contract_number,
        j.contract_ends_on,
        j.running,
        j.contracted,
        j.ended,
        j.up_for_renewal,
        n.renewal_rate,
        CAST(CAST(j.up_for_renewal AS decimal(18, 2)) * CAST(n.renewal_rate AS decimal(9, 6)) AS decimal(18, 2))
            AS renewed
    FROM judged AS j
    CROSS JOIN renewal AS n
)
SELECT
    CAST(e.month_number AS int) AS month_number,
    e.month_start,
    e.month_end,
    e.subscription_key,
    e.customer_key,
    e.product_key,
    e.contract_number,
    e.contract_ends_on,
    e.currency,
    CAST(e.running AS decimal(18, 2)) AS running,
    CAST(e.contracted AS decimal(18, 2)) AS contracted,
    CAST(e.up_for_renewal AS decimal(18, 2)) AS up_for_renewal,
    CAST(e.ended AS decimal(18, 2)) AS ended,
    CAST(e.renewal_rate AS decimal(9, 6)) AS renewal_rate,
    e.renewed,
    CAST(e.contracted + e.renewed AS decimal(18, 2)) AS forecast,
    r.eur_rate,
    CAST(CAST(e.contracted AS decimal(18, 2)) * CAST(r.eur_rate AS decimal(18, 8)) AS decimal(18, 2)) AS contracted_eur,
    CAST(CAST(e.renewed AS decimal(18, 2)) * CAST(r.eur_rate AS decimal(18, 8)) AS decimal(18, 2)) AS renewed_eur,
    CAST(
        CAST(CAST(e.contracted AS decimal(18, 2)) * CAST(r.eur_rate AS decimal(18, 8)) AS decimal(18, 2))
        + CAST(CAST(e.renewed AS decimal(18, 2)) * CAST(r.eur_rate AS decimal(18, 8)) AS decimal(18, 2))
        AS decimal(18, 2)
    ) AS forecast_eur
INTO finance.mrr_forecast
FROM expected AS e
LEFT JOIN finance.eur_rate_monthly AS r
    ON r.month_start = DATEFROMPARTS(YEAR(@as_of), MONTH(@as_of), 1) AND r.currency = e.currency;
