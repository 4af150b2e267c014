DECLARE @as_of date;

-- Nobody enters a stage twice
SELECT b.side, b.stage, b.subject_key, COUNT(*) AS entries
FROM finance.bowtie_stages AS b
GROUP BY b.side, b.stage, b.subject_key
HAVING COUNT(*) > 1;

-- No stage is left before it is entered, and nothing happens after @as_of
SELECT b.side, b.stage, b.subject_key, b.entered_on, b.moved_on, b.lost_on
FROM finance.bowtie_stages AS b
WHERE b.days_in_stage < 0 OR b.entered_on > @as_of OR b.moved_on > @as_of OR b.lost_on > @as_of;

-- Who moved has a day for it, and who did not has none
SELECT b.side, b.stage, b.subject_key, b.outcome, b.moved_on
FROM finance.bowtie_stages AS b
WHERE (b.outcome = 'moved' AND b.moved_on IS NULL) OR (b.outcome <> 'moved' AND b.moved_on IS NOT NULL);

-- Every customer who ever paid became active, once
WITH paid AS (
    SELECT DISTINCT m.customer_key
    FROM finance.mrr_movements AS m
)
SELECT p.customer_key
FROM paid AS p
LEFT JOIN finance.bowtie_stages AS b
    ON b.side = 'expansion' AND b.stage = 'active' AND b.subject_key = p.customer_key
WHERE b.subject_key IS NULL;

-- Every opportunity that was won is won here
SELECT h.opportunity_key
FROM silver.opportunity_history AS h
LEFT JOIN finance.bowtie_stages AS b ON b.stage = 'won' AND b.subject_key = h.opportunity_key
WHERE h.stage_name = 'Closed Won' AND h.entered_on <= @as_of AND b.subject_key IS NULL;
