-- All months together are all that was billed: earned, or still to be
WITH months AS (
    SELECT
        r.customer_key,
        r.currency,
        SUM(r.recognised + r.still_planned) AS amount,
        SUM(r.recognised_eur + r.still_planned_eur) AS amount_eur
    FROM finance.revenue_recognition_monthly AS r
    GROUP BY r.customer_key, r.currency
),
billed AS (
    SELECT b.customer_key, b.currency, SUM(b.billed) AS amount, SUM(b.billed_eur) AS amount_eur
    FROM finance.billings_monthly AS b
    GROUP BY b.customer_key, b.currency
)
SELECT b.customer_key, b.currency, b.amount, m.amount AS scheduled
FROM billed AS b
LEFT JOIN months AS m ON m.customer_key = b.customer_key AND m.currency = b.currency
WHERE b.amount <> COALESCE(m.amount, 0) OR b.amount_eur <> COALESCE(m.amount_eur, 0);

-- Every amount has a currency and a value in EUR
SELECT r.month_start, r.customer_key, r.currency, r.recognised
FROM finance.revenue_recognition_monthly AS r
WHERE r.recognised_eur IS NULL OR r.currency IS NULL;
