/*
  title:       Receivable events
  owner:       finance-receivables
  description: What has changed the amount that is owed for every invoice by @as_of, tax included: issued (above zero),
               credited, voided and paid (below), and money given back (paid, above zero). An invoice that is made void
               takes back on that day all that it was issued for and not credited; what was paid for it is owed to the
               customer from then on. EUR are what the invoice is open for after the event less what it was open for
               before, each at the invoice's rate: a settled invoice is worth 0.00 EUR.
*/
DECLARE @as_of date;

SELECT e.invoice_key, e.document_key, e.kind, e.place, e.event_date, e.amount
INTO #event
FROM (
    SELECT
        v.invoice_key,
        v.invoice_key AS document_key,
        'issued' AS kind,
        1 AS place,
        v.issued_on AS event_date,
        v.gross_amount AS amount
    FROM finance.invoice_valuation AS v
    UNION ALL
    SELECT
        n.invoice_key,
        n.credit_note_key,
        'credited',
        2,
        CASE WHEN n.issued_on < v.issued_on THEN v.issued_on ELSE n.issued_on END,
        -n.gross_amount
    FROM silver.credit_note AS n
    INNER JOIN finance.invoice_valuation AS v ON v.invoice_key = n.invoice_key
    WHERE n.issued_on <= @as_of AND (v.voided_on IS NULL OR n.issued_on < v.voided_on)
) AS e;

INSERT INTO #event (invoice_key, document_key, kind, place, event_date, amount)
SELECT v.invoice_key, v.invoice_key, 'voided', 3, v.voided_on, -SUM(e.amount)
FROM finance.invoice_valuation AS v
INNER JOIN #event AS e ON e.invoice_key = v.invoice_key
WHERE v.voided_on IS NOT NULL
GROUP BY v.invoice_key, v.voided_on;

-- Customers who pay before they get the invoice have paid it on its day.
INSERT INTO #event (invoice_key, document_key, kind, place, event_date, amount)
SELECT
    p.invoice_key,
    p.payment_key,
    'paid',
    4,
    CASE WHEN p.paid_on < v.issued_on THEN v.issued_on ELSE p.paid_on END,
    -p.amount
FROM silver.payment AS p
INNER JOIN finance.invoice_valuation AS v ON v.invoice_key = p.invoice_key
WHERE p.paid_on <= @as_of;

-- Of a day's events like comes before like by amount: those of one amount are alike, whichever comes first.
WITH standing AS (
    SELECT
        e.invoice_key,
        e.document_key,
        e.kind,
        e.event_date,
        CAST(e.amount AS decimal(18, 2)) AS amount,
        CAST(SUM(e.amount) OVER (
            PARTITION BY e.invoice_key
            ORDER BY e.event_date, e.place, e.amount
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS decimal(18, 2)) AS amount_so_far
    FROM #event AS e
)
SELECT
    s.invoice_key,
    v.customer_key,
    CAST(s.kind AS varchar(8)) AS kind,
    s.document_key,
    s.event_date,
    DATEFROMPARTS(YEAR(s.event_date), MONTH(s.event_date), 1) AS month_start,
    v.currency,
    s.amount,
    v.eur_rate,
    CAST(
        ROUND(s.amount_so_far * v.eur_rate, 2)
        - ROUND(CAST(s.amount_so_far - s.amount AS decimal(18, 2)) * v.eur_rate, 2)
        AS decimal(18, 2)
    ) AS amount_eur
INTO finance.receivable_event
FROM standing AS s
INNER JOIN finance.invoice_valuation AS v ON v.invoice_key = s.invoice_key;
