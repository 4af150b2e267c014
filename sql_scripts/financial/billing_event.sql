/*
  title:       Billing events
  owner:       finance-analytics
  description: What has been billed for every invoice line by @as_of, event by event and net of tax: invoiced (above
               zero), credited and voided (below). An invoice that is made void takes back on that day all that its
               lines still come to; credit notes of it from that day on change nothing. EUR are what the line comes to
               after the event less what it came to before, each at the invoice's rate: a line that is credited in
               full is worth 0.00 EUR, whatever its parts were rounded to.
*/
DECLARE @as_of date;

SELECT
    l.invoice_line_key,
    l.invoice_key,
    v.customer_key,
    l.subscription_key,
    l.product_key,
    l.line_type,
    v.issued_on,
    v.voided_on,
    v.currency,
    v.eur_rate,
    l.net_amount,
    COALESCE(l.service_from, v.issued_on) AS service_from,
    -- Exclusive. What has no period, or an empty one, is earned on one day.
    CASE
        WHEN l.service_to > COALESCE(l.service_from, v.issued_on) THEN l.service_to
        ELSE CAST(DATEADD(day, 1, COALESCE(l.service_from, v.issued_on)) AS date)
    END AS service_to
INTO #line
FROM silver.invoice_line AS l
INNER JOIN finance.invoice_valuation AS v ON v.invoice_key = l.invoice_key;

SELECT
    n.credit_note_key,
    l.invoice_line_key,
    CASE WHEN n.issued_on < l.issued_on THEN l.issued_on ELSE n.issued_on END AS credited_on,
    n.net_amount,
    COALESCE(n.service_from, l.service_from) AS service_from,
    COALESCE(n.service_to, l.service_to) AS service_to
INTO #credit
FROM silver.credit_note AS n
INNER JOIN #line AS l ON l.invoice_line_key = n.invoice_line_key
WHERE n.issued_on <= @as_of AND (l.voided_on IS NULL OR n.issued_on < l.voided_on);

SELECT e.invoice_line_key, e.document_key, e.kind, e.place, e.event_date, e.service_from, e.service_to, e.amount
INTO #event
FROM (
    SELECT
        l.invoice_line_key,
        l.invoice_key AS document_key,
        'invoiced' AS kind,
        1 AS place,
        l.issued_on AS event_date,
        l.service_from,
        l.service_to,
        l.net_amount AS amount
    FROM #line AS l
    UNION ALL
    SELECT
        c.invoice_line_key,
        c.credit_note_key,
        'credited',
        2,
        c.credited_on,
        c.service_from,
        CASE
            WHEN c.service_to > c.service_from THEN c.service_to
            ELSE CAST(DATEADD(day, 1, c.service_from) AS date)
        END,
        -c.net_amount
    FROM #credit AS c
) AS e;

INSERT INTO #event (invoice_line_key, document_key, kind, place, event_date, service_from, service_to, amount)
SELECT l.invoice_line_key, l.invoice_key, 'voided', 3, l.voided_on, l.service_from, l.service_to, -SUM(e.amount)
FROM #line AS l
INNER JOIN #event AS e ON e.invoice_line_key = l.invoice_line_key
WHERE l.voided_on IS NOT NULL
GROUP BY l.invoice_line_key, l.invoice_key, l.voided_on, l.service_from, l.service_to;

-- Of a day's events like comes before like by amount: those of one amount are alike, whichever comes first.
WITH standing AS (
    SELECT
        e.invoice_line_key,
        e.document_key,
        e.kind,
        e.place,
        e.event_date,
        e.service_from,
        e.service_to,
        CAST(e.amount AS decimal(18, 2)) AS amount,
        CAST(SUM(e.amount) OVER (
            PARTITION BY e.invoice_line_key
            ORDER BY e.event_date, e.place, e.amount
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS decimal(18, 2)) AS amount_so_far
    FROM #event AS e
)
SELECT
    s.invoice_line_key,
    l.invoice_key,
    l.customer_key,
    l.subscription_key,
    l.product_key,
    l.line_type,
    CAST(s.kind AS varchar(8)) AS kind,
    s.document_key,
    s.event_date,
    DATEFROMPARTS(YEAR(s.event_date), MONTH(s.event_date), 1) AS month_start,
    s.service_from,
    s.service_to,
    l.currency,
    s.amount,
    l.eur_rate,
    CAST(
        ROUND(s.amount_so_far * l.eur_rate, 2)
        - ROUND(CAST(s.amount_so_far - s.amount AS decimal(18, 2)) * l.eur_rate, 2)
        AS decimal(18, 2)
    ) AS amount_eur
INTO finance.billing_event
FROM standing AS s
INNER JOIN #line AS l ON l.invoice_line_key = s.invoice_line_key;
