"""Limits the load on one endpoint: concurrent calls, calls per minute, and retries.

The number of open calls starts at one, so that a refused key or an unknown model costs one request
and not sixty. With the first answer, or after a second, it rises to thirty-two, then by one with
every answer, until the configured number or the first sign that the endpoint is busy. From then on
it follows TCP's rule: cut by a share when the endpoint is busy, up by one per round of answers.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from dataclasses import dataclass
from math import inf
from time import monotonic
from types import TracebackType

from fabula.errors import FabulaError

SCOUT_SECONDS = 1.0
"""Maximum seconds that the first call goes alone: refusals arrive faster, real answers may not."""
FIRST_WIDTH = 16.0
KEPT_SHARE = 0.7
"""Share of the concurrency that remains when the endpoint is busy (CUBIC's share)."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Retry limits of one call.

    Args:
        tries: Requests for one call, including the first.
        deadline: Seconds for all of them.
        first_wait: Seconds before the second try; doubled each time, with jitter.
        longest_wait: Maximum seconds of one wait.
    """

    tries: int = 8
    deadline: float = 600.0
    first_wait: float = 0.5
    longest_wait: float = 30.0

    def wait(self, tries: int) -> float:
        """Seconds to wait after a number of tries, drawn between half and all of the step."""
        step = min(self.longest_wait, self.first_wait * 2.0 ** (tries - 1))
        return step * random.uniform(0.5, 1.0)


class Pace:
    """A rate in units per minute, spread evenly (a leaky bucket of one second)."""

    def __init__(self, per_minute: float) -> None:
        self._seconds_each = 60.0 / per_minute
        self._full_at = 0.0

    def take(self, units: float) -> float:
        """Reserve units and return the seconds to wait before using them."""
        now = monotonic()
        wait = max(0.0, self._full_at - now - 1.0)
        self.adjust(units, now)
        return wait

    def adjust(self, units: float, now: float | None = None) -> None:
        """Correct the number of reserved units."""
        start = max(self._full_at, now or monotonic())
        self._full_at = start + units * self._seconds_each


class Limits:
    """The slots of one endpoint, shared by all calls to it. For one event loop at a time.

    Args:
        concurrency: Maximum number of concurrent calls.
        rpm: Requests per minute.
        tpm: Tokens per minute.
        patience: Retry limits of a call.
        scout: Maximum seconds that the first call goes alone; ends with the first answer.
    """

    def __init__(
        self,
        concurrency: int,
        *,
        rpm: int | None = None,
        tpm: int | None = None,
        patience: Patience | None = None,
        scout: float = SCOUT_SECONDS,
    ) -> None:
        self.patience = patience or Patience()
        self.concurrency = concurrency
        self._scout = scout
        self._scouting = scout > 0
        self._width = 1.0 if self._scouting else float(concurrency)
        self._open = 0
        self.answered = False
        self._queue: deque[asyncio.Future[None]] = deque()
        self._resume_at = 0.0
        self._narrowed_at = 0.0
        self._stopped: FabulaError | None = None
        self._requests = Pace(rpm) if rpm else None
        self._tokens = Pace(tpm) if tpm else None

    @property
    def width(self) -> int:
        """Current maximum number of open calls."""
        return int(self._width)

    def place(self) -> Place:
        """A slot for one call, for use with `async with`."""
        return Place(self)

    async def enter(self, *, again: bool = False) -> None:
        """Wait for a slot; retries go before new calls.

        Raises:
            FabulaError: The error that stopped the endpoint.
        """
        if self._stopped:
            raise self._stopped
        if self._open >= self.width or (self._queue and not again):
            await self._wait_for_place(again)
        else:
            self._open += 1
        if self._scouting and self._scout < inf:
            asyncio.get_running_loop().call_later(self._scout, self._open_up)

    def leave(self) -> None:
        """Pass the slot to the next call."""
        self._open -= 1
        self._admit()

    async def pace(self, tokens: int) -> None:
        """Wait until the rates allow one more request of this many tokens. Needs a slot."""
        wait = self._requests.take(1) if self._requests else 0.0
        if self._tokens:
            wait = max(wait, self._tokens.take(tokens))
        until = monotonic() + wait
        while (now := monotonic()) < max(until, self._resume_at):
            await asyncio.sleep(max(until, self._resume_at) - now)
        if self._stopped:
            raise self._stopped

    def went_well(self, expected_tokens: int, tokens: int | None) -> None:
        """Record an answer: concurrency grows, and the token rate gets the actual size."""
        self._open_up()
        step = 1.0 / self._width if self._narrowed_at else 1.0
        self._width = min(self.concurrency, self._width + step)
        if self._tokens and tokens is not None:
            self._tokens.adjust(tokens - expected_tokens)
        self._admit()

    def was_busy(self, sent_at: float, pause: float) -> None:
        """Record that the endpoint is busy: cut concurrency, and pause all calls if it asks for it.

        Requests sent before the last cut add no evidence.
        """
        now = monotonic()
        if sent_at >= self._narrowed_at:
            self._width = max(1.0, self._width * KEPT_SHARE)
            self._narrowed_at = now
        self._resume_at = max(self._resume_at, now + pause)

    def stop(self, error: FabulaError) -> None:
        """Stop everything: every waiting and future call raises this error."""
        self._stopped = self._stopped or error
        while self._queue:
            future = self._queue.popleft()
            if not future.done():
                future.set_exception(self._stopped)

    async def _wait_for_place(self, again: bool) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if again:
            self._queue.appendleft(future)
        else:
            self._queue.append(future)
        try:
            await future
        except asyncio.CancelledError:
            # The slot may have been assigned in the same tick in which the call was cancelled.
            if future.done() and not future.cancelled() and not future.exception():
                self.leave()
            raise

    def _admit(self) -> None:
        while self._queue and self._open < self.width:
            future = self._queue.popleft()
            if not future.done():
                self._open += 1
                future.set_result(None)

    def _open_up(self) -> None:
        if self._scouting:
            self._scouting = False
            self._width = min(self.concurrency, FIRST_WIDTH)
            self._admit()


class Place:
    """One call's slot, from its first request to its reply."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._taken = False

    async def __aenter__(self) -> Place:
        await self._limits.enter()
        self._taken = True
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._taken:
            self._limits.leave()

    async def step_aside(self, seconds: float) -> None:
        """Yield to other calls for a while, then take a slot again before new calls."""
        self._taken = False
        self._limits.leave()
        await asyncio.sleep(seconds)
        await self._limits.enter(again=True)
        self._taken = True
