"""Does again in this warehouse what another home's has on record, so that both can be compared, or one take over.

Loads come from landing, builds and closes in their order between them: histories, which know a record only as
builds have seen it, come out alike.
"""
