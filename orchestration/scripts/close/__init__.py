"""The close: one tenant's financial gold as of one day, built by all scripts from a state that stands still.

Scripts write ``finance_work``; when all of them have passed and their checks hold, one transaction
copies the tables to ``finance_history`` and moves the tenant's pointer. ``finance.<table>`` is a view on
the pointers, so a reader sees yesterday's close or today's, never a mixture.

Its plan is read without an engine; what runs it is heavy, and imported where it is used.
"""
