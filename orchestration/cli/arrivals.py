"""How a message that the receiver took looks: as a line and the beginning of its body, as JSON, as a file."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from rich.text import Text

from orchestration.cli.console import results
from orchestration.delivery.receiver.inbox import Arrival, Verdict

_STYLES = {
    Verdict.ACCEPTED: "bold green",
    Verdict.REPEATED: "cyan",
    Verdict.UNVERIFIED: "yellow",
    Verdict.REFUSED: "bold red",
}
_EXTENSIONS = {
    "application/cloudevents+json": "json",
    "application/cloudevents-batch+json": "json",
    "application/json": "json",
    "application/x-ndjson": "ndjson",
    "text/csv": "csv",
    "application/vnd.apache.parquet": "parquet",
}
_SHOWN = 1000


def tell(arrival: Arrival, answered: int, file: Path | None) -> None:
    """Print a message for people; nothing in it can move the cursor or colour the screen."""
    facts = [arrival.type, arrival.subject, arrival.message_id, f"{len(arrival.body):,} bytes", f"answered {answered}"]
    line = Text(f"{arrival.received_at.astimezone():%H:%M:%S} ")
    line.append(arrival.verdict.value, _STYLES[arrival.verdict])
    line.append(" " + _harmless("  ".join(fact for fact in facts if fact)))
    results.print(line, soft_wrap=True)
    if arrival.reason:
        results.print(Text(f"  {arrival.reason}"))
    results.print(Text(f"  kept as {file}" if file else _beginning(arrival)), style="dim", soft_wrap=True)


def document(arrival: Arrival, answered: int, file: Path | None) -> dict[str, Any]:
    """Return a message as one JSON document; a body that is no text is in base64."""
    try:
        body: Any = json.loads(arrival.body) if "json" in arrival.content_type else arrival.body.decode()
    except ValueError:
        body = base64.b64encode(arrival.body).decode()
    return {
        "received_at": arrival.received_at.isoformat(),
        "verdict": arrival.verdict,
        "reason": arrival.reason,
        "answered": answered,
        "id": arrival.message_id,
        "type": arrival.type,
        "subject": arrival.subject,
        "content_type": arrival.content_type,
        "body": str(file) if file else body,
    }


def keep(arrival: Arrival, folder: Path) -> Path | None:
    """Write a message's body once under its id; nothing for one that was refused."""
    if arrival.verdict is Verdict.REFUSED:
        return None
    extension = _EXTENSIONS.get(arrival.content_type.split(";")[0].strip(), "bin")
    file = folder / f"{arrival.message_id}.{extension}"
    if arrival.verdict is not Verdict.REPEATED:
        part = file.with_name(f"{file.name}.part")
        part.write_bytes(arrival.body)
        part.rename(file)
    return file


def _beginning(arrival: Arrival) -> str:
    try:
        text = arrival.body.decode()
    except UnicodeDecodeError:
        return f"  ({arrival.content_type}, not text)"
    if "json" in arrival.content_type:
        with suppress(ValueError):
            text = json.dumps(json.loads(text), ensure_ascii=False, indent=2)
    cut = _harmless(text[:_SHOWN]) + ("…" if len(text) > _SHOWN else "")
    return "\n".join(f"  {line}" for line in cut.splitlines())


def _harmless(text: str) -> str:
    return "".join(mark if mark.isprintable() or mark == "\n" else "\N{REPLACEMENT CHARACTER}" for mark in text)
