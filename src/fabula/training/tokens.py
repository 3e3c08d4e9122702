"""How many tokens a set has, and what it costs to send it once, both as estimates.

Tokenisers differ from model to model by a tenth and more; the estimate takes four characters of
English for a token, and never fewer tokens than words.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fabula.llm.cache.budget import CHARACTERS_A_TOKEN
from fabula.llm.cache.prices import price_of
from fabula.llm.client.chat import Usage
from fabula.training.examples import Made

SHOWN_MODELS = (
    "openai:gpt-5-mini",
    "openai:gpt-4o-mini",
    "anthropic:claude-haiku-4-5",
    "gemini:gemini-2.5-flash",
)
"""Models whose price of a set is told."""
TURN_TOKENS = 4
"""Tokens that a chat format adds to each turn."""


@dataclass(frozen=True)
class TokenCount:
    """Tokens of a set, estimated: of systems and users, of assistants, of the longest example."""

    prompt: int = 0
    completion: int = 0
    longest: int = 0

    @property
    def total(self) -> int:
        """All tokens."""
        return self.prompt + self.completion

    def costs(self) -> dict[str, float]:
        """US dollars to send the inputs and receive the outputs once, at list prices, by model."""
        usage = Usage(self.prompt, self.completion)
        prices = {name.partition(":")[2]: price_of(name) for name in SHOWN_MODELS}
        costs = {name: price.cost(usage) for name, price in prices.items() if price}
        return {name: cost for name, cost in costs.items() if cost is not None}


def tokens_of(text: str) -> int:
    """About how many tokens a text has.

    Examples:
        >>> tokens_of("A mug that keeps coffee warm.")
        8
    """
    return max(len(text.split()), -(-len(text.encode()) // CHARACTERS_A_TOKEN) if text else 0)


def count_tokens(made: Iterable[Made]) -> TokenCount:
    """The tokens of the lines of a set."""
    prompt = completion = longest = 0
    for each in made:
        asked, answered = (
            sum(tokens_of(text) + TURN_TOKENS for text in texts)
            for texts in (each.prompts, each.answers)
        )
        prompt += asked
        completion += answered
        longest = max(longest, asked + answered)
    return TokenCount(prompt, completion, longest)
