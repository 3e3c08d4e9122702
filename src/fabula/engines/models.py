"""Columns that a language model fills: `llm` columns of a table together, `text` row by row."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np

from fabula.engines.asked_rules import answer_check, told_rules
from fabula.engines.block import Array, Block, GroupEngine, Loss, rows_of, with_share_missing
from fabula.engines.fields import column_of, row_field
from fabula.engines.made import RowsCall
from fabula.engines.prose import prose_and_rules
from fabula.engines.reasoning import KEPT, is_kept, keep
from fabula.engines.templates import render
from fabula.engines.usage import ModelUsage
from fabula.errors import UsageError
from fabula.kinds.judge import Judge
from fabula.kinds.llm import Llm
from fabula.kinds.text import Text
from fabula.llm.cache.batched import Batched
from fabula.llm.cache.prices import price_of
from fabula.llm.client.chat import VERDICTS, ChatModel, ChatReply, ChatRequest, Usage
from fabula.llm.rows.ask import ask_rows_sync
from fabula.llm.rows.job import Asked, RowField, RowsJob
from fabula.llm.rows.sync import run_sync
from fabula.planning.columns import joint_groups
from fabula.planning.estimate import model_name
from fabula.planning.plan import ColumnPlan, TablePlan
from fabula.spec.tables import DatasetSpec, ModelSpec


class Models:
    """The models of a run, opened when first needed, and what was asked of them."""

    def __init__(
        self,
        spec: DatasetSpec,
        open_model: Callable[[str | ModelSpec], ChatModel] | None,
        on_rows: Callable[[str, int], None] | None,
    ) -> None:
        self.spec = spec
        self._open = open_model
        self._on_rows = on_rows
        self._opened: dict[str, ChatModel] = {}
        self._usage: dict[str, ModelUsage] = {}
        self._lock = threading.Lock()

    def ask(
        self, name: str, job: RowsJob, *, table: str, role: str = ""
    ) -> tuple[Sequence[Any], Sequence[Asked]]:
        """Ask for rows, each a mapping of values or a `Loss`; also tells the calls that are kept.

        A role has its own account.
        """
        model = self._model(name)
        tell = None if self._on_rows is None else partial(self._on_rows, table)
        result = ask_rows_sync(model, job, on_rows=tell)
        self._count(
            f"{name} as {role}" if role else name,
            model,
            result.usage,
            calls=result.calls,
            cached=result.cached,
            modes=result.modes,
            notes=result.notes,
        )
        losses = {item.row: Loss(item.reason, item.raw, item.attempt) for item in result.rejects}
        stopped = result.error.message if result.error is not None else result.stalled
        unknown = Loss(stopped or "the model gave no usable value")
        rows = [losses.get(i, unknown) if row is None else row for i, row in enumerate(result.rows)]
        return rows, result.asked

    def complete(self, name: str, request: ChatRequest) -> ChatReply:
        """Ask one thing."""
        model = self._model(name)
        reply = run_sync(model.complete(request))
        cached = int(reply.cached)
        modes = {} if cached else {reply.mode: 1}
        self._count(name, model, reply.usage, calls=1 - cached, cached=cached, modes=modes)
        return reply

    def keep(self, name: str, column: str, source: str) -> None:
        """Note the function that a model wrote for a column."""
        with self._lock:
            past = self._usage[name]
            self._usage[name] = replace(past, programs={**past.programs, column: source})

    @property
    def row_class(self) -> type | None:
        """The class that the only table was made from, which has the last word on its rows."""
        return self.spec.source.row_class

    def usage(self) -> Mapping[str, ModelUsage]:
        """What was asked of each model so far."""
        return dict(self._usage)

    def spent(self) -> Mapping[str, ModelUsage]:
        """What was asked of each model since this was last called."""
        with self._lock:
            usage, self._usage = self._usage, {}
        return usage

    def close(self) -> None:
        """Release the models."""
        with self._lock:
            for model in self._opened.values():
                run_sync(model.close())
            self._opened.clear()

    def _model(self, name: str) -> ChatModel:
        with self._lock:
            if name not in self._opened:
                if self._open is None:
                    raise UsageError("no model can be opened here", code="model.closed")
                settings = self.spec.models.get(name, name)
                if isinstance(settings, str):
                    settings = self.spec.models.get(settings, settings)
                self._opened[name] = self._open(settings)
            return self._opened[name]

    def _count(
        self,
        name: str,
        model: ChatModel,
        usage: Usage,
        *,
        calls: int,
        cached: int,
        modes: Mapping[str, int],
        notes: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        with self._lock:
            past = self._usage.get(name, ModelUsage(model.name, model.identity))
            price = price_of(model.name, model.identity)
            if price is not None and isinstance(model, Batched):
                price = price.halved()
            total = past + ModelUsage(
                model.name,
                model.identity,
                calls,
                cached,
                usage.prompt_tokens,
                usage.completion_tokens,
                modes=modes,
                notes=notes,
            )
            tokens = Usage(total.prompt_tokens, total.completion_tokens)
            cost = None if price is None else price.cost(tokens)
            self._usage[name] = replace(total, cost=cost)


def model_engines(plan: TablePlan, models: Models) -> dict[str, GroupEngine]:
    """The engine of each column that a model fills; jointly asked columns share one."""
    engines: dict[str, GroupEngine] = {}
    for group in joint_groups(dict(plan.columns)).values():
        engines.update(dict.fromkeys(group, JointEngine(plan, group, models)))
    for name, column in plan.columns.items():
        if name not in engines and isinstance(column.spec, Llm | Text):
            engines[name] = PromptEngine(plan, name, models)
        if isinstance(column.spec, Judge):
            engines[name] = JudgeEngine(plan, name, models)
    return engines


@dataclass
class JointEngine:
    """Fills the `llm` columns of a block as one record a row."""

    plan: TablePlan
    group: tuple[str, ...]
    models: Models
    earlier: dict[int, list[Mapping[str, Any]]] = field(default_factory=dict)

    def __call__(self, block: Block) -> None:
        """Ask for the rows of a block, each with the values that it already has."""
        specs = {name: self._spec(name) for name in self.group}
        rows = wanted_rows(block)
        known = self.plan.columns[self.group[0]].needs
        table = self.plan.spec
        first = specs[self.group[0]]
        rules = answer_check(self.plan, self.group, block.values, self.models.row_class)
        job = RowsJob(
            subject=table.prompt or f"rows of a table named {table.name}",
            fields=tuple(row_field(name, spec) for name, spec in specs.items()),
            n=len(rows),
            given=_given(block, known, rows) or None,
            beside=_given(block, rules.needs, rows) or None,
            examples=table.examples,
            extra=told_rules(self.plan, self.group),
            rows_per_call=table.rows_per_call,
            check_row=rules.check,
            soft_row=rules.soft,
            soft_table=rules.table,
            reasoning=KEPT if any(is_kept(self.plan, name) for name in self.group) else "",
            sample=_asked_before(block),
            unique=self._unique(specs),
            used=[
                row for b, made in sorted(self.earlier.items()) if b < block.index for row in made
            ],
        )
        made = _answers(
            self.models, first, job, plan=self.plan, block=block, columns=self.group, rows=rows
        )
        self.earlier[block.index] = list(made.values())
        for name, spec in specs.items():
            values = {row: answer.get(name) for row, answer in made.items()}
            column = _filled(block, self.plan.columns[name], values)
            block.values[name] = with_share_missing(block, name, spec.nulls, column)
            if job.reasoning:
                keep(block, name, made)

    def _spec(self, name: str) -> Llm:
        spec = self.plan.columns[name].spec
        assert isinstance(spec, Llm)
        return spec

    def _unique(self, specs: Mapping[str, Llm]) -> tuple[tuple[str, ...], ...]:
        single = tuple((name,) for name, spec in specs.items() if spec.unique)
        groups = (self.plan.spec.primary_key, *self.plan.spec.unique)
        return single + tuple(group for group in groups if group and set(group) <= set(specs))


@dataclass
class PromptEngine:
    """Fills a column of a block with the answer to each row's own prompt."""

    plan: TablePlan
    name: str
    models: Models

    def __call__(self, block: Block) -> None:
        """Ask for one value per row."""
        column = self.plan.columns[self.name]
        spec = column.spec
        assert isinstance(spec, Llm | Text)
        template = spec.prompt
        assert template is not None
        rows = wanted_rows(block)
        where = f"tables.{self.plan.name}.columns.{self.name}.prompt"
        prompts = render(template, column.needs, block, where=where, rows=rows)
        rules = answer_check(self.plan, (self.name,), block.values, self.models.row_class)
        job = RowsJob(
            subject=self.plan.spec.prompt,
            fields=(self._field(spec),),
            n=len(rows),
            examples=spec.examples,
            unique=((self.name,),) if spec.unique else (),
            beside=_given(block, rules.needs, rows) or None,
            extra=told_rules(self.plan, (self.name,)),
            check_row=prose_and_rules(self.name, spec, rules.check),
            soft_row=rules.soft,
            soft_table=rules.table,
            reasoning=KEPT if is_kept(self.plan, self.name) else "",
            text=isinstance(spec, Text),
            prompts=prompts,
            sample=_asked_before(block),
        )
        made = _answers(
            self.models, spec, job, plan=self.plan, block=block, columns=(self.name,), rows=rows
        )
        values = {row: answer[self.name] for row, answer in made.items()}
        filled = _filled(block, column, values)
        block.values[self.name] = with_share_missing(block, self.name, spec.nulls, filled)
        if job.reasoning:
            keep(block, self.name, made)

    def _field(self, spec: Llm | Text) -> RowField:
        if isinstance(spec, Llm):
            return row_field(self.name, spec)
        return RowField(self.name, {"type": "string"}, spec.description)


