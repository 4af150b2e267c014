/*
  title: Worth of all things
  owner: finance-analytics
*/
SELECT t.id, t.amount INTO finance.good FROM silver.thing AS t;
