"""Files that a model makes, asked again while they are refused, broken or other than wanted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from fabula.errors import UsageError
from fabula.llm.client.chat import ChatModel, ChatRequest, Message
from fabula.llm.providers.media import MediaModel
from fabula.llm.rows.sync import run_sync
from fabula.media.probing import UnreadableError

Key = TypeVar("Key")
Open = Callable[[ChatModel], ChatModel]
"""Puts a model behind the run's ledger and budget."""
_PRICE = (
    "say what one costs, in an entry under `models:` of the spec: `price_per_file: 0.04`; "
    "or limit `max_calls`"
)
_MOST = 100
"""Replies about one file at most, those of earlier runs included."""


@dataclass(frozen=True)
class Found:
    """What came of a request: the digest of the bytes, or why there are none.

    Attributes:
        digest: The bytes; empty where there are none.
        tries: How often they were asked for.
        problem: The last refusal or fault, if any.
        calls: The keys of these requests in the ledger.
    """

    digest: str
    tries: int
    problem: str = ""
    calls: tuple[str, ...] = ()


class Asker:
    """Asks one model for files and judges them.

    Args:
        model: The model.
        open_model: Puts it behind the ledger and the budget.
        judge: Raises `UnreadableError` for bytes that are not what is wanted.
        retries: How often a file is asked for again.
    """

    def __init__(
        self,
        model: MediaModel,
        open_model: Open,
        judge: Callable[[bytes], object],
        retries: int,
    ) -> None:
        self.model = model
        self._asked: ChatModel = open_model(model) if model.is_recorded else model
        self._judge, self._retries = judge, retries

    def all_found(self, wanted: Mapping[Key, tuple[str, int]]) -> dict[Key, Found]:
        """Ask for files at the same time: a text each, and a number that tells equal ones apart.

        Raises:
            FabulaError: The endpoint can't be used, or the budget is spent; what came is kept.
        """

        async def every() -> list[Found | BaseException]:
            # A fault of one must not lose the others, which are paid for.
            tasks = (self._one(text, number) for text, number in wanted.values())
            return await asyncio.gather(*tasks, return_exceptions=True)

        found = {}
        for key, each in zip(wanted, run_sync(every()), strict=True):
            if isinstance(each, BaseException):
                if isinstance(each, UsageError) and each.code == "budget.unknown-price":
                    each.hint = _PRICE
                raise each
            found[key] = each
        return found

    def content(self, found: Found) -> bytes:
        """The bytes of a file that was found."""
        content = self.model.blobs.find(found.digest)
        assert content is not None  # it was read when it was found
        return content

    def close(self) -> None:
        """Release the connections."""
        run_sync(self.model.close())

    async def _one(self, text: str, number: int) -> Found:
        """Ask until a file is right, or there are no tries left.

        Faults of earlier runs are in the ledger and don't count, so the same command tries again.
        """
        problem, asked, tries = "", 0, 0
        calls: list[str] = []
        for tries in range(1, _MOST + 1):
            sample = number * _MOST + tries - 1
            request = ChatRequest((Message("user", text),), sample=sample, purpose=self.model.makes)
            reply = await self._asked.complete(request)
            asked += not reply.cached
            calls += [reply.key] if reply.key else []
            problem = self._fault(reply.text) if reply.text else reply.problem
            if not problem:
                return Found(reply.text, tries, calls=tuple(calls))
            if asked > self._retries:
                break
        return Found("", tries, problem, tuple(calls))

    def _fault(self, digest: str) -> str:
        """What is wrong with a file; empty if nothing is."""
        content = self.model.blobs.find(digest)
        if content is None:
            return "its bytes are not among the kept files any more"
        try:
            self._judge(content)
        except UnreadableError as exc:
            return f"the file {exc}"
        return ""
