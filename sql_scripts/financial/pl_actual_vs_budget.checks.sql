DECLARE @as_of date;

-- The profit of a month is what is posted on accounts of the statement
WITH booked AS (
    SELECT p.posting_month AS month_start, -SUM(p.amount) AS profit
    FROM silver.gl_posting AS p
    INNER JOIN finance.pl_account AS a ON a.chart = p.chart AND a.account = p.account
    WHERE p.posted_on <= @as_of
    GROUP BY p.posting_month
),
told AS (
    SELECT p.month_start, SUM(p.profit) AS profit
    FROM finance.pl_actual_vs_budget AS p
    GROUP BY p.month_start
)
SELECT b.month_start, b.profit, t.profit AS told
FROM booked AS b
LEFT JOIN told AS t ON t.month_start = b.month_start
WHERE b.profit <> COALESCE(t.profit, 0);

-- And what is posted on all others: a posting that is in neither would be lost
WITH balance_sheet AS (
    SELECT SUM(p.amount) AS profit
    FROM silver.gl_posting AS p
    LEFT JOIN finance.pl_account AS a ON a.chart = p.chart AND a.account = p.account
    WHERE p.posted_on <= @as_of AND (p.is_personal_account = 1 OR a.account IS NULL)
),
told AS (
    SELECT SUM(p.profit) AS profit
    FROM finance.pl_actual_vs_budget AS p
)
SELECT b.profit, t.profit AS told
FROM balance_sheet AS b
CROSS JOIN told AS t
WHERE COALESCE(b.profit, 0) <> COALESCE(t.profit, 0);

-- The budget of a month is what was planned on accounts of the statement
WITH planned AS (
    SELECT b.budget_month AS month_start, SUM(b.amount * a.budget_sign) AS budget
    FROM silver.gl_budget AS b
    INNER JOIN finance.pl_account AS a ON a.account = b.account AND a.is_of_current_chart = 1
    WHERE b.budget_month <= @as_of
    GROUP BY b.budget_month
),
told AS (
    SELECT p.month_start, SUM(p.budget) AS budget
    FROM finance.pl_actual_vs_budget AS p
    GROUP BY p.month_start
)
SELECT p.month_start, p.budget, t.budget AS told
FROM planned AS p
LEFT JOIN told AS t ON t.month_start = p.month_start
WHERE p.budget <> COALESCE(t.budget, 0);

-- The year up to a month is the sum of its months
SELECT p.month_start, p.cost_center, p.pl_position, MAX(p.year_actual) AS year_actual, SUM(q.actual) AS of_months
FROM finance.pl_actual_vs_budget AS p
INNER JOIN finance.pl_actual_vs_budget AS q
    ON q.cost_center = p.cost_center
    AND q.pl_position = p.pl_position
    AND YEAR(q.month_start) = YEAR(p.month_start)
    AND q.month_start <= p.month_start
GROUP BY p.month_start, p.cost_center, p.pl_position
HAVING MAX(p.year_actual) <> SUM(q.actual) OR MAX(p.year_budget) <> SUM(q.budget);

-- The books are in one currency
SELECT k.currencies
FROM (SELECT COUNT(DISTINCT p.currency) AS currencies FROM silver.gl_posting AS p WHERE p.posted_on <= @as_of) AS k
WHERE k.currencies > 1;
