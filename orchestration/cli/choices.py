"""Finding what a person names on the command line, or saying what there is instead."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

import typer

from orchestration.contracts.source import SourceSystem
from orchestration.runtime import Runtime


def source_named(runtime: Runtime, name: str, entities: Collection[str] | None = None) -> SourceSystem:
    """Return a source system by name, making sure that it has the named entities.

    Raises:
        typer.BadParameter: there is no such source or entity; lists those there are.
        StrataError: the source's description or the entity's contract cannot be read.
    """
    if name not in runtime.sources:
        raise typer.BadParameter(f"{name!r} is no source system. There are: {', '.join(runtime.sources)}.")
    source = runtime.sources[name]
    if source.fault:
        raise source.fault
    for entity in entities or ():
        if entity in source.faults:
            raise source.faults[entity]
        if entity not in source.contracts:
            known = ", ".join(source.contracts)
            raise typer.BadParameter(f"{name} has no entity {entity!r}. It has: {known}.", param_hint="--entity")
    return source


def day_named(text: str, option: str = "--as-of") -> date:
    """Return a day that is written as 2026-11-30.

    Raises:
        typer.BadParameter: it is none.
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no day. Example: 2026-11-30.", param_hint=option) from None
