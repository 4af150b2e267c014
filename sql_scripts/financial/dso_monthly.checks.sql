DECLARE @as_of date;

-- Opening, billing and payments make the receivables that the next month opens with
WITH chained AS (
    SELECT
        d.month_start,
        d.opening_eur,
        d.billed_eur,
        d.paid_eur,
        d.receivables_eur,
        COALESCE(LAG(d.receivables_eur) OVER (ORDER BY d.month_start), 0) AS closed_eur
    FROM finance.dso_monthly AS d
)
SELECT c.month_start, c.opening_eur, c.closed_eur, c.receivables_eur
FROM chained AS c
WHERE c.opening_eur + c.billed_eur - c.paid_eur <> c.receivables_eur OR c.opening_eur <> c.closed_eur;

-- The receivables on the day are those of the ageing
SELECT d.month_start, d.receivables_eur, a.open_eur
FROM finance.dso_monthly AS d
LEFT JOIN (SELECT SUM(a.open_eur) AS open_eur FROM finance.receivables_ageing AS a) AS a ON 1 = 1
WHERE d.month_end = @as_of AND d.receivables_eur <> COALESCE(a.open_eur, 0);

-- Days are counted from nothing, and no further back than the books
WITH days AS (
    SELECT d.month_start, SUM(DATEDIFF(day, b.month_start, b.month_end) + 1) AS days
    FROM finance.dso_monthly AS d
    INNER JOIN finance.dso_monthly AS b ON b.month_start <= d.month_start
    GROUP BY d.month_start
)
SELECT d.month_start, d.dso_countback, k.days
FROM finance.dso_monthly AS d
INNER JOIN days AS k ON k.month_start = d.month_start
WHERE d.dso_countback < 0 OR d.dso_countback > k.days;
