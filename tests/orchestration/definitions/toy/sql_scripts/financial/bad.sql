/*
  title: Cannot be run
  owner: finance-analytics
*/
EXEC sp_who;
