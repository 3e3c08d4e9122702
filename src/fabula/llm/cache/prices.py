"""Prices of well-known models, for estimates and budgets.

List prices in US dollars per million tokens, without cache or batch discounts, from the package
`genai-prices`; `make lock` updates them. The cost of unlisted models is shown as unknown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from urllib.parse import urlsplit

from fabula.llm.client.chat import Usage
from fabula.llm.client.presets import COMPATIBLE, is_this_machine, known_provider


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million input and output tokens, and per call."""

    prompt: float
    completion: float
    call: float = 0.0

    def cost(self, usage: Usage) -> float | None:
        """The cost of a call; None if tokens cost something and were not counted."""
        if self.call and not self.prompt and not self.completion:
            return self.call
        if usage.prompt_tokens is None or usage.completion_tokens is None:
            return None
        tokens = usage.prompt_tokens * self.prompt + usage.completion_tokens * self.completion
        return self.call + tokens / 1_000_000

    def halved(self) -> Price:
        """The price in a batch."""
        return Price(self.prompt / 2, self.completion / 2, self.call / 2)


FREE = Price(0.0, 0.0)
_ENDING = re.compile(r"-(latest|preview|\d{4}(-\d\d-\d\d|\d{4})|\d{4})$")


@cache
def _prices() -> tuple[str, dict[tuple[str, str], Price]]:
    """The month of the list, and its prices by vendor and model."""
    head, *lines = files("fabula.llm.cache").joinpath("prices.txt").read_text("utf-8").splitlines()
    found = re.search(r"\d{4}-\d\d", head)
    rows = (line.split(" ") for line in lines)
    return found[0] if found else "", {
        (vendor, name): Price(float(prompt), float(completion))
        for vendor, name, prompt, completion in rows
    }


def prices_dated() -> str:
    """The month of the list prices, such as `2026-11`."""
    return _prices()[0]


def price_of(name: str, address: str = "") -> Price | None:
    """The price of a model by the name that users give it, or None if unknown.

    Args:
        name: `PROVIDER:NAME`.
        address: The server's address. A server on this machine costs nothing, unless it offers a
            listed model and so may forward its calls.

    Examples:
        >>> price_of("openai:gpt-4o-mini-2024-07-18")
        Price(prompt=0.15, completion=0.6, call=0.0)
        >>> price_of("ollama:qwen3")
        Price(prompt=0.0, completion=0.0, call=0.0)
        >>> price_of("openai-compatible:my-model", "http://127.0.0.1:8000/v1")
        Price(prompt=0.0, completion=0.0, call=0.0)
    """
    provider, _, model = name.partition("?")[0].partition(":")
    known = known_provider(provider)
    if known and model in known.prices:
        return Price(*known.prices[model])
    if (known and known.free) or (provider == "openrouter" and model[-5:] == ":free"):
        return FREE
    if provider == COMPATIBLE and is_this_machine(
        urlsplit(address.split(" ", maxsplit=1)[0]).hostname or ""
    ):
        return _listed("openai", model) or FREE
    return _listed(provider, model)


def _listed(vendor: str, model: str) -> Price | None:
    """A list price; a date or `latest` after the model's name is optional."""
    prices = _prices()[1]
    bare = _ENDING.sub("", model)
    names = (model, bare, f"{bare}-latest")
    return next((prices[vendor, name] for name in names if (vendor, name) in prices), None)
