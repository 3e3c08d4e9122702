"""A plan as text and as plain values: what a run would make, ask and cost."""

from __future__ import annotations

from typing import Any

from fabula.llm.cache.prices import prices_dated
from fabula.llm.client.permission import sent
from fabula.planning.plan import ModelCalls, Plan, TablePlan
from fabula.render import amounts, grid


def plan_text(plan: Plan) -> str:
    """Order, rows and references of each table; what each model is asked; the sum."""
    rows = [("table", "rows", "columns", "references")]
    rows += [
        (table.name, _rows(table), str(len(table.spec.written)), _references(table))
        for table in plan.tables
    ]
    parts = ["Order: " + " → ".join(plan.order)]
    parts.append("\n".join(f"  {line}" for line in grid.lines(rows, right=(False, True, True))))
    if plan.calls:
        asked = [_call(call) for call in plan.calls]
        lines = [*grid.lines(asked), *_sends(plan)]
        parts.append("\n".join(["Models:", *(f"  {line}" for line in lines)]))
    parts.append(_sum(plan))
    return "\n\n".join(parts)


def plan_values(plan: Plan) -> dict[str, Any]:
    """The plan as JSON-ready values."""
    return {
        "name": plan.spec.name,
        "seed": plan.seed,
        "order": list(plan.order),
        "tables": {
            table.name: {
                "rows": table.rows,
                "exact": table.exact,
                "columns": list(table.spec.written),
                "references": {name: item.parent for name, item in table.references.items()},
            }
            for table in plan.tables
        },
        "models": [
            {
                "table": call.table,
                "model": call.model,
                "columns": list(call.columns),
                "rows": call.rows,
                "calls": list(call.calls),
                "tokens": list(call.tokens),
                "cost_usd": list(call.cost) if call.cost else None,
                "seconds": list(call.seconds),
            }
            for call in plan.calls
        ],
        "sends": _sends(plan),
        "bytes": plan.bytes,
        "seconds": plan.seconds,
    }


def _sends(plan: Plan) -> list[str]:
    """What leaves the environment, and where to: variables that models of the spec get."""
    lines = []
    for name in dict.fromkeys(call.model for call in plan.calls):
        model = plan.spec.models.get(name)
        if model is None or isinstance(model, str):
            continue
        host, variables = sent(model.base_url, model.api_key_env, model.headers)
        host = host or f"{model.provider}'s own host"
        lines += [f"sends ${variable} to {host}" for variable in variables]
    return list(dict.fromkeys(lines))


def _rows(table: TablePlan) -> str:
    return amounts.count(table.rows) if table.exact else f"~{amounts.count(table.rows)}"


def _references(table: TablePlan) -> str:
    return ", ".join(f"{name} → {item.parent}" for name, item in table.references.items())


def _call(call: ModelCalls) -> tuple[str, ...]:
    cost = amounts.span(*call.cost, amounts.money) if call.cost else "price unknown"
    return (
        call.model,
        f"{call.table}: {', '.join(call.columns)}",
        amounts.span(*call.calls, lambda calls: f"{round(calls):,} calls"),
        amounts.span(*call.tokens, amounts.large) + " tokens",
        cost,
        amounts.span(*call.seconds, amounts.duration),
    )


def _paid(call: ModelCalls) -> bool:
    return call.cost is not None and call.cost[1] > 0


def _sum(plan: Plan) -> str:
    rows = sum(table.rows for table in plan.tables)
    about = "" if all(table.exact for table in plan.tables) else "about "
    time = amounts.duration(plan.seconds)
    time = time if time.startswith("<") else f"about {time}"
    parts = [
        f"{about}{amounts.count(rows, 'row')}",
        f"{amounts.size(plan.bytes)} of values",
        time + (" besides model calls" if plan.calls else ""),
        f"seed {plan.seed}",
        *([f"list prices of {prices_dated()}"] if any(_paid(call) for call in plan.calls) else ()),
        "nothing was called or written",
    ]
    return "Total: " + " · ".join(parts)
