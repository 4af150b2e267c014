"""What a person types to let deletions through that the shrink guard holds."""

from __future__ import annotations

from collections.abc import Iterable

Held = tuple[str, str, str]
"""The source, tenant and entity of a load whose deletions are held."""


def release_commands(held: Iterable[Held]) -> list[str]:
    """Return as few commands as release these loads and no other: one a source, unless its tenants differ.

    ``--force`` lets through whatever a load finds, so no command names an entity of a tenant that is not held.
    """
    entities: dict[tuple[str, str], list[str]] = {}
    for source, tenant, entity in sorted(set(held)):
        entities.setdefault((source, tenant), []).append(entity)
    tenants: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (source, tenant), names in entities.items():
        tenants.setdefault((source, tuple(names)), []).append(tenant)
    return [_command(source, names, of) for (source, names), of in tenants.items()]


def _command(source: str, entities: Iterable[str], tenants: Iterable[str]) -> str:
    narrowed = [f"--entity {name}" for name in entities] + [f"--tenant {name}" for name in tenants]
    return f'strata load {source} --mode daily {" ".join(narrowed)} --force --reason "…"'
