/*
  title: Worth of all things
  owner: finance-analytics
  description: For tests.
*/
SELECT t.id, t.amount INTO finance.good FROM silver.thing AS t;
