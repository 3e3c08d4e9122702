"""What models would be asked, as text: each prompt, then calls, tokens and cost."""

from __future__ import annotations

from fabula.llm.cache.prices import FREE, prices_dated
from fabula.llm.providers.dry_run import Rehearsal, RehearsedCall
from fabula.render import amounts, grid


def call_text(number: int, call: RehearsedCall) -> str:
    """One call: its number, its model and its messages."""
    tokens = call.usage.prompt_tokens or 0
    about = f"── call {number:,} · {call.model} · about {amounts.count(tokens, 'token')}"
    shape = " · reply as JSON of a given schema" if call.request.schema else ""
    messages = (f"[{message.role}]\n{message.content}" for message in call.request.messages)
    return "\n".join([about + shape, *messages, ""])


def rehearsal_text(rehearsal: Rehearsal) -> str:
    """The sum of all calls, by model."""
    rows = [("model", "calls", "tokens sent", "tokens received", "cost")]
    for model, usage in rehearsal.usage.items():
        price = rehearsal.prices[model]
        cost = price.cost(usage) if price else None
        rows.append(
            (
                model,
                f"{rehearsal.counts[model]:,}",
                f"~{usage.prompt_tokens or 0:,}",
                f"~{usage.completion_tokens or 0:,}",
                "price unknown" if cost is None else f"~{amounts.money(cost)}",
            )
        )
    note = (
        "Nothing was called. Values that a model would have written are stand-ins in these prompts."
        "\nRetries come on top; replies in the ledger are free."
    )
    if any(price not in (None, FREE) for price in rehearsal.prices.values()):
        note += f" Costs are by list prices of {prices_dated()}."
    return "\n".join([*grid.lines(rows, right=(False, True, True, True, True)), "", note])
