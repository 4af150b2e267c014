-- A position is there once, and its signs are 1 or -1
SELECT p.pl_position, COUNT(*) AS row_count, MIN(p.report_sign) AS report_sign, MIN(p.profit_sign) AS profit_sign
FROM finance.pl_position AS p
GROUP BY p.pl_position
HAVING COUNT(*) > 1 OR MIN(p.report_sign) NOT IN (-1, 1) OR MIN(p.profit_sign) <> -MIN(p.report_sign);

-- What the statement does not know has its line
SELECT k.lines
FROM (SELECT COUNT(*) AS lines FROM finance.pl_position AS p WHERE p.pl_position = 'unmapped') AS k
WHERE k.lines <> 1;
