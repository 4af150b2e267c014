-- Who entered has moved on, is lost, waits or has reached the goal
SELECT b.month_start, b.side, b.stage, b.segment, b.entered, b.moved, b.lost, b.waiting, b.reached
FROM finance.bowtie_monthly AS b
WHERE b.entered <> b.moved + b.lost + b.waiting + b.reached;

-- Conversion lies between 0 and 1, and nobody is quicker than on the day
SELECT b.month_start, b.side, b.stage, b.segment, b.conversion_rate, b.average_days, b.median_days
FROM finance.bowtie_monthly AS b
WHERE b.conversion_rate < 0 OR b.conversion_rate > 1 OR b.average_days < 0 OR b.median_days < 0
    OR (b.moved > 0 AND b.median_days IS NULL);

-- All is the sum of the segments, and has every entry
WITH volumes AS (
    SELECT
        b.side,
        b.stage,
        SUM(CASE WHEN b.segment = 'all' THEN b.entered ELSE 0 END) AS entered,
        SUM(CASE WHEN b.segment = 'all' THEN 0 ELSE b.entered END) AS by_segment
    FROM finance.bowtie_monthly AS b
    GROUP BY b.side, b.stage
),
stages AS (
    SELECT s.side, s.stage, COUNT(*) AS entries
    FROM finance.bowtie_stages AS s
    GROUP BY s.side, s.stage
)
SELECT s.side, s.stage, s.entries, v.entered, v.by_segment
FROM stages AS s
LEFT JOIN volumes AS v ON v.side = s.side AND v.stage = s.stage
WHERE s.entries <> COALESCE(v.entered, 0) OR s.entries <> COALESCE(v.by_segment, 0);
