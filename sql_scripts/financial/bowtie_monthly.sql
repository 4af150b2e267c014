/*
  title:       Bowtie by month
  owner:       revenue-operations
  description: Volume, conversion and time of every stage on both sides of the bowtie (acquisition and expansion), for
               those who entered it in a month, by segment; segment 'all' is everybody. conversion_rate is who moved to
               a later stage by @as_of, over who entered: young months still have people waiting. Days are those
               between entering a stage and entering a later one, of those who moved: the mean and the median. Goals
               (won, renewed) have no conversion.
*/
DECLARE @as_of date;

-- Everybody is counted twice: in a segment, and in 'all'.
SELECT
    DATEFROMPARTS(YEAR(b.entered_on), MONTH(b.entered_on), 1) AS month_start,
    b.side,
    b.stage_number,
    b.stage,
    b.segment,
    b.outcome,
    b.days_in_stage
INTO #entries
FROM finance.bowtie_stages AS b;

INSERT INTO #entries (month_start, side, stage_number, stage, segment, outcome, days_in_stage)
SELECT e.month_start, e.side, e.stage_number, e.stage, 'all', e.outcome, e.days_in_stage
FROM #entries AS e;

WITH volumes AS (
    SELECT
        s.month_start,
        s.side,
        s.stage_number,
        s.stage,
        s.segment,
        COUNT(*) AS entered,
        SUM(CASE WHEN s.outcome = 'moved' THEN 1 ELSE 0 END) AS moved,
        SUM(CASE WHEN s.outcome = 'lost' THEN 1 ELSE 0 END) AS lost,
        SUM(CASE WHEN s.outcome = 'waiting' THEN 1 ELSE 0 END) AS waiting,
        SUM(CASE WHEN s.outcome = 'reached' THEN 1 ELSE 0 END) AS reached,
        SUM(s.days_in_stage) AS days_in_stage
    FROM #entries AS s
    GROUP BY s.month_start, s.side, s.stage_number, s.stage, s.segment
),
queues AS (
    SELECT
        s.month_start,
        s.side,
        s.stage_number,
        s.segment,
        s.days_in_stage,
        ROW_NUMBER() OVER (
            PARTITION BY s.month_start, s.side, s.stage_number, s.segment ORDER BY s.days_in_stage
        ) AS place,
        COUNT(*) OVER (PARTITION BY s.month_start, s.side, s.stage_number, s.segment) AS places
    FROM #entries AS s
    WHERE s.outcome = 'moved'
),
medians AS (
    -- The one in the middle, or the mean of the two.
    SELECT
        q.month_start,
        q.side,
        q.stage_number,
        q.segment,
        CAST(CAST(SUM(q.days_in_stage) AS decimal(18, 2)) / CAST(COUNT(*) AS decimal(18, 2)) AS decimal(9, 2))
            AS median_days
    FROM queues AS q
    WHERE 2 * q.place BETWEEN q.places AND q.places + 2
    GROUP BY q.month_start, q.side, q.stage_number, q.segment
)
SELECT
    v.month_start,
    v.side,
    v.stage_number,
    v.stage,
    CAST(v.segment AS varchar(20)) AS segment,
    CAST(v.entered AS int) AS entered,
    CAST(v.moved AS int) AS moved,
    CAST(v.lost AS int) AS lost,
    CAST(v.waiting AS int) AS waiting,
    CAST(v.reached AS int) AS reached,
    -- Dividing by NULL gives none to the goals.
    CAST(
        CAST(v.moved AS decimal(18, 2)) / CAST(CASE WHEN v.reached = 0 THEN v.entered END AS decimal(18, 2))
        AS decimal(9, 6)
    ) AS conversion_rate,
    CAST(
        CAST(v.days_in_stage AS decimal(18, 2)) / NULLIF(CAST(v.moved AS decimal(18, 2)), 0) AS decimal(9, 2)
    ) AS average_days,
    m.median_days
INTO finance.bowtie_monthly
FROM volumes AS v
LEFT JOIN medians AS m
    ON m.month_start = v.month_start
    AND m.side = v.side
    AND m.stage_number = v.stage_number
    AND m.segment = v.segment;
