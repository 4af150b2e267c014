/*
  title:       Billings by month
  owner:       finance-analytics
  description: What was billed in each month, net of tax, by customer and product, in the contract's currency and in
               EUR at the rate of the invoice's day: invoiced - credited - voided = billed. Credits and voids stand in
               the month in which they were given, as numbers that are taken away. The month of @as_of is counted up
               to that day.
*/
DECLARE @as_of date;

SELECT
    e.month_start,
    CASE WHEN EOMONTH(e.month_start) < @as_of THEN EOMONTH(e.month_start) ELSE @as_of END AS month_end,
    e.customer_key,
    e.product_key,
    e.currency,
    CAST(COUNT(DISTINCT CASE WHEN e.kind = 'invoiced' THEN e.invoice_key END) AS int) AS invoices,
    CAST(SUM(CASE WHEN e.kind = 'invoiced' THEN e.amount ELSE 0 END) AS decimal(18, 2)) AS invoiced,
    CAST(SUM(CASE WHEN e.kind = 'credited' THEN -e.amount ELSE 0 END) AS decimal(18, 2)) AS credited,
    CAST(SUM(CASE WHEN e.kind = 'voided' THEN -e.amount ELSE 0 END) AS decimal(18, 2)) AS voided,
    CAST(SUM(e.amount) AS decimal(18, 2)) AS billed,
    CAST(SUM(CASE WHEN e.kind = 'invoiced' THEN e.amount_eur ELSE 0 END) AS decimal(18, 2)) AS invoiced_eur,
    CAST(SUM(CASE WHEN e.kind = 'credited' THEN -e.amount_eur ELSE 0 END) AS decimal(18, 2)) AS credited_eur,
    CAST(SUM(CASE WHEN e.kind = 'voided' THEN -e.amount_eur ELSE 0 END) AS decimal(18, 2)) AS voided_eur,
    CAST(SUM(e.amount_eur) AS decimal(18, 2)) AS billed_eur
INTO finance.billings_monthly
FROM finance.billing_event AS e
GROUP BY e.month_start, e.customer_key, e.product_key, e.currency;
