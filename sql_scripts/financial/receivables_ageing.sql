/*
  title:       Ageing of receivables
  owner:       finance-receivables
  description: Every invoice that is open on @as_of, for how much, and how long it has been due: in one of the columns
               not_due, days_1_30, days_31_60, days_61_90 and over_90, counted from the day after the due day. Partial
               payments and credit notes lower the amount where it stands. What a customer has paid too much, or for a
               void invoice, is credit_balance, below zero. open_eur is at the rate of the invoice's day, as in the
               books; revalued_eur at the last rate known on @as_of, and unrealised_fx_eur the difference.
*/
DECLARE @as_of date;

WITH rate_days AS (
    SELECT x.base_currency, MAX(x.rate_date) AS rate_date
    FROM silver.exchange_rate AS x
    WHERE x.quote_currency = 'EUR' AND x.rate_date <= @as_of
    GROUP BY x.base_currency
),
rates AS (
    SELECT x.base_currency AS currency, CAST(x.exchange_rate AS decimal(18, 8)) AS eur_rate
    FROM silver.exchange_rate AS x
    INNER JOIN rate_days AS d ON d.base_currency = x.base_currency AND d.rate_date = x.rate_date
    WHERE x.quote_currency = 'EUR' AND x.base_currency <> 'EUR'
    UNION ALL
    SELECT 'EUR', 1
),
balances AS (
    SELECT
        e.invoice_key,
        CAST(SUM(e.amount) AS decimal(18, 2)) AS open_amount,
        CAST(SUM(e.amount_eur) AS decimal(18, 2)) AS open_eur
    FROM finance.receivable_event AS e
    GROUP BY e.invoice_key
    HAVING SUM(e.amount) <> 0
),
open_invoices AS (
    SELECT
        b.invoice_key,
        v.invoice_number,
        v.customer_key,
        v.issued_on,
        v.due_on,
        CASE WHEN b.open_amount > 0 AND v.due_on < @as_of THEN DATEDIFF(day, v.due_on, @as_of) ELSE 0 END
            AS days_overdue,
        v.currency,
        b.open_amount,
        b.open_eur,
        CAST(ROUND(b.open_amount * CAST(r.eur_rate AS decimal(18, 8)), 2) AS decimal(18, 2)) AS revalued_eur
    FROM balances AS b
    INNER JOIN finance.invoice_valuation AS v ON v.invoice_key = b.invoice_key
    LEFT JOIN rates AS r ON r.currency = v.currency
),
aged AS (
    SELECT
        o.invoice_key,
        CASE
            WHEN o.open_amount < 0 THEN 'credit balance'
            WHEN o.days_overdue = 0 THEN 'not due'
            WHEN o.days_overdue <= 30 THEN '1-30'
            WHEN o.days_overdue <= 60 THEN '31-60'
            WHEN o.days_overdue <= 90 THEN '61-90'
            ELSE 'over 90'
        END AS bucket
    FROM open_invoices AS o
)
SELECT
    o.invoice_key,
    o.invoice_number,
    o.customer_key,
    o.issued_on,
    o.due_on,
    o.days_overdue,
    CAST(a.bucket AS varchar(14)) AS bucket,
    o.currency,
    o.open_amount,
    CAST(CASE WHEN a.bucket = 'not due' THEN o.open_amount ELSE 0 END AS decimal(18, 2)) AS not_due,
    CAST(CASE WHEN a.bucket = '1-30' THEN o.open_amount ELSE 0 END AS decimal(18, 2)) AS days_1_30,
    CAST(CASE WHEN a.bucket = '31-60' THEN o.open_amount ELSE 0 END AS decimal(18, 2)) AS days_31_60,
    CAST(CASE WHEN a.bucket = '61-90' THEN o.open_amount ELSE 0 END AS decimal(18, 2)) AS days_61_90,
    CAST(CASE WHEN a.bucket = 'over 90' THEN o.open_amount ELSE 0 END AS decimal(18, 2)) AS over_90,
    CAST(CASE WHEN a.bucket = 'credit balance' THEN o.open_amount ELSE 0 END AS decimal(18, 2)) AS credit_balance,
    o.open_eur,
    o.revalued_eur,
    CAST(o.revalued_eur - o.open_eur AS decimal(18, 2)) AS unrealised_fx_eur
INTO finance.receivables_ageing
FROM open_invoices AS o
INNER JOIN aged AS a ON a.invoice_key = o.invoice_key;
