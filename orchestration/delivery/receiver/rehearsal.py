"""How the endpoint behaves: well, or badly on purpose, to see what the platform makes of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from http import HTTPStatus

from orchestration.delivery.receiver.inbox import Arrival, Verdict


@dataclass
class Rehearsal:
    """Answers with ``status``, to the first ``times`` messages alone if that is given, ``delay`` seconds late."""

    status: int = HTTPStatus.NO_CONTENT
    times: int | None = None
    delay: float = 0.0

    async def wait(self) -> None:
        """Be late, if that is rehearsed."""
        if self.delay:
            await asyncio.sleep(self.delay)

    def answer(self, arrival: Arrival) -> int:
        """Return the status that a message is answered with."""
        if arrival.verdict is Verdict.REFUSED:
            return HTTPStatus.UNAUTHORIZED
        if self.times == 0:
            return HTTPStatus.NO_CONTENT
        if self.times is not None:
            self.times -= 1
        return self.status
