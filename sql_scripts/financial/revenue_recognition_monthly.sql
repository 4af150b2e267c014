/*
  title:       Recognised revenue by month
  owner:       finance-analytics
  description: What was earned in each month by @as_of, by customer, product and type of line, in the contract's
               currency and in EUR at the rates of the invoices' days. still_planned is what today's invoices will
               bring in months to come; the month of @as_of has both. A month in which more was taken back than earned
               is below zero.
*/
DECLARE @as_of date;

SELECT
    s.month_start,
    s.month_end,
    s.customer_key,
    s.product_key,
    s.line_type,
    s.currency,
    CAST(SUM(s.recognised) AS decimal(18, 2)) AS recognised,
    CAST(SUM(s.planned) AS decimal(18, 2)) AS still_planned,
    CAST(SUM(s.recognised_eur) AS decimal(18, 2)) AS recognised_eur,
    CAST(SUM(s.planned_eur) AS decimal(18, 2)) AS still_planned_eur,
    CASE WHEN s.month_end <= @as_of THEN 'complete' WHEN s.month_start <= @as_of THEN 'running' ELSE 'planned' END
        AS month_status
INTO finance.revenue_recognition_monthly
FROM finance.revenue_schedule AS s
GROUP BY s.month_start, s.month_end, s.customer_key, s.product_key, s.line_type, s.currency;
