/*
  title:       Stages of the bowtie
  owner:       revenue-operations
  description: Who entered which stage of the way to revenue and when, once a stage, and what came of it. Acquisition
               leads from a lead, through its qualification and the stages of the opportunity, to won. Expansion leads
               a customer from onboarding through first revenue (active) to the first expansion and the first renewal.
               A stage is left for any later one (moved); who left for good is lost; won and renewed are goals
               (reached); the rest is waiting on @as_of. Stages that were skipped were not entered.
*/
DECLARE @as_of date;

-- Acquisition begins with leads. Days are those of UTC: a lead of the evening may seem to be converted the day
-- before it came.
SELECT
    d.lead_key,
    d.opportunity_key,
    d.customer_key,
    d.segment,
    d.created_on,
    CASE
        WHEN d.is_converted = 1 AND d.converted_on <= @as_of AND d.converted_on > d.created_on THEN d.converted_on
        WHEN d.is_converted = 1 AND d.converted_on <= @as_of THEN d.created_on
    END AS qualified_on,
    CASE WHEN d.is_converted = 0 AND d.lead_status = 'Unqualified' THEN 1 ELSE 0 END AS is_lost
INTO #leads
FROM silver.lead AS d
WHERE d.created_on <= @as_of;

-- It goes on with opportunities and the stages that they went through. A stage that is not known here comes first,
-- so that it is counted and pushes nobody ahead.
SELECT
    h.opportunity_key,
    h.customer_key,
    h.stage_number AS step,
    h.entered_on,
    CASE
        WHEN h.stage_name = 'Prospecting' THEN 4
        WHEN h.stage_name = 'Qualification' THEN 5
        WHEN h.stage_name = 'Proposal' THEN 6
        WHEN h.stage_name = 'Negotiation' THEN 7
        WHEN h.stage_name = 'Closed Won' THEN 8
        WHEN h.stage_name LIKE 'Closed%' THEN 0
        ELSE 3
    END AS stage_number
INTO #history
FROM silver.opportunity_history AS h
WHERE h.entered_on <= @as_of;

WITH first_entries AS (
    -- An opportunity that falls back and comes again has entered a stage once.
    SELECT h.opportunity_key, h.stage_number, MIN(h.step) AS step
    FROM #history AS h
    WHERE h.stage_number > 0
    GROUP BY h.opportunity_key, h.stage_number
),
endings AS (
    SELECT
        h.opportunity_key,
        h.stage_number,
        h.entered_on,
        ROW_NUMBER() OVER (  -- an opportunity's steps are numbered; strata: allow ties
            PARTITION BY h.opportunity_key ORDER BY h.step DESC
        ) AS recency
    FROM #history AS h
)
SELECT
    f.opportunity_key,
    h.customer_key,
    f.stage_number,
    h.entered_on,
    MIN(n.entered_on) AS moved_on,
    MIN(e.entered_on) AS lost_on
INTO #opportunities
FROM first_entries AS f
INNER JOIN #history AS h ON h.opportunity_key = f.opportunity_key AND h.step = f.step
LEFT JOIN #history AS n
    ON n.opportunity_key = f.opportunity_key AND n.step > f.step AND n.stage_number > f.stage_number
LEFT JOIN endings AS e ON e.opportunity_key = f.opportunity_key AND e.recency = 1 AND e.stage_number = 0
GROUP BY f.opportunity_key, h.customer_key, f.stage_number, h.entered_on;

-- Expansion is about customers: the day of each stage that they reached.
WITH paying AS (
    SELECT
        m.customer_key,
        MIN(CASE WHEN m.kind = 'new' THEN m.movement_date END) AS active_on,
        MIN(CASE WHEN m.kind = 'expansion' THEN m.movement_date END) AS expanded_on,
        CASE WHEN SUM(m.amount) = 0 THEN MAX(m.movement_date) END AS gone_on
    FROM finance.mrr_movements AS m
    GROUP BY m.customer_key
),
onboarding AS (
    SELECT
        s.customer_key,
        MIN(s.started_on) AS started_on,
        CASE WHEN MIN(CASE WHEN s.ended_on <= @as_of THEN 1 ELSE 0 END) = 1 THEN MAX(s.ended_on) END AS gone_on
    FROM silver.subscription AS s
    WHERE s.started_on <= @as_of
    GROUP BY s.customer_key
),
anniversaries AS (
    -- A signed contract that goes on beyond its first year is renewed on that day, if the customer pays then.
    SELECT
        c.customer_key,
        c.contract_key,
        c.subscription_key,
        CAST(DATEADD(month, 12, c.starts_on) AS date) AS renewed_on
    FROM silver.contract AS c
    WHERE c.match_rule = 'contract_number'
        AND c.contract_status IN ('Activated', 'Terminated')
        AND DATEADD(month, 12, c.starts_on) <= @as_of
        AND c.ends_on > DATEADD(month, 12, c.starts_on)
),
paid_anniversaries AS (
    SELECT a.customer_key, a.contract_key, a.renewed_on
    FROM anniversaries AS a
    INNER JOIN finance.mrr_movements AS m
        ON m.subscription_key = a.subscription_key AND m.movement_date <= a.renewed_on
    GROUP BY a.customer_key, a.contract_key, a.renewed_on
    HAVING SUM(m.amount) > 0
),
renewals AS (
    SELECT p.customer_key, MIN(p.renewed_on) AS renewed_on
    FROM paid_anniversaries AS p
    GROUP BY p.customer_key
)
SELECT
    o.customer_key,
    CASE WHEN p.active_on < o.started_on THEN p.active_on ELSE o.started_on END AS started_on,
    p.active_on,
    p.expanded_on,
    n.renewed_on,
    CASE WHEN p.active_on IS NULL THEN o.gone_on ELSE p.gone_on END AS gone_on