@dataclass
class JudgeEngine:
    """Grades the rows of a block by a rubric: a yes or no, or the mean over its criteria."""

    plan: TablePlan
    name: str
    models: Models

    def __call__(self, block: Block) -> None:
        """Ask for one verdict a row."""
        column = self.plan.columns[self.name]
        spec = column.spec
        assert isinstance(spec, Judge)
        rows = wanted_rows(block)
        job = RowsJob(
            subject=f"{VERDICTS}. {_question(spec)}",
            fields=_grades(spec),
            n=len(rows),
            given=_given(block, spec.of, rows),
            temperature=0.0,
            sample=_asked_before(block),
        )
        made = _answers(
            self.models, spec, job, plan=self.plan, block=block, columns=(self.name,), rows=rows,
            role="judge",
        )  # fmt: skip
        values = {row: _verdict(spec, answer) for row, answer in made.items()}
        block.values[self.name] = _filled(block, column, values)


def _verdict(spec: Judge, answer: Mapping[str, Any]) -> Any:
    if not spec.criteria:
        return answer["verdict"]
    return sum(answer[name] for name in spec.criteria) / len(spec.criteria)


def _question(spec: Judge) -> str:
    if isinstance(spec.rubric, str):
        return f"The question, to be answered with true or false: {spec.rubric}"
    return "Grade each row by each criterion; the highest grade is best."


