"""What Dagster shows of a table's deliveries: an asset downstream of its publication, and a check on dead letters.

All of it is for people to look at. Nothing is derived from it: queue and cursor are in the control plane.
"""

# No deferred annotations here: Dagster reads the type of `context`.
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import dagster as dg

from orchestration import names
from orchestration.definitions.specs import PLATFORM_TEAM, asset_key, published_key

if TYPE_CHECKING:
    from orchestration.delivery.table_status import TableStatus

DELIVERED = "delivered"
CHECK = "no_dead_letters"
_COUNTS = ("version", "delivered", "waiting", "failing", "dead", "skipped", "cancelled")
_TABLE = dg.TableSchema(columns=[dg.TableColumn(name, "int") for name in _COUNTS])
_IN_TROUBLE = dg.TableSchema(
    columns=[dg.TableColumn(*column) for column in (("label",), ("state",), ("waiting", "int"), ("dead", "int"))]
)
_WAYS = "by webhook, as files over SFTP, on a message bus, in feeds or as jobs"
_SEEN = "What arrived, waits and failed is told here whenever it changes."
_WHO = dg.MetadataValue.md("`strata registration list`")
_EACH = dg.MetadataValue.md("`strata deliveries list`; one of them, with what came back: `strata deliveries show`")
_TO_DO_DEAD = (
    "`strata dead-letters list` says what failed for good and why; once that is mended: "
    "`strata dead-letters replay TENANT`"
)
_TO_DO_WAITING = (
    "`strata deliveries list` says what waits and why, `strata deliveries show` what came back; a paused registration "
    "goes on after `strata registration resume`"
)


def delivered_key(table: names.Table) -> dg.AssetKey:
    """Return the key of the asset that stands for a table's deliveries."""
    return asset_key(table, DELIVERED)


def table_specs(tables: Iterable[names.Table]) -> list[dg.AssetSpec]:
    """Return one asset for each table; financial gold is published by its own asset."""
    return [
        dg.AssetSpec(
            delivered_key(table),
            deps=[asset_key(table) if table[0] == names.FINANCE else published_key(table)],
            group_name=DELIVERED,
            kinds={"delivery"},
            owners=[PLATFORM_TEAM],
            description=f"Deliveries of {'.'.join(table)} to those who registered for it: {_WAYS}. {_SEEN}",
            metadata={"who_registered": _WHO, "each_delivery": _EACH},
        )
        for table in tables
    ]


def arrival_checks(tables: Sequence[names.Table]) -> dg.AssetChecksDefinition:
    """Return a check for each table: no delivery of it was given up."""
    specs = [
        dg.AssetCheckSpec(CHECK, asset=delivered_key(table), description="No delivery was given up.")
        for table in tables
    ]

    @dg.multi_asset_check(name="arrivals", specs=specs, can_subset=True)
    def arrivals(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        from orchestration.definitions.delivery.telling import look  # noqa: PLC0415 - a location loads without SQLAlchemy
        from orchestration.runtime import open_runtime  # noqa: PLC0415 - as above

        now, found = look(open_runtime())
        known = {delivered_key(status.table): status for status in found}
        for key in sorted(context.selected_asset_check_keys, key=lambda key: key.asset_key.path):
            status = known.get(key.asset_key)
            yield dg.AssetCheckResult(
                asset_key=key.asset_key,
                check_name=key.name,
                passed=status is None or not status.dead,
                metadata=metadata(status, now) if status else {},
            )

    return arrivals


def metadata(status: "TableStatus", now: int) -> dict[str, dg.MetadataValue]:
    """Return counts (of what ended: lately), what to do, and tables: the newest versions, registrations in trouble."""
    rows = [dg.TableRecord({name: getattr(version, name) for name in _COUNTS}) for version in status.versions]
    return {
        "version": dg.MetadataValue.int(status.versions[0].version),
        "delivered": dg.MetadataValue.int(status.delivered),
        "waiting": dg.MetadataValue.int(status.waiting),
        "failing": dg.MetadataValue.int(status.failing),
        "dead": dg.MetadataValue.int(status.dead),
        "lag_seconds": dg.MetadataValue.float(status.lag_seconds(now)),
        "versions": dg.MetadataValue.table(rows, _TABLE),
        **_trouble(status),
    }


def _trouble(status: "TableStatus") -> dict[str, dg.MetadataValue]:
    """Return who is concerned and what to do about it; nothing while all is well."""
    names = [column.name for column in _IN_TROUBLE.columns]
    rows = [dg.TableRecord({name: getattr(item, name) for name in names}) for item in status.troubled]
    found: dict[str, dg.MetadataValue] = {"in_trouble": dg.MetadataValue.table(rows, _IN_TROUBLE)} if rows else {}
    text = _TO_DO_DEAD if status.dead else _TO_DO_WAITING if rows or status.late_since else ""
    return {**found, "what_to_do": dg.MetadataValue.md(text)} if text else found
