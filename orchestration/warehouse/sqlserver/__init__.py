"""The warehouse on SQL Server and Azure SQL: the same engine, its statements sent to a server."""