def _grades(spec: Judge) -> tuple[RowField, ...]:
    if not spec.criteria:
        return (RowField("verdict", {"type": "boolean"}, "whether the answer is yes"),)
    fields = []
    for name in spec.criteria:
        low, high = spec.scale(name)
        schema = {"type": "integer", "minimum": low, "maximum": high}
        fields.append(RowField(name, schema, spec.meaning(name)))
    return tuple(fields)


def _given(block: Block, names: Sequence[str], rows: Sequence[int]) -> list[dict[str, Any]]:
    """What some rows of a block hold already, in the columns named."""
    columns = {name: rows_of(block.values[name], rows) for name in names}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _answers(
    models: Models,
    spec: Llm | Text | Judge,
    job: RowsJob,
    *,
    plan: TablePlan,
    block: Block,
    columns: tuple[str, ...],
    rows: Sequence[int],
    role: str = "",
) -> dict[int, Mapping[str, Any]]:
    """The answers of a column's model by row; the block notes the rows that have none."""
    model = model_name(models.spec, plan, spec)
    found, calls = models.ask(model, job, table=plan.name, role=role)
    block.calls += [
        RowsCall(columns, tuple(block.start + rows[place] for place in call.rows), call.key)
        for call in calls
    ]
    both = list(zip(rows, found, strict=True))
    block.rejected.update({row: answer for row, answer in both if isinstance(answer, Loss)})
    return {row: answer for row, answer in both if not isinstance(answer, Loss)}


def _filled(block: Block, column: ColumnPlan, values: Mapping[int, Any]) -> Array:
    """A column of the block that holds these values by row, null elsewhere."""
    return column_of(column, [values.get(row) for row in range(block.rows)])


def _asked_before(block: Block) -> int:
    """A number that tells the requests of a repeated attempt from those of the first."""
    return block.attempt * 1_000_000


def wanted_rows(block: Block) -> list[int]:
    """Positions of the rows that are used and not lost yet."""
    rows = np.arange(block.rows) if block.wanted is None else np.flatnonzero(block.wanted)
    return [row for row in rows.tolist() if row not in block.rejected]
