/*
  title:       Positions of the profit and loss statement
  owner:       finance-controlling
  description: The lines of the profit and loss statement in their order, for every chart of accounts. report_sign is
               what debit less credit is multiplied by so that the figure is above zero as usual: revenue and costs.
               profit_sign is what that figure does to profit. 'unmapped' takes what is posted on accounts of the
               statement that the chart does not map: it is shown until somebody does.
*/
DECLARE @as_of date;

SELECT
    CAST(p.position_number AS int) AS position_number,
    CAST(p.pl_position AS varchar(40)) AS pl_position,
    CAST(p.pl_section AS varchar(20)) AS pl_section,
    CAST(p.position_name AS varchar(60)) AS position_name,
    CAST(p.report_sign AS int) AS report_sign,
    CAST(-p.report_sign AS int) AS profit_sign
INTO finance.pl_position
FROM (VALUES
    (10, 'revenue', 'revenue', 'Revenue', -1),
    (20, 'cost_of_revenue', 'cost of revenue', 'Cost of revenue', 1),
    (30, 'personnel', 'operating costs', 'Personnel', 1),
    (40, 'marketing', 'operating costs', 'Marketing', 1),
    (50, 'travel', 'operating costs', 'Travel', 1),
    (60, 'premises', 'operating costs', 'Premises', 1),
    (70, 'exchange_differences', 'other results', 'Exchange differences', -1),
    (90, 'unmapped', 'unmapped', 'Not mapped yet', 1)
) AS p (position_number, pl_position, pl_section, position_name, report_sign);
