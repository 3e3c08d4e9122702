"""Sets for training in a few lines: files, tokens, cost, and what asking for them will take."""

from __future__ import annotations

from fabula.llm.prices import PRICES_DATED
from fabula.reports import amounts
from fabula.texts.asking import Forecast
from fabula.texts.exports.export import Export

SHOWN_MODELS = ("gpt-4o-mini", "gpt-4o", "claude-haiku-4-5", "gemini-2.5-flash")


def export_text(made: Export) -> str:
    """What was written, what was left out, and about how many tokens it has."""
    files = ", ".join(f"`{file.path}` ({file.rows:,})" for file in made.files)
    lines = [f"Wrote {files}"]
    lines += [f"left out {count:,}: {reason}" for reason, count in made.left_out.items()]
    tokens = made.tokens
    if tokens is not None:
        costs = tokens.costs()
        listed = ", ".join(f"{name} {amounts.money(costs[name])}" for name in SHOWN_MODELS)
        lines.append(
            f"about {amounts.large(tokens.total)} tokens, the longest example {tokens.longest:,}"
            f" (estimates) · sent once: {listed} (list prices of {PRICES_DATED})"
        )
    return "\n".join(lines)


def forecast_text(seen: Forecast) -> str:
    """The first prompt of a job, and what the whole job will take."""
    low, high = seen.calls
    cost = "cost unknown"
    if seen.cost is not None:
        cost = f"{amounts.money(seen.cost[0])} to {amounts.money(seen.cost[1])}"
    tokens = " to ".join(amounts.large(count) for count in seen.tokens)
    return (
        f"{seen.prompt}\n\n{seen.model}: {low:,} to {high:,} calls · about {tokens} tokens · {cost}"
        " · later prompts also name what was used; nothing was asked"
    )
