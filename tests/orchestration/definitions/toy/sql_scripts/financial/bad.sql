/*
  title: Cannot be run
  owner: finance-analytics
  description: For tests.
*/
EXEC sp_who;
