"""What is sent about an alert, in words and as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from orchestration.failures import ConnectionFailed, SettingsError


@dataclass(frozen=True)
class Message:
    """An alert in its present state; times are UTC without a zone."""

    alert_id: str
    failure_class: str
    owner: str
    subject: str
    text: str
    state: str
    first_at: datetime
    last_at: datetime
    count: int

    @property
    def title(self) -> str:
        """One line: what happened to what."""
        word = "Recovered" if self.state == "recovered" else "Failed"
        return " ".join(f"{word}: {self.subject}".split())

    @property
    def body(self) -> str:
        """A few lines: the message, whose it is, since when and how often."""
        times = "once" if self.count == 1 else f"{self.count} times"
        since = f"{times} since {self.first_at:%Y-%m-%d %H:%M} UTC"
        return f"{self.text}\n\nOwner: {self.owner}\nClass: {self.failure_class}\nSeen: {since}\n"

    @property
    def delivery_key(self) -> str:
        """The same for every attempt to tell this state of this alert."""
        return f"{self.alert_id}-{self.state}"

    def as_json(self) -> dict[str, str | int]:
        """Return the webhook's body; ``text`` is what chat tools show."""
        return {
            "text": f"{self.title}\n{self.body}",
            "alert_id": self.alert_id,
            "class": self.failure_class,
            "owner": self.owner,
            "subject": self.subject,
            "message": self.text,
            "state": self.state,
            "first_at": f"{self.first_at.isoformat()}Z",
            "last_at": f"{self.last_at.isoformat()}Z",
            "count": self.count,
        }


class SinkFailed(ConnectionFailed):
    """The sink did not take an alert; it is tried again with the next sending."""


class SinkMisconfigured(SettingsError):
    """The sink's setting cannot be used."""