INTO #customers
FROM onboarding AS o
LEFT JOIN paying AS p ON p.customer_key = o.customer_key
LEFT JOIN renewals AS n ON n.customer_key = o.customer_key;

-- One row for each of these days.
SELECT c.customer_key, 1 AS stage_number, c.started_on AS entered_on, c.gone_on
INTO #customer_entries
FROM #customers AS c;

INSERT INTO #customer_entries (customer_key, stage_number, entered_on, gone_on)
SELECT c.customer_key, 2, c.active_on, c.gone_on
FROM #customers AS c
WHERE c.active_on IS NOT NULL;

INSERT INTO #customer_entries (customer_key, stage_number, entered_on, gone_on)
SELECT c.customer_key, 3, c.expanded_on, c.gone_on
FROM #customers AS c
WHERE c.expanded_on IS NOT NULL;

INSERT INTO #customer_entries (customer_key, stage_number, entered_on, gone_on)
SELECT c.customer_key, 4, c.renewed_on, c.gone_on
FROM #customers AS c
WHERE c.renewed_on IS NOT NULL;

-- Both sides in one shape: what came of each entry.
WITH opened AS (
    SELECT h.opportunity_key, MIN(h.entered_on) AS opened_on
    FROM #history AS h
    GROUP BY h.opportunity_key
),
entries AS (
    SELECT
        'acquisition' AS side,
        1 AS stage_number,
        d.lead_key AS subject_key,
        d.customer_key,
        d.segment,
        d.created_on AS entered_on,
        d.qualified_on AS moved_on,
        d.is_lost,
        CAST(NULL AS date) AS lost_on
    FROM #leads AS d
    UNION ALL
    SELECT
        'acquisition',
        2,
        d.lead_key,
        d.customer_key,
        d.segment,
        d.qualified_on,
        -- A lead that joins an opportunity which is open already has nothing to wait for.
        CASE WHEN o.opened_on < d.qualified_on THEN d.qualified_on ELSE o.opened_on END,
        0,
        CAST(NULL AS date)
    FROM #leads AS d
    LEFT JOIN opened AS o ON o.opportunity_key = d.opportunity_key
    WHERE d.qualified_on IS NOT NULL
    UNION ALL
    SELECT
        'acquisition',
        p.stage_number,
        p.opportunity_key,
        p.customer_key,
        c.segment,
        p.entered_on,
        p.moved_on,
        CASE WHEN p.lost_on IS NULL THEN 0 ELSE 1 END,
        p.lost_on
    FROM #opportunities AS p
    LEFT JOIN silver.customer AS c ON c.customer_key = p.customer_key
    UNION ALL
    SELECT
        'expansion',
        e.stage_number,
        e.customer_key,
        e.customer_key,
        c.segment,
        e.entered_on,
        MIN(n.entered_on),
        CASE WHEN e.gone_on IS NULL THEN 0 ELSE 1 END,
        e.gone_on
    FROM #customer_entries AS e
    LEFT JOIN #customer_entries AS n
        ON n.customer_key = e.customer_key AND n.stage_number > e.stage_number AND n.entered_on >= e.entered_on
    LEFT JOIN silver.customer AS c ON c.customer_key = e.customer_key
    GROUP BY e.stage_number, e.customer_key, c.segment, e.entered_on, e.gone_on
),
names AS (
    SELECT v.side, v.stage_number, v.stage, v.is_goal
    FROM (VALUES
        ('acquisition', 1, 'lead', 0),
        ('acquisition', 2, 'qualified_lead', 0),
        ('acquisition', 3, 'other', 0),
        ('acquisition', 4, 'prospecting', 0),
        ('acquisition', 5, 'qualification', 0),
        ('acquisition', 6, 'proposal', 0),
        ('acquisition', 7, 'negotiation', 0),
        ('acquisition', 8, 'won', 1),
        ('expansion', 1, 'onboarding', 0),
        ('expansion', 2, 'active', 0),
        ('expansion', 3, 'expanded', 0),
        ('expansion', 4, 'renewed', 1)
    ) AS v (side, stage_number, stage, is_goal)
),
judged AS (
    SELECT
        e.side,
        e.stage_number,
        n.stage,
        e.subject_key,
        e.customer_key,
        COALESCE(e.segment, 'unknown') AS segment,
        e.entered_on,
        CASE
            WHEN n.is_goal = 1 THEN 'reached'
            WHEN e.moved_on IS NOT NULL THEN 'moved'
            WHEN e.is_lost = 1 THEN 'lost'
            ELSE 'waiting'
        END AS outcome,
        CASE WHEN n.is_goal = 0 THEN e.moved_on END AS moved_on,
        CASE WHEN n.is_goal = 0 AND e.moved_on IS NULL THEN e.lost_on END AS lost_on
    FROM entries AS e
    INNER JOIN names AS n ON n.side = e.side AND n.stage_number = e.stage_number
)
SELECT
    CAST(j.side AS varchar(11)) AS side,
    CAST(j.stage_number AS int) AS stage_number,
    CAST(j.stage AS varchar(20)) AS stage,
    j.subject_key,
    j.customer_key,
    CAST(j.segment AS varchar(20)) AS segment,
    j.entered_on,
    CAST(j.outcome AS varchar(7)) AS outcome,
    j.moved_on,
    j.lost_on,
    CAST(DATEDIFF(day, j.entered_on, j.moved_on) AS int) AS days_in_stage
INTO finance.bowtie_stages
FROM judged AS j;
