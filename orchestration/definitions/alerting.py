"""Alerts of Dagster's runs: the step that fails writes its own, because it is there when it happens.

A sensor on runs would lose what it could not tell at once. So a row is written in the
step, sent from there, and sent again by a job of its own for as long as the sink is down.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import dagster as dg

from orchestration.definitions.outcome import Fault
from orchestration.failures import FailureClass
from orchestration.full_disk import DiskFull, full_disk_told, scarcity

if TYPE_CHECKING:
    from orchestration.runtime import Runtime


DISK = "free disk"
"""What the alert is about that tells of a disk before it is full: then nobody could write one."""


def crash_subject(job_name: str) -> str:
    """Return what a run is called that ended without a word of its own."""
    return f"run of {job_name}"


def was_interrupted(event: dg.DagsterEvent) -> bool:
    """Say whether a step's failure is that somebody ended its run: by Ctrl-C, or by a signal to its process."""
    source = event.step_failure_data.error_source
    return source is not None and source.name == "INTERRUPT"


def tell(runtime: Runtime, faults: Iterable[Fault] = (), well: Iterable[str] = ()) -> str:
    """Open or count an alert for each fault, close those of the subjects that are well, and send what waits.

    Returns why sending stopped; empty when it did not. Faults that the warehouse has no room for are sent all the same,
    once: no row remembers them.

    Raises:
        DiskFull: there is no room to write that all is well. A caller with faults raises those instead.
    """
    scarce = scarcity(runtime.settings.home, runtime.settings.disk_warning_gb)
    given = list(faults)
    faults = [*given, Fault(DISK, FailureClass.PERMANENT, f"{scarce} Make room.")] if scarce else given
    try:
        with full_disk_told():
            return _record_and_send(runtime, faults, well if scarce else [*well, DISK])
    except DiskFull:
        from orchestration.alerts import send_unrecorded  # noqa: PLC0415 - a location loads without it

        stopped = send_unrecorded(runtime.settings, [(f.failure_class, f.subject, f.message, f.owner) for f in faults])
        if not given:
            raise
        return stopped


def _record_and_send(runtime: Runtime, faults: Iterable[Fault], well: Iterable[str]) -> str:
    from orchestration.alerts import raise_alert, recover_all, send_pending  # noqa: PLC0415 - a location loads without it
    from orchestration.publication.status import write_status  # noqa: PLC0415 - as above
    from orchestration.warehouse.apply import apply  # noqa: PLC0415 - as above

    with runtime.warehouse.session("alerts") as session:
        apply(session)  # what failed may have been the very first load
        with session.transaction():
            for fault in faults:
                raise_alert(
                    session, fault.failure_class, fault.subject, fault.message, fault.owner, tenant=fault.tenant
                )
            recover_all(session, well)
        write_status(session, runtime)
    outcome = send_pending(runtime)
    if outcome.sent:
        with runtime.warehouse.session("status after sending") as session:
            write_status(session, runtime)
    return outcome.fault
