"""The close: one tenant's financial gold as of one day, built by all scripts from a state that stands still.

Scripts write ``finance_work``; when all of them have passed and their checks hold, one transaction
copies the tables to ``finance_history`` and moves the tenant's pointer. ``finance.<table>`` is a view on
the pointers, so a reader sees yesterday's close or today's, never a mixture.
"""

from orchestration.scripts.close.close import close
from orchestration.scripts.close.outcome import CheckOutcome, Closed, CloseRequest, Closing, ScriptOutcome
from orchestration.scripts.close.plan import Plan, PlannedScript, read_plan
from orchestration.scripts.close.publishing import close_and_publish

__all__ = [
    "CheckOutcome",
    "CloseRequest",
    "Closed",
    "Closing",
    "Plan",
    "PlannedScript",
    "ScriptOutcome",
    "close",
    "close_and_publish",
    "read_plan",
]
