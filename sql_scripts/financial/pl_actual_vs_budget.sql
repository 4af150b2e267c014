/*
  title:       Profit and loss, actual and budget
  owner:       finance-controlling
  description: The profit and loss statement of each month by cost centre and position, as booked by @as_of and as
               planned: revenue and costs above zero. variance is actual less budget, profit_effect what it does to
               profit. year_actual and year_budget run from January. The month of @as_of is booked up to that day and
               planned in full. A position and cost centre with anything in a year has a row in each of its months.
               Postings without a cost centre stand in '(none)'.
*/
DECLARE @as_of date;

WITH amounts AS (
    SELECT
        p.posting_month AS month_start,
        COALESCE(p.cost_center, '(none)') AS cost_center,
        a.pl_position,
        CAST(p.amount * s.report_sign AS decimal(18, 2)) AS actual,
        CAST(0 AS decimal(18, 2)) AS budget
    FROM silver.gl_posting AS p
    INNER JOIN finance.pl_account AS a ON a.chart = p.chart AND a.account = p.account
    INNER JOIN finance.pl_position AS s ON s.pl_position = a.pl_position
    WHERE p.posted_on <= @as_of AND p.is_personal_account = 0
    UNION ALL
    SELECT
        b.budget_month,
        COALESCE(b.cost_center, '(none)'),
        a.pl_position,
        CAST(0 AS decimal(18, 2)),
        CAST(b.amount * a.budget_sign AS decimal(18, 2))
    FROM silver.gl_budget AS b
    INNER JOIN finance.pl_account AS a ON a.account = b.account AND a.is_of_current_chart = 1
    WHERE b.budget_month <= @as_of
)
SELECT
    a.month_start,
    a.cost_center,
    a.pl_position,
    CAST(SUM(a.actual) AS decimal(18, 2)) AS actual,
    CAST(SUM(a.budget) AS decimal(18, 2)) AS budget
INTO #amount
FROM amounts AS a
GROUP BY a.month_start, a.cost_center, a.pl_position;

WITH lines AS (
    SELECT DISTINCT YEAR(a.month_start) AS calendar_year, a.cost_center, a.pl_position
    FROM #amount AS a
),
months AS (
    SELECT DISTINCT a.month_start
    FROM #amount AS a
)
SELECT
    m.month_start,
    l.calendar_year,
    l.cost_center,
    l.pl_position,
    COALESCE(a.actual, 0) AS actual,
    COALESCE(a.budget, 0) AS budget,
    SUM(COALESCE(a.actual, 0)) OVER (
        PARTITION BY l.calendar_year, l.cost_center, l.pl_position
        ORDER BY m.month_start
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS year_actual,
    SUM(COALESCE(a.budget, 0)) OVER (
        PARTITION BY l.calendar_year, l.cost_center, l.pl_position
        ORDER BY m.month_start
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS year_budget
INTO #line
FROM lines AS l
INNER JOIN months AS m ON YEAR(m.month_start) = l.calendar_year
LEFT JOIN #amount AS a
    ON a.month_start = m.month_start AND a.cost_center = l.cost_center AND a.pl_position = l.pl_position;

SELECT
    l.month_start,
    CASE WHEN EOMONTH(l.month_start) < @as_of THEN EOMONTH(l.month_start) ELSE @as_of END AS month_end,
    l.cost_center,
    COALESCE(c.cost_center_name, l.cost_center) AS cost_center_name,
    s.position_number,
    s.pl_section,
    l.pl_position,
    s.position_name,
    CAST(l.actual AS decimal(18, 2)) AS actual,
    CAST(l.budget AS decimal(18, 2)) AS budget,
    CAST(l.actual - l.budget AS decimal(18, 2)) AS variance,
    CAST(
        ROUND(CAST(l.actual - l.budget AS decimal(18, 2)) * 100 / NULLIF(ABS(CAST(l.budget AS decimal(18, 2))), 0), 2)
        AS decimal(18, 2)
    ) AS variance_percent,
    CAST(l.actual * s.profit_sign AS decimal(18, 2)) AS profit,
    CAST((l.actual - l.budget) * s.profit_sign AS decimal(18, 2)) AS profit_effect,
    CAST(l.year_actual AS decimal(18, 2)) AS year_actual,
    CAST(l.year_budget AS decimal(18, 2)) AS year_budget
INTO finance.pl_actual_vs_budget
FROM #line AS l
INNER JOIN finance.pl_position AS s ON s.pl_position = l.pl_position
LEFT JOIN silver.cost_center AS c ON c.cost_center = l.cost_center;
