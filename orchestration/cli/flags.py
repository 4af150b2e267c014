"""Shows a flag in the help as what it is: Typer writes the type ``<bool>`` beside it, as if it took a value."""

from __future__ import annotations

from typing import Any

import typer


def show_bare(command: Any) -> Any:  # noqa: ANN401 - Typer's commands and groups, whose common class it keeps to itself
    """Take the type from the help of every flag of a command and of those below it; return the command."""
    for option in command.get_params(typer.Context(command)):
        if getattr(option, "is_flag", False):
            option.metavar = ""
    for inner in getattr(command, "commands", {}).values():
        show_bare(inner)
    return command
