/*
  title:       Accounts of the profit and loss statement
  owner:       finance-controlling
  description: Which position of the statement every account belongs to, in SKR03 and SKR04, and what is posted on it by
               @as_of. The chart of accounts says so. An account that it gives no position that we know, and whose
               number is one of the statement's, is 'unmapped': it stands there until somebody maps it. Numbers tell by
               their first digit: in SKR03 2, 3 (but for stocks, 3960 to 3999), 4 and 8 are of the statement, in SKR04
               4, 5, 6 and 7; in any other chart all that the chart of accounts lacks. Accounts of the balance sheet,
               of customers and of suppliers are not here.
*/
DECLARE @as_of date;

WITH posted AS (
    SELECT p.chart, p.account, p.amount, p.posted_on
    FROM silver.gl_posting AS p
    WHERE p.posted_on <= @as_of AND p.is_personal_account = 0
),
books AS (
    -- A budget names accounts without their chart: it is the one that the books are in now.
    SELECT COALESCE(MAX(p.chart), (SELECT MAX(a.chart) FROM silver.gl_account AS a), 'none') AS chart
    FROM posted AS p
    WHERE p.posted_on = (SELECT MAX(q.posted_on) FROM posted AS q)
),
named AS (
    SELECT p.chart, p.account, p.amount
    FROM posted AS p
    UNION ALL
    SELECT k.chart, b.account, 0
    FROM silver.gl_budget AS b
    CROSS JOIN books AS k
    UNION ALL
    SELECT a.chart, a.account, 0
    FROM silver.gl_account AS a
),
accounts AS (
    SELECT
        n.chart,
        n.account,
        MAX(a.account_name) AS account_name,
        MAX(a.pl_position) AS chart_position,
        MAX(s.pl_position) AS pl_position,
        MAX(a.account_sign) AS account_sign,
        CASE
            WHEN MAX(a.pl_position) IS NOT NULL THEN 1
            WHEN n.chart = 'SKR03' AND LEFT(n.account, 3) IN ('396', '397', '398', '399') THEN 0
            WHEN n.chart = 'SKR03' AND LEFT(n.account, 1) IN ('2', '3', '4', '8') THEN 1
            WHEN n.chart = 'SKR04' AND LEFT(n.account, 1) IN ('4', '5', '6', '7') THEN 1
            WHEN n.chart NOT IN ('SKR03', 'SKR04') AND MAX(a.account) IS NULL THEN 1
            ELSE 0
        END AS is_of_statement,
        SUM(n.amount) AS balance
    FROM named AS n
    LEFT JOIN silver.gl_account AS a ON a.chart = n.chart AND a.account = n.account
    LEFT JOIN finance.pl_position AS s ON s.pl_position = a.pl_position
    GROUP BY n.chart, n.account
)
SELECT
    a.chart,
    a.account,
    a.account_name,
    CAST(COALESCE(a.pl_position, 'unmapped') AS varchar(40)) AS pl_position,
    a.chart_position,
    -- What an amount of the budget is multiplied by to stand in the position: a deduction lowers it.
    CAST(COALESCE(a.account_sign, s.report_sign) * s.report_sign AS int) AS budget_sign,
    CASE WHEN a.chart = k.chart THEN 1 ELSE 0 END AS is_of_current_chart,
    CAST(a.balance AS decimal(18, 2)) AS balance
INTO finance.pl_account
FROM accounts AS a
CROSS JOIN books AS k
INNER JOIN finance.pl_position AS s ON s.pl_position = COALESCE(a.pl_position, 'unmapped')
WHERE a.is_of_statement = 1;
