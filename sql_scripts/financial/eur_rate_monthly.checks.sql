-- A currency has one rate a month
SELECT r.month_start, r.currency, COUNT(*) AS rates
FROM finance.eur_rate_monthly AS r
GROUP BY r.month_start, r.currency
HAVING COUNT(*) > 1;

-- A rate is more than nothing
SELECT r.month_start, r.currency, r.eur_rate
FROM finance.eur_rate_monthly AS r
WHERE r.eur_rate <= 0;
