"""What a worker did, in numbers."""

from __future__ import annotations

from dataclasses import dataclass

from orchestration.delivery.queue.claimed import Outcome


@dataclass
class Summary:
    """Attempts by what became of them; ``dropped`` are those that were another's by the time they ended."""

    delivered: int = 0
    failed: int = 0
    skipped: int = 0
    returned: int = 0
    dropped: int = 0
    rescued: int = 0

    def count(self, outcome: Outcome) -> None:
        """Count an attempt that was settled."""
        if outcome.deferred_until is not None:
            self.returned += 1
        elif outcome.failure is not None:
            self.failed += 1
        elif outcome.is_skipped:
            self.skipped += 1
        else:
            self.delivered += 1

    @property
    def text(self) -> str:
        """One line for people; what did not happen is left out."""
        words = {
            "delivered": self.delivered,
            "failed attempt" if self.failed == 1 else "failed attempts": self.failed,
            "without a difference": self.skipped,
            "given back": self.returned,
            "taken over from a worker that was gone": self.rescued,
            "too late": self.dropped,
        }
        said = [f"{count:,} {word}" for word, count in words.items() if count]
        return ", ".join(said) or "nothing was due"
