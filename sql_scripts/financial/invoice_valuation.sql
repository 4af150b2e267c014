/*
  title:       Invoices and what they are worth in EUR
  owner:       finance-analytics
  description: Every invoice that was issued by @as_of, with the day from which nobody owes it and its rate to EUR: the
               last one known on the day of issue. All that happens to an invoice later (credits, payments, revenue)
               is valued at this one rate, as the books do it, so that nothing of a settled invoice is left in EUR.
*/
DECLARE @as_of date;

SELECT
    i.invoice_key,
    i.customer_key,
    i.subscription_key,
    i.invoice_number,
    i.currency,
    i.gross_amount,
    i.issued_on,
    COALESCE(i.due_on, i.issued_on) AS due_on,
    -- What is void without a day was so from the beginning, and nothing is void before it is issued.
    CASE
        WHEN i.voided_at IS NULL AND i.invoice_status <> 'void' THEN NULL
        WHEN CAST(i.voided_at AS date) > i.issued_on THEN CAST(i.voided_at AS date)
        ELSE i.issued_on
    END AS voided_on
INTO #invoice
FROM silver.invoice AS i
WHERE i.issued_on <= @as_of;

-- Banks quote no rates on days off: the last day with a rate counts.
SELECT d.currency, d.issued_on, MAX(x.rate_date) AS rate_date
INTO #rate_day
FROM (SELECT DISTINCT i.currency, i.issued_on FROM #invoice AS i) AS d
INNER JOIN silver.exchange_rate AS x ON x.base_currency = d.currency AND x.rate_date <= d.issued_on
WHERE x.quote_currency = 'EUR' AND d.currency <> 'EUR'
GROUP BY d.currency, d.issued_on;

SELECT
    i.invoice_key,
    i.customer_key,
    i.subscription_key,
    i.invoice_number,
    i.issued_on,
    i.due_on,
    CASE WHEN i.voided_on <= @as_of THEN i.voided_on END AS voided_on,
    i.currency,
    CAST(i.gross_amount AS decimal(18, 2)) AS gross_amount,
    CASE WHEN i.currency = 'EUR' THEN i.issued_on ELSE d.rate_date END AS rate_date,
    CAST(CASE WHEN i.currency = 'EUR' THEN 1 ELSE x.exchange_rate END AS decimal(18, 8)) AS eur_rate
INTO finance.invoice_valuation
FROM #invoice AS i
LEFT JOIN #rate_day AS d ON d.currency = i.currency AND d.issued_on = i.issued_on
LEFT JOIN silver.exchange_rate AS x
    ON x.base_currency = d.currency AND x.quote_currency = 'EUR' AND x.rate_date = d.rate_date;
