"""Financial gold: one asset a table, its upstream read from its script's own text; one op closes the day."""

# No deferred annotations here: Dagster reads the types of `context` and `config`.
from collections.abc import Iterator
from datetime import date

import dagster as dg
from pydantic import Field

from orchestration.business_day import business_day, own_days, require_no_future
from orchestration.definitions.alerting import tell
from orchestration.definitions.outcome import MOST_SHOWN, Fault, raise_for
from orchestration.definitions.transform.closed import Event, events_of
from orchestration.definitions.transform.project import DbtProject
from orchestration.definitions.transform.scripts import check_specs, table_specs
from orchestration.definitions.transform.steps import FINANCIAL_JOB, POOL, Step, open_step
from orchestration.failures import FailureClass
from orchestration.plans import has_financial
from orchestration.scripts.close.outcome import CloseRequest, Closing
from orchestration.scripts.close.plan import Plan, read_plan
from orchestration.scripts.close.telling import about_close, in_history_alone, never_closed, orphaned
from orchestration.scripts.source import FOLDER
from orchestration.settings import Settings
from orchestration.shortened import few

OP = "financial_scripts"


class FinancialConfig(dg.Config):
    """What a person may set for one run; the schedule fills in ``left_out``.

    ``as_of`` is a business day (2026-11-30; empty: the newest), ``tenants`` narrows the run (empty: all). A day
    that is closed already is closed again for a ``reason`` alone. ``left_out`` are tenants whose loads did not
    come in time, with what they wait for.
    """

    as_of: str = ""
    tenants: list[str] = Field(default_factory=list)
    reason: str = ""
    left_out: dict[str, str] = Field(default_factory=dict)


def financial_plan(settings: Settings) -> Plan:
    """Return every script in order."""
    return read_plan(settings.scripts_dir / FOLDER)


def finance_assets(plan: Plan, project: DbtProject) -> dg.AssetsDefinition:
    """Return the scripts' tables as one multi-asset: a close is whole, so no part of it is built alone."""

    @dg.multi_asset(name=OP, specs=table_specs(plan), check_specs=check_specs(plan), can_subset=False, pool=POOL)
    def build(context: dg.AssetExecutionContext, config: FinancialConfig) -> Iterator[Event]:
        from orchestration.control.actor import acting_as  # noqa: PLC0415 - SQLAlchemy; a location loads without it
        from orchestration.scripts.close.publishing import close_and_publish  # noqa: PLC0415 - as above

        with open_step(context, project, "financial gold") as step, acting_as(f"dagster run {step.build_id}"):
            step.begin_financial()
            request = _request(step, config)
            closing, versions = close_and_publish(step.runtime, request)
            found = [*_faults(closing), *_late(config)]
            yield from events_of(closing, plan, versions)
            _log_known(context, closing)
            step.finish("\n".join(fault.message for fault in found))
            tell(step.runtime, _late(config))
        raise_for(found, context.retry_number)

    return build


def _request(step: Step, config: FinancialConfig) -> CloseRequest:
    as_of = date.fromisoformat(config.as_of) if config.as_of else business_day(step.runtime)
    if config.as_of and not config.reason:
        require_no_future(step.runtime, as_of, config.tenants or None)
    ready = [
        name
        for name, tenant in sorted(step.runtime.tenants.items())
        if has_financial(tenant) and name not in config.left_out
    ]
    who, own = f"dagster/{FINANCIAL_JOB}", {} if config.as_of else own_days(step.runtime)
    chosen = config.tenants or ready
    return CloseRequest(as_of, chosen, config.reason, who=who, build_id=step.build_id, own_days=own)


def _faults(closing: Closing) -> list[Fault]:
    """Return what is wrong, once for all tenants that it is wrong for; the close itself has told the owners."""
    tenants: dict[tuple[FailureClass, str], list[str]] = {}
    for closed in (item for item in closing.tenants if item.status == "failed"):
        for text in closed.faults:
            tenants.setdefault((closed.failure_class, text), []).append(closed.tenant)
    return [
        *(
            Fault(about_close(few(of, MOST_SHOWN)), failure_class, text)
            for (failure_class, text), of in tenants.items()
        ),
        *(
            Fault(f"script {name}", FailureClass.SCRIPT, item.message, item.script.owner)
            for name, item in closing.left_out.items()
        ),
        *(Fault(f"checks {path.name}", FailureClass.SCRIPT, orphaned(path)) for path in closing.plan.orphans),
    ]


def _late(config: FinancialConfig) -> list[Fault]:
    """Return the tenants that nobody waits for any more today."""
    return [
        Fault(about_close(tenant), FailureClass.PERMANENT, f"not closed today: it waits for {what}.", tenant=tenant)
        for tenant, what in config.left_out.items()
    ]


def _log_known(context: dg.AssetExecutionContext, closing: Closing) -> None:
    known = [closed.tenant for closed in closing.tenants if closed.status == "already closed"]
    if known:
        day = closing.tenants[0].as_of
        again = "Give a `reason` in the configuration to close it again."
        context.log.info("%s is closed already for %d tenants. %s", day, len(known), again)
    for tenant, day in closing.left_behind[-MOST_SHOWN:]:
        context.log.warning(never_closed(tenant, day))
    for closed in (item for item in closing.tenants if item.status == "closed" and not item.shown):
        context.log.warning("%s: %s", closed.tenant, in_history_alone(closed))
