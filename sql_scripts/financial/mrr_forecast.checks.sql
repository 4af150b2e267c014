DECLARE @as_of date;

-- All that runs is contracted, up for renewal or ended, and one of them
SELECT f.month_start, f.subscription_key, f.running, f.contracted, f.up_for_renewal, f.ended
FROM finance.mrr_forecast AS f
WHERE f.contracted + f.up_for_renewal + f.ended <> f.running
    OR f.contracted < 0 OR f.up_for_renewal < 0 OR f.ended < 0;

-- The forecast is what is contracted and what is renewed, in the contract's currency and in EUR
SELECT f.month_start, f.subscription_key, f.forecast, f.forecast_eur
FROM finance.mrr_forecast AS f
WHERE f.forecast <> f.contracted + f.renewed
    OR f.forecast_eur <> f.contracted_eur + f.renewed_eur
    OR f.renewed > f.up_for_renewal
    OR f.forecast > f.running;

-- What is forecast begins after the month of @as_of and reaches twelve months
SELECT f.month_number, f.month_start
FROM finance.mrr_forecast AS f
WHERE f.month_start <= @as_of OR f.month_number < 1 OR f.month_number > 12
    OR f.month_start <> DATEADD(month, f.month_number, DATEFROMPARTS(YEAR(@as_of), MONTH(@as_of), 1));

-- Where no amendment is due, what runs in a month is what runs today
WITH today AS (
    SELECT m.subscription_key, SUM(m.amount) AS mrr
    FROM finance.mrr_movements AS m
    GROUP BY m.subscription_key
)
SELECT f.month_start, f.subscription_key, f.running, t.mrr
FROM finance.mrr_forecast AS f
LEFT JOIN today AS t ON t.subscription_key = f.subscription_key
WHERE f.running <> COALESCE(t.mrr, 0)
    AND NOT EXISTS (
        SELECT 1 FROM silver.subscription_change AS c
        WHERE c.subscription_key = f.subscription_key AND c.effective_on > @as_of
    );

-- What runs today is forecast, unless an amendment is due
WITH today AS (
    SELECT m.subscription_key, SUM(m.amount) AS mrr
    FROM finance.mrr_movements AS m
    GROUP BY m.subscription_key
)
SELECT t.subscription_key, t.mrr
FROM today AS t
LEFT JOIN finance.mrr_forecast AS f ON f.subscription_key = t.subscription_key
WHERE t.mrr > 0
    AND NOT EXISTS (
        SELECT 1 FROM silver.subscription_change AS c
        WHERE c.subscription_key = t.subscription_key AND c.effective_on > @as_of
    )
GROUP BY t.subscription_key, t.mrr
HAVING COUNT(f.month_number) <> 12;
