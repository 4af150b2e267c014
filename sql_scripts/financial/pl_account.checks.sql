-- An account has one position
SELECT a.chart, a.account, COUNT(*) AS row_count
FROM finance.pl_account AS a
GROUP BY a.chart, a.account
HAVING COUNT(*) > 1;

-- Few accounts of the statement are not mapped yet: give them a position in the chart of accounts
-- tolerance: 10
SELECT a.chart, a.account, a.account_name, a.chart_position, a.balance
FROM finance.pl_account AS a
WHERE a.pl_position = 'unmapped' AND a.balance <> 0;
