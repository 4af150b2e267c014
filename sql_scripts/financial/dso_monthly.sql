/*
  title:       Days sales outstanding
  owner:       finance-receivables
  description: How many days of billing the receivables at the end of each month stand for, tax included, in EUR at the
               rates of the invoices' days. dso_countback counts back: the days of the month are outstanding as far as
               its own billing is, then those of the month before, until the receivables are used up; a month that is
               used up in part counts in proportion, one without billing in full. dso_simple is receivables over the
               billing of the last three months, times their days; it is empty where nothing was billed. Billing is
               what was issued, less credits and voids. The month of @as_of ends on that day.
*/
DECLARE @as_of date;

WITH months AS (
    SELECT MIN(e.month_start) AS month_start
    FROM finance.receivable_event AS e
    HAVING MIN(e.month_start) IS NOT NULL
    UNION ALL
    SELECT CAST(DATEADD(month, 1, m.month_start) AS date)
    FROM months AS m
    WHERE DATEADD(month, 1, m.month_start) <= @as_of
)
SELECT
    m.month_start,
    CASE WHEN EOMONTH(m.month_start) < @as_of THEN EOMONTH(m.month_start) ELSE @as_of END AS month_end
INTO #month
FROM months AS m
OPTION (MAXRECURSION 1200);

WITH movements AS (
    SELECT
        e.month_start,
        SUM(CASE WHEN e.kind = 'paid' THEN 0 ELSE e.amount_eur END) AS billed_eur,
        SUM(CASE WHEN e.kind = 'paid' THEN -e.amount_eur ELSE 0 END) AS paid_eur
    FROM finance.receivable_event AS e
    GROUP BY e.month_start
)
SELECT
    k.month_start,
    k.month_end,
    DATEDIFF(day, k.month_start, k.month_end) + 1 AS days,
    CAST(COALESCE(m.billed_eur, 0) AS decimal(18, 2)) AS billed_eur,
    CAST(COALESCE(m.paid_eur, 0) AS decimal(18, 2)) AS paid_eur,
    CAST(SUM(COALESCE(m.billed_eur - m.paid_eur, 0)) OVER (
        ORDER BY k.month_start ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS decimal(18, 2)) AS receivables_eur,
    CAST(SUM(COALESCE(m.billed_eur, 0)) OVER (
        ORDER BY k.month_start ROWS BETWEEN 2 PRECEDING AND CURRENT ROW
    ) AS decimal(18, 2)) AS billed_3_months_eur,
    SUM(DATEDIFF(day, k.month_start, k.month_end) + 1) OVER (
        ORDER BY k.month_start ROWS BETWEEN 2 PRECEDING AND CURRENT ROW
    ) AS days_3_months
INTO #balance
FROM #month AS k
LEFT JOIN movements AS m ON m.month_start = k.month_start;

WITH countback AS (
    -- Of each month's receivables, what is left when the billing of the months between is taken off. A month that
    -- credited more than it invoiced takes nothing off.
    SELECT
        k.month_start,
        b.days,
        CASE WHEN b.billed_eur > 0 THEN b.billed_eur ELSE 0 END AS billed_eur,
        k.receivables_eur - COALESCE(SUM(CASE WHEN b.billed_eur > 0 THEN b.billed_eur ELSE 0 END) OVER (
            PARTITION BY k.month_start ORDER BY b.month_start DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ), 0) AS left_eur
    FROM #balance AS k
    INNER JOIN #balance AS b ON b.month_start <= k.month_start
),
outstanding AS (
    SELECT
        c.month_start,
        SUM(CASE
            WHEN c.left_eur <= 0 THEN 0
            WHEN c.left_eur >= c.billed_eur THEN c.days
            ELSE CAST(
                ROUND(CAST(c.left_eur AS decimal(18, 2)) * c.days / CAST(c.billed_eur AS decimal(18, 2)), 2)
                AS decimal(9, 2)
            )
        END) AS days
    FROM countback AS c
    GROUP BY c.month_start
)
SELECT
    b.month_start,
    b.month_end,
    CAST(b.receivables_eur - b.billed_eur + b.paid_eur AS decimal(18, 2)) AS opening_eur,
    b.billed_eur,
    b.paid_eur,
    b.receivables_eur,
    b.billed_3_months_eur,
    CAST(o.days AS decimal(9, 2)) AS dso_countback,
    CAST(CASE
        WHEN b.billed_3_months_eur > 0
            THEN ROUND(CAST(b.receivables_eur AS decimal(18, 2)) * b.days_3_months / b.billed_3_months_eur, 2)
    END AS decimal(18, 2)) AS dso_simple
INTO finance.dso_monthly
FROM #balance AS b
INNER JOIN outstanding AS o ON o.month_start = b.month_start;
