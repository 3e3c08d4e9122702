"""What endpoints have shown to accept, so that a refusal is paid for once and not at every call."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from fabula.llm.verdicts import Rejection

Mode = Literal["json_schema", "tools", "json_object", "prompt"]
LADDER: tuple[Mode, ...] = ("json_schema", "tools", "json_object", "prompt")
_LOG = logging.getLogger(__name__)
_HABITS: dict[str, Habits] = {}
_UNSUPPORTED = re.compile(
    r"not (currently )?support|unsupported|unrecogni[sz]ed|unknown|not permitted|not allowed|"
    r"extra (inputs|fields)|does not (support|accept)|only the default|deprecated",
    re.I,
)


@dataclass
class Habits:
    """What an endpoint has shown to accept; shared by all models of one identity."""

    mode: Mode | None = None
    left_out: set[str] = field(default_factory=set)
    tokens_name: str = "max_tokens"

    def learn(self, rejection: Rejection, payload: Mapping[str, Any]) -> bool:
        """Take a lesson about a sampling parameter from a refusal; False when it is none."""
        words = f"{rejection.param} {rejection.message}"
        if "max_tokens" in payload and "max_completion_tokens" in words:
            self.tokens_name = "max_completion_tokens"
            return True
        if not _UNSUPPORTED.search(words):
            return False
        optional = payload.keys() & {"temperature", "top_p", "min_p", "seed", "stop"}
        named = {name for name in optional if re.search(rf"\b{name}\b", words)}
        for name in named - self.left_out:
            _LOG.warning("the endpoint does not take `%s`; it is left out from now on", name)
        self.left_out |= named
        return bool(named)


def habits_of(identity: str) -> Habits:
    """The habits of one endpoint and model, shared by all who talk to it in this process."""
    return _HABITS.setdefault(identity, Habits())


def forget_habits(address: str) -> None:
    """Forget what the models at an address accept, as when another server takes it over."""
    for identity in [identity for identity in _HABITS if identity.startswith(f"{address} ")]:
        del _HABITS[identity]
