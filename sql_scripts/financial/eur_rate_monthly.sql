/*
  title:       Euro rates of the months
  owner:       finance-analytics
  description: What one unit of each currency is worth in EUR at the end of each month, from the month of the first
               subscription to the month of @as_of: the last rate known on that day. EUR itself is worth 1. All
               recurring revenue of a month is valued by these rates, so that every report tells the same euros. The
               month of @as_of ends on @as_of.
*/
DECLARE @as_of date;

WITH beginning AS (
    SELECT MIN(c.effective_on) AS first_day
    FROM silver.subscription_change AS c
    WHERE c.effective_on <= @as_of
),
months AS (
    SELECT DATEFROMPARTS(YEAR(b.first_day), MONTH(b.first_day), 1) AS month_start
    FROM beginning AS b
    WHERE b.first_day IS NOT NULL
    UNION ALL
    SELECT CAST(DATEADD(month, 1, p.month_start) AS date)
    FROM months AS p
    WHERE DATEADD(month, 1, p.month_start) <= @as_of
),
month_ends AS (
    SELECT
        m.month_start,
        CASE WHEN EOMONTH(m.month_start) < @as_of THEN EOMONTH(m.month_start) ELSE @as_of END AS month_end
    FROM months AS m
),
last_days AS (
    -- Banks quote no rates on days off: the last day with a rate counts.
    SELECT e.month_start, e.month_end, x.base_currency, MAX(x.rate_date) AS rate_date
    FROM month_ends AS e
    INNER JOIN silver.exchange_rate AS x ON x.rate_date <= e.month_end
    WHERE x.quote_currency = 'EUR' AND x.base_currency <> 'EUR'
    GROUP BY e.month_start, e.month_end, x.base_currency
),
rates AS (
    SELECT d.month_start, d.month_end, d.base_currency AS currency, d.rate_date, x.exchange_rate AS eur_rate
    FROM last_days AS d
    INNER JOIN silver.exchange_rate AS x
        ON x.base_currency = d.base_currency AND x.quote_currency = 'EUR' AND x.rate_date = d.rate_date
    UNION ALL
    SELECT e.month_start, e.month_end, 'EUR', e.month_end, 1
    FROM month_ends AS e
)
SELECT
    r.month_start,
    r.month_end,
    CAST(r.currency AS varchar(3)) AS currency,
    r.rate_date,
    CAST(r.eur_rate AS decimal(18, 8)) AS eur_rate
INTO finance.eur_rate_monthly
FROM rates AS r
OPTION (MAXRECURSION 1200);
