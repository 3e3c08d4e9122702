"""What well-known models cost, for estimates and budgets.

List prices in US dollars for a million tokens, without discounts for caches or batches. Models
that are not listed have no price here, and their cost is shown as unknown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from fabula.llm.chat import Usage
from fabula.llm.presets import PRESETS

PRICES_DATED = "2025-11"


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens in and out."""

    prompt: float
    completion: float

    def cost(self, usage: Usage) -> float | None:
        """The cost of that many tokens; None where they were not counted."""
        if usage.prompt_tokens is None or usage.completion_tokens is None:
            return None
        return (
            usage.prompt_tokens * self.prompt + usage.completion_tokens * self.completion
        ) / 1_000_000

    def halved(self) -> Price:
        """The price in a batch."""
        return Price(self.prompt / 2, self.completion / 2)


FREE = Price(0.0, 0.0)

_TABLE = """
gpt-4o 2.50 10.00
gpt-4o-mini 0.15 0.60
gpt-4.1 2.00 8.00
gpt-4.1-mini 0.40 1.60
gpt-4.1-nano 0.10 0.40
gpt-5 1.25 10.00
gpt-5-mini 0.25 2.00
gpt-5-nano 0.05 0.40
o3 2.00 8.00
o3-mini 1.10 4.40
o4-mini 1.10 4.40
text-embedding-3-small 0.02 0.00
text-embedding-3-large 0.13 0.00
claude-3-5-haiku 0.80 4.00
claude-3-5-sonnet 3.00 15.00
claude-3-7-sonnet 3.00 15.00
claude-haiku-4-5 1.00 5.00
claude-sonnet-4 3.00 15.00
claude-sonnet-4-5 3.00 15.00
claude-opus-4 15.00 75.00
claude-opus-4-1 15.00 75.00
gemini-2.0-flash 0.10 0.40
gemini-2.5-flash-lite 0.10 0.40
gemini-2.5-flash 0.30 2.50
gemini-2.5-pro 1.25 10.00
mistral-small 0.10 0.30
mistral-medium 0.40 2.00
mistral-large 2.00 6.00
llama-3.1-8b-instant 0.05 0.08
llama-3.3-70b-versatile 0.59 0.79
"""
PRICES = {
    name: Price(float(prompt), float(completion))
    for name, prompt, completion in (line.split() for line in _TABLE.strip().splitlines())
}


def price_of(name: str) -> Price | None:
    """The price of a model by the name that users give it, or None when it is not known.

    Examples:
        >>> price_of("openai:gpt-4o-mini-2024-07-18")
        Price(prompt=0.15, completion=0.6)
        >>> price_of("ollama:qwen3")
        Price(prompt=0.0, completion=0.0)
    """
    provider, _, model = name.partition("?")[0].partition(":")
    if provider in ("fake", "local") or (provider in PRESETS and PRESETS[provider].free):
        return FREE
    if provider not in PRESETS:
        return None
    # Gateways put the vendor before the name, vendors a date or `latest` after it.
    bare = re.sub(r"-(latest|preview|\d{4}(-\d\d-\d\d|\d{4})|\d{4})$", "", model.split("/")[-1])
    return PRICES.get(bare)
