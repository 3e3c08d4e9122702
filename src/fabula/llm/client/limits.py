"""How much is asked of one endpoint: at once, a minute, and again after a failure.

The number of open calls starts at one, so that a refused key or an unknown model costs one
request and not sixty. With the first answer or after a second it goes up to thirty-two, then by one
with every answer, until the wanted number or the first sign that the endpoint is busy. From then
on it follows TCP's rule: cut by a share when the endpoint is busy, up by one a round of answers.
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
"""The first call goes alone at most this long: refusals come faster, real answers may not."""
FIRST_WIDTH = 16.0
KEPT_SHARE = 0.7
"""What is left of the width when the endpoint is busy (the share that CUBIC keeps)."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long one call is tried again.

    Args:
        tries: Requests for one call, the first included.
        deadline: Seconds for all of them.
        first_wait: Seconds before the second try; doubled each time, with jitter.
        longest_wait: Seconds beyond which a wait does not grow.
    """

    tries: int = 8
    deadline: float = 600.0
    first_wait: float = 0.5
    longest_wait: float = 30.0

    def wait(self, tries: int) -> float:
        """Seconds to wait after that many tries, drawn between half and all of the step."""
        step = min(self.longest_wait, self.first_wait * 2.0 ** (tries - 1))
        return step * random.uniform(0.5, 1.0)


class Pace:
    """That many units a minute, spread evenly (a leaky bucket that holds one second)."""

    def __init__(self, per_minute: float) -> None:
        self._seconds_each = 60.0 / per_minute
        self._full_at = 0.0

    def take(self, units: float) -> float:
        """Book units and return the seconds to wait before using them."""
        now = monotonic()
        wait = max(0.0, self._full_at - now - 1.0)
        self.adjust(units, now)
        return wait

    def adjust(self, units: float, now: float | None = None) -> None:
        """Book more units, or fewer, than were taken."""
        start = max(self._full_at, now or monotonic())
        self._full_at = start + units * self._seconds_each


class Limits:
    """The places at one endpoint, shared by all calls to it. For one event loop at a time.

    Args:
        concurrency: Calls at once when all goes well.
        rpm: Requests a minute.
        tpm: Tokens a minute.
        patience: How long a call is tried again.
        scout: Seconds that the first call goes alone at most; it ends with the first answer.
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
        """Calls that may be open now."""
        return int(self._width)

    def place(self) -> Place:
        """A place for one call, to be used with `async with`."""
        return Place(self)

    async def enter(self, *, again: bool = False) -> None:
        """Wait for a place; a call that tries again goes before new ones.

        Raises:
            FabulaError: What stopped the endpoint for good.
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
        """Give the place to the next call."""
        self._open -= 1
        self._admit()

    async def pace(self, tokens: int) -> None:
        """Wait until one more request of that many tokens is within the rates. Needs a place."""
        wait = self._requests.take(1) if self._requests else 0.0
        if self._tokens:
            wait = max(wait, self._tokens.take(tokens))
        until = monotonic() + wait
        while (now := monotonic()) < max(until, self._resume_at):
            await asyncio.sleep(max(until, self._resume_at) - now)
        if self._stopped:
            raise self._stopped

    def went_well(self, expected_tokens: int, tokens: int | None) -> None:
        """Note an answer: the width grows, the token rate learns the real size."""
        self._open_up()
        step = 1.0 / self._width if self._narrowed_at else 1.0
        self._width = min(self.concurrency, self._width + step)
        if self._tokens and tokens is not None:
            self._tokens.adjust(tokens - expected_tokens)
        self._admit()

    def was_busy(self, sent_at: float, pause: float) -> None:
        """Note that the endpoint is busy: cut the width, and pause all when it asks for it.

        Requests that were sent before the last cut say nothing new.
        """
        now = monotonic()
        if sent_at >= self._narrowed_at:
            self._width = max(1.0, self._width * KEPT_SHARE)
            self._narrowed_at = now
        self._resume_at = max(self._resume_at, now + pause)

    def stop(self, error: FabulaError) -> None:
        """Stop everything: every waiting and coming call raises this one error."""
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
            # The place may have been given in the same tick in which the call was cancelled.
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
    """One call's place, from its first request to its reply."""

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
        """Let others go first for a while, then take a place again before new calls."""
        self._taken = False
        self._limits.leave()
        await asyncio.sleep(seconds)
        await self._limits.enter(again=True)
        self._taken = True
