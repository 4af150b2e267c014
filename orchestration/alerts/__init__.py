"""Alerts: failures and verdicts as rows with a class and an owner, sent by one configured sink.

A row is written in the same transaction as the fact it tells of; sending comes
later and apart, so that a sink that is down delays nothing and loses nothing.
"""

from orchestration.alerts.record import raise_alert, recover, recover_all
from orchestration.alerts.sending import Outcome, send_pending, send_unrecorded

__all__ = ["Outcome", "raise_alert", "recover", "recover_all", "send_pending", "send_unrecorded"]
