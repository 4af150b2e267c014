DECLARE @as_of date;

-- What was invoiced later is what the roll-forward has as unbilled, month by month
WITH later AS (
    SELECT u.month_start, SUM(u.unbilled_eur) AS unbilled_eur
    FROM finance.unbilled_revenue AS u
    WHERE u.basis = 'invoiced later'
    GROUP BY u.month_start
),
rolled AS (
    SELECT d.month_start, SUM(d.closing_unbilled_eur) AS unbilled_eur, SUM(d.unbilled_change_eur) AS change_eur
    FROM finance.deferred_revenue_monthly AS d
    GROUP BY d.month_start
)
SELECT r.month_start, r.unbilled_eur, l.unbilled_eur AS told
FROM rolled AS r
LEFT JOIN later AS l ON l.month_start = r.month_start
WHERE r.unbilled_eur <> COALESCE(l.unbilled_eur, 0);

-- Unbilled is known in EUR, and estimated on the day alone, once for a subscription
SELECT u.basis, u.subscription_key, u.month_start, MIN(u.unbilled) AS unbilled, COUNT(*) AS row_count
FROM finance.unbilled_revenue AS u
GROUP BY u.basis, u.subscription_key, u.month_start, u.month_end
HAVING (u.basis = 'not invoiced' AND (COUNT(*) > 1 OR u.month_end <> @as_of OR MIN(u.unbilled) < 0))
    OR COUNT(u.unbilled_eur) < COUNT(*);
