"""What a run will take: rows, bytes, seconds, and calls, tokens and money of models."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa

from fabula.kinds.base.columns import AbstractFilled
from fabula.kinds.image import Image
from fabula.kinds.llm import Llm
from fabula.kinds.program import Program
from fabula.kinds.speech import Speech
from fabula.kinds.text import Text
from fabula.kinds.video import Video
from fabula.llm.cache.prices import price_of
from fabula.llm.client.presets import known_provider
from fabula.planning.plan import ModelCalls, TablePlan
from fabula.spec.models import ModelSpec
from fabula.spec.tables import DatasetSpec

_STRING_BYTES = 16
_VALUES_PER_SECOND = 8_000_000
"""Values generated and encoded to Parquet in a second on one core, a cautious figure."""

_TOKENS_PER_WORD = 1.4
_PROMPT_TOKENS = 150
_FIELD_TOKENS = (6, 20)
_RETRY_SHARE = 0.3
_PROGRAM_TOKENS = (500, 200)
"""Tokens of a request for a column's function, and of the function."""
PROGRAM_REPAIRS = 3
"""How often a function that fails goes back to its model."""
_PICTURE, _CLIP = (5.0, 40.0), (30.0, 600.0)
"""Seconds that one picture takes, and one clip: at least, at most."""
_SECONDS = (0.5, 4.0)
"""How long a call takes if nobody knows: at least, at most."""


def estimate_bytes(tables: Iterable[TablePlan]) -> int:
    """Expected size of all values in memory form, bytes."""
    return sum(
        table.rows * sum(_width(table.columns[name].type) for name in table.spec.written)
        for table in tables
    )


def estimate_seconds(tables: Iterable[TablePlan]) -> float:
    """Expected time of generation without model calls, seconds."""
    return sum(table.rows * len(table.columns) for table in tables) / _VALUES_PER_SECOND


def estimate_calls(spec: DatasetSpec, tables: Iterable[TablePlan]) -> Iterator[ModelCalls]:
    """What each table asks of each model, before the ledger's hits are subtracted."""
    for table in tables:
        groups: dict[tuple[str, bool], list[str]] = {}
        for name, plan in table.columns.items():
            if isinstance(plan.spec, Program):
                yield _program_calls(spec, table, name, plan.spec)
            if isinstance(plan.spec, Image | Speech | Video) and plan.spec.model is not None:
                calls = (table.rows, table.rows * (1 + plan.spec.retries))
                each = _CLIP if isinstance(plan.spec, Video) else _PICTURE
                pace = (calls[0] * each[0] / 8, calls[1] * each[1] / 8)
                cost = _cost_of_files(spec, plan.spec.model, calls)
                if is_fake(spec, plan.spec.model):
                    pace, cost = (0.0, 0.0), (0.0, 0.0)
                yield ModelCalls(
                    table.name, plan.spec.model, (name,), table.rows, calls, (0, 0), cost, pace
                )
            if isinstance(plan.spec, AbstractFilled):
                model = model_name(spec, table, plan.spec)
                joint = isinstance(plan.spec, Llm) and plan.spec.prompt is None
                groups.setdefault((model, joint), []).append(name)
        for (model, joint), names in groups.items():
            yield _calls(spec, table, model, names, joint=joint)


def model_name(spec: DatasetSpec, table: TablePlan, column: AbstractFilled | Program) -> str:
    """The model that fills a column: its own, its table's, the default, else `local`."""
    named = column.model or table.spec.model
    return named or ("default" if "default" in spec.models else "local")


def named_model(spec: DatasetSpec, model: str) -> str:
    """A model of the spec as `provider:name`."""
    settings = spec.models.get(model, model)
    return settings if isinstance(settings, str) else f"{settings.provider}:{settings.name}"


def is_fake(spec: DatasetSpec, model: str) -> bool:
    """Whether a model of the spec is the fake one."""
    return named_model(spec, model).partition(":")[0] == "fake"


def _address(spec: DatasetSpec, model: str) -> str:
    """The address that the spec gives a model; empty if it gives none."""
    settings = spec.models.get(model, model)
    return "" if isinstance(settings, str) else settings.base_url or ""


def _cost_of_files(
    spec: DatasetSpec, model: str, calls: tuple[int, int]
) -> tuple[float, float] | None:
    """What pictures or recordings cost: at least, at most; None where the spec gives no price."""
    settings = spec.models.get(model)
    each = settings.price_per_file if isinstance(settings, ModelSpec) else None
    return None if each is None else (calls[0] * each, calls[1] * each)


def _pace(model: str) -> tuple[float, float]:
    """Seconds that a call of `provider:name` takes: at least, at most."""
    provider = known_provider(model.partition(":")[0])
    return provider.seconds if provider else _SECONDS


def _program_calls(
    spec: DatasetSpec, table: TablePlan, column: str, program: Program
) -> ModelCalls:
    """The calls for one column's function: one, and its repairs; the rows need none."""
    model = model_name(spec, table, program)
    named = named_model(spec, model)
    calls = (1, 1 + PROGRAM_REPAIRS)
    tokens = (calls[0] * sum(_PROGRAM_TOKENS), calls[1] * 2 * sum(_PROGRAM_TOKENS))
    price = price_of(named, _address(spec, model))
    cost = None
    if price is not None:
        each = _PROGRAM_TOKENS[0] * price.prompt + _PROGRAM_TOKENS[1] * price.completion
        cost = (calls[0] * each / 1e6, calls[1] * 2 * each / 1e6)
    pace = _pace(named)
    seconds = (calls[0] * pace[0], calls[1] * pace[1])
    return ModelCalls(table.name, model, (column,), table.rows, calls, tokens, cost, seconds)


def _calls(
    spec: DatasetSpec, table: TablePlan, model: str, names: list[str], *, joint: bool
) -> ModelCalls:
    named = named_model(spec, model)
    kind = named.partition(":")[0]
    per_call = 1 if kind == "local" or not joint else (table.spec.rows_per_call or 10)
    low = -(-table.rows // per_call) * (1 if joint else len(names))
    high = round(low * (1 + _RETRY_SHARE)) + (1 if low else 0)
    words = [_reply_tokens(table.columns[name].spec) for name in names]
    reply = tuple(sum(part[i] for part in words) * table.rows for i in (0, 1))
    tokens = (low * _PROMPT_TOKENS + reply[0], high * 2 * _PROMPT_TOKENS + reply[1])
    prompt_cost = price_of(named, _address(spec, model))
    cost = None
    if prompt_cost is not None:
        cost = (
            (low * _PROMPT_TOKENS * prompt_cost.prompt + reply[0] * prompt_cost.completion) / 1e6,
            (2 * high * _PROMPT_TOKENS * prompt_cost.prompt + reply[1] * prompt_cost.completion)
            / 1e6,
        )
    pace = _pace(named)
    seconds = (low * pace[0] / 8, high * pace[1] / 8)
    return ModelCalls(
        table.name, model, tuple(names), table.rows, (low, high), tokens, cost, seconds
    )


def _reply_tokens(column: object) -> tuple[int, int]:
    if isinstance(column, Text):
        fewest = (column.min_words or 8) * _TOKENS_PER_WORD
        return round(fewest), round((column.max_words or 60) * _TOKENS_PER_WORD)
    return _FIELD_TOKENS


def _width(kind: pa.DataType) -> int:
    if pa.types.is_dictionary(kind):
        return 4
    try:
        return max(1, int(kind.bit_width) // 8)
    except ValueError:
        return _STRING_BYTES
