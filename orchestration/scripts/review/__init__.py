"""Looking at a script before it counts: run on the side, explained, and compared between two git revisions.

Nothing here writes finance: what scripts build lies in a database in memory, and ends with the command.
"""
