"""What a run asked of a model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from fabula.llm.client.chat import Usage


@dataclass(frozen=True)
class ModelUsage:
    """What was asked of one model.

    Attributes:
        model: The model's name.
        identity: What it is: endpoint and model name; `fake` for made-up replies.
        calls: Calls made.
        cached: Replies that came from the ledger instead.
        prompt_tokens: Tokens sent, where the endpoint says.
        completion_tokens: Tokens received, where the endpoint says.
        cost: Price in USD; None where no price is known.
        modes: How structure was asked for, and how often.
        notes: What else happened on the way (cut replies, ignored columns), and how often.
        programs: Source of the functions that it wrote, by table and column.
    """

    model: str
    identity: str
    calls: int = 0
    cached: int = 0
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cost: float | None = None
    modes: Mapping[str, int] = field(default_factory=dict)
    notes: Mapping[str, int] = field(default_factory=dict)
    programs: Mapping[str, str] = field(default_factory=dict)

    def __add__(self, other: ModelUsage) -> ModelUsage:
        tokens = Usage(self.prompt_tokens, self.completion_tokens) + Usage(
            other.prompt_tokens, other.completion_tokens
        )
        costs = [cost for cost in (self.cost, other.cost) if cost is not None]
        return ModelUsage(
            self.model,
            self.identity,
            calls=self.calls + other.calls,
            cached=self.cached + other.cached,
            prompt_tokens=tokens.prompt_tokens,
            completion_tokens=tokens.completion_tokens,
            cost=sum(costs) if costs else None,
            modes=dict(Counter(self.modes) + Counter(other.modes)),
            notes=dict(Counter(self.notes) + Counter(other.notes)),
            programs={**self.programs, **other.programs},
        )
