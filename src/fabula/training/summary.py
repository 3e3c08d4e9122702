"""Sets for training in a few lines: files, tokens, cost."""

from __future__ import annotations

from fabula.llm.cache.prices import prices_dated
from fabula.render import amounts
from fabula.training.export import Export


def export_text(made: Export) -> str:
    """What was written, what was left out, and about how many tokens it has."""
    files = ", ".join(f"`{file.path}` ({file.rows:,})" for file in made.files)
    lines = [f"Wrote {files}"]
    lines += [f"left out {count:,}: {reason}" for reason, count in made.left_out.items()]
    empty = ", ".join(f"`{file.path.name}`" for file in made.files if not file.rows)
    if empty and made.asked:
        lines.append(f"nothing is left for {empty}: too few different inputs for these shares")
    tokens = made.tokens
    if tokens is not None:
        costs = tokens.costs().items()
        listed = ", ".join(f"{name} {amounts.money(cost)}" for name, cost in costs)
        lines.append(
            f"about {amounts.large(tokens.total)} tokens, the longest example {tokens.longest:,}"
            f" (estimates) · sent once: {listed} (list prices of {prices_dated()})"
        )
    return "\n".join(lines)
