"""`fb.advise`: which synthesizer suits data, from a trial of each on a sample of the rows.

Each model learns the same rows. What it draws is compared with rows that none of them saw, so a
model that copies its rows gains nothing by it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path as FilePath
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pyarrow as pa
from typing_extensions import override

from fabula.errors import PrerequisiteError
from fabula.evaluation.metrics.detection import told_apart
from fabula.evaluation.metrics.frames import Frames, prepare
from fabula.evaluation.metrics.pairs import compared_pairs
from fabula.evaluation.metrics.shapes import column_scores
from fabula.io.arrays import array_of
from fabula.io.notes import without_notes
from fabula.io.places import make_folder, write_text
from fabula.io.tables import UNNAMED, as_table, forms_in
from fabula.render.amounts import duration, large, percent
from fabula.render.grid import lines
from fabula.render.results import Result
from fabula.streams import stream
from fabula.synthesizers.asked_of_fit import check_amounts, check_sensitive
from fabula.synthesizers.catalogue import DEFAULT, SYNTHESIZERS, check_seed
from fabula.synthesizers.codecs.codec import PROTECTED_ROWS
from fabula.synthesizers.codecs.learning import FEWEST_ROWS, Columns
from fabula.synthesizers.codecs.trees import with_trees
from fabula.synthesizers.conditions import Asked, Part
from fabula.synthesizers.constraints.finding import learned_relations
from fabula.synthesizers.constraints.relations import Relations
from fabula.synthesizers.entry import SynthesizerEntry
from fabula.synthesizers.fitting import PRIVATE, usable_relations
from fabula.synthesizers.model import CodeModel
from fabula.synthesizers.pictures.reading import refuse_pictures
from fabula.synthesizers.sampling import Sampler
from fabula.types import Path, TableLike

MOST_LEARNED, MOST_APART = 4_000, 2_000
"""Rows that models learn in a trial, and rows that their own are compared with, at most."""

EQUAL = 0.02
"""Models whose detection differs by less are taken to be as realistic as each other."""

MUCH_LONGER = 60.0
"""Seconds that a fit may take longer than that of a model that is as realistic."""

PART = 4
"""One in so many of these rows is learned first: how much longer do more rows take?"""

FEWEST_APART = 6
"""Rows that drawn ones are compared with, at least."""

FEW_ROWS = 600
"""Data of fewer rows says little in a trial."""

Made = TypeVar("Made")

_PRIVATE = "needs a privacy budget: `epsilon=1` (`--epsilon 1`)"
_NETWORK = "trains for minutes, and was less realistic than `boosted` on all data that was tried"


@dataclass(frozen=True)
class Trial:
    """What one model did.

    Attributes:
        model: Its name.
        detection: AUC of trees that tell its rows from real ones; 0.5 is a guess. None if rows or
            columns are too few.
        shapes: How much of each column's distribution overlaps with the real one, on average.
        pairs: How alike the relations of pairs of columns are, on average.
        seconds: What its fit took.
        all_rows: What a fit on all rows takes, about.
        rows_per_second: Rows that it draws.
    """

    model: str
    detection: float | None
    shapes: float | None
    pairs: float | None
    seconds: float
    all_rows: float
    rows_per_second: float


@dataclass(frozen=True)
class Advice(Result):
    """Which synthesizer suits data, and why.

    Attributes:
        model: Its name.
        why: The reason, a sentence.
        rows: Rows of the data.
        learned: Rows that each model learned in its trial.
        apart: Other rows, which its own were compared with.
        baseline: Detection of learned rows against these; real rows score that.
        trials: What each model did; empty where nothing had to be tried.
        untried: Why other models were not tried.
        left_out: Columns that no model learns, with the reason.
        notes: What else to know.
    """

    model: str
    why: str
    rows: int = 0
    learned: int = 0
    apart: int = 0
    baseline: float | None = None
    trials: tuple[Trial, ...] = ()
    untried: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def report(self) -> str:
        """The advice, the figures of each model, and what was not tried."""
        told = [f"{self.model} suits best: {self.why}"]
        if self.trials:
            head = ("model", "detection", "shapes", "pairs", "fit", f"all {self.rows:,}", "rows/s")
            real = ("real rows", _number(self.baseline), *[""] * 5)
            rows = [head, *map(_cells, self.trials), real]
            told += [f"  {line}" for line in lines(rows, right=[False, *[True] * 6])]
            told.append(
                f"each learned {self.learned:,} rows; detection, shapes and pairs compare its rows"
                f" with {self.apart:,} others; detection 0.5 is a guess, lower is better"
            )
        told += self.notes
        told += [f"not tried: {name}: {why}" for name, why in self.untried.items()]
        told += [f"left out: {name}: {why}" for name, why in self.left_out.items()]
        return "\n".join(told)

    def to_dict(self) -> dict[str, Any]:
        """The advice as plain values."""
        return asdict(self)

    @override
    def write(self, path: Path) -> object:
        """Write the report, as a page (`.html`), as JSON (`.json`) or as text."""
        if FilePath(path).suffix.lower() != ".json":
            return super().write(path)
        make_folder(FilePath(path).parent)
        write_text(FilePath(path), json.dumps(self.to_dict(), ensure_ascii=False) + "\n")
        return FilePath(path)


def advise(
    data: TableLike,
    *,
    protect: int | bool = PROTECTED_ROWS,
    sensitive: Collection[str] = (),
    exact: bool = True,
    seed: int = 0,
) -> Advice:
    """Say in seconds which synthesizer suits data, from a trial of each on a sample of its rows.

    Networks and models with differential privacy are not tried; the advice says so.

    Args:
        data: As for `fit`.
        protect: As for `fit`.
        sensitive: As for `fit`.
        exact: As for `fit`.
        seed: Decides which rows are tried; the same seed gives the same figures, except for times.

    Raises:
        SourceError: The data can't be read, or has too few rows to learn from.
        UsageError: A column that is named does not exist.

    Examples:
        >>> import fabula as fb
        >>> people = fb.generate("age int 18..90, plan choice free|pro", n=300, seed=1)
        >>> fb.advise(people).model
        'boosted'
    """
    check_seed(seed)
    check_amounts(0.0, protect)
    refuse_pictures(data)
    forms = forms_in(data)
    if len(forms) > 1:
        why = f"it alone learns several tables; {len(forms)} were given"
        return Advice(DEFAULT, why, sum(as_table(form).num_rows for form in forms.values()))
    ((called, form),) = forms.items()
    table = without_notes(as_table(form, name=called))
    check_sensitive(sensitive, table.column_names, private=False)
    apart = min(MOST_APART, table.num_rows // 3, max(0, table.num_rows - FEWEST_ROWS))
    order = stream(seed, "advise", "rows", 0).permutation(table.num_rows)
    rows = np.sort(order[apart : apart + MOST_LEARNED])
    unseen = table.take(array_of(np.sort(order[:apart])))
    lesson = _Lesson.of(
        table.take(array_of(rows)), "" if called == UNNAMED else called, protect=protect,
        sensitive=sensitive, exact=exact, seed=seed,
    )  # fmt: skip
    if apart < FEWEST_APART:
        why = f"{table.num_rows} rows are too few to try models; it suits most tables"
        return Advice(DEFAULT, why, table.num_rows, left_out=lesson.columns.left_out)
    trials: list[Trial] = []
    untried: dict[str, str] = {}
    baseline = None
    for name, entry in SYNTHESIZERS.items():
        if name == PRIVATE or entry.is_network:
            untried[name] = _PRIVATE if name == PRIVATE else _NETWORK
            continue
        try:
            drawn, seconds, whole, drawing = lesson.drawn(entry, apart, table.num_rows)
        except PrerequisiteError as error:
            untried[name] = error.hint or error.message
            continue
        frames = prepare(drawn, unseen.select(drawn.column_names),
                         lesson.table.select(drawn.column_names), seed=seed)  # fmt: skip
        baseline = told_apart(frames, *frames.halves) if baseline is None else baseline
        trials.append(Trial(name, *_figures(frames), seconds, whole, apart / drawing))
    model, why = _chosen(trials)
    return Advice(
        model, why, table.num_rows, len(rows), apart, baseline, tuple(trials), untried,
        lesson.columns.left_out, _notes(lesson, table.num_rows),
    )  # fmt: skip


@dataclass(frozen=True)
class _Lesson:
    """What all models learn: the same rows, as the same codes; and the seconds that this takes."""

    table: pa.Table
    columns: Columns
    relations: Relations
    codes: Any
    took: _Took
    seed: int

    @classmethod
    def of(
        cls,
        table: pa.Table,
        called: str,
        *,
        protect: int | bool,
        sensitive: Collection[str],
        exact: bool,
        seed: int,
    ) -> _Lesson:
        guarded = PROTECTED_ROWS if protect is True else int(protect)

        def learned(rows: pa.Table) -> tuple[Columns, Relations, Any]:
            train, known, _ = with_trees(rows, called)
            columns = Columns.learn(train, protect=guarded, known=known, sensitive=sensitive)
            columns, relations = columns.keyed(rows), Relations()
            if exact:
                relations, train, columns = learned_relations(
                    train, columns, known=known, protect=guarded
                )
            return columns, relations, columns.encode(train)

        few = max(table.num_rows // PART, FEWEST_ROWS)
        _, some = _timed(lambda: learned(table.slice(0, few)))
        (columns, relations, codes), every = _timed(lambda: learned(table))
        took = _Took(few, some, table.num_rows, every)
        return cls(table, columns, relations, codes, took, seed)

    def drawn(
        self, entry: SynthesizerEntry, rows: int, whole: int
    ) -> tuple[pa.Table, float, float, float]:
        """Rows of a new model; the seconds of its fit, here and on all rows, and of its sample."""
        kind = entry.learning_class()
        cells = self.relations.marked([codec.cells for codec in self.columns.codecs])

        def learned(count: int) -> CodeModel:
            return kind.fit(self.codes[:count], cells, seed=self.seed, progress=_silent)

        learned(FEWEST_ROWS)  # what is compiled once takes no time below
        few, most = len(self.codes) // PART, len(self.codes)
        _, some = _timed(lambda: learned(few))
        model, every = _timed(lambda: learned(most))
        relations = usable_relations(self.relations, self.columns, model, self.seed)
        sampler = Sampler(self.columns, model, (), relations, (Part(1.0, Asked()),), self.seed)
        sampler.block(0, 0, 1)
        made, drawing = _timed(lambda: sampler.block(0, 0, rows))
        took = _Took(few, some, most, every)
        seconds = self.took.every + every
        return made, seconds, max(seconds, self.took.of(whole) + took.of(whole)), drawing


class _Took(NamedTuple):
    """Seconds that something took on few and on more rows."""

    few: int
    some: float
    most: int
    every: float

    def of(self, rows: int) -> float:
        """What it takes on still more rows, as far as it grows evenly."""
        more = max(0.0, self.every - self.some) / max(1, self.most - self.few)
        return self.every + more * (rows - self.most)


def _timed(work: Callable[[], Made]) -> tuple[Made, float]:
    start = time.perf_counter()
    made = work()
    return made, max(time.perf_counter() - start, 1e-6)


def _figures(frames: Frames) -> tuple[float | None, float | None, float | None]:
    """Detection, shapes and pairs."""
    shapes = column_scores(frames, frames.truth, frames.synthetic)
    pairs = compared_pairs(frames, frames.truth, frames.synthetic)
    return (
        told_apart(frames, frames.truth, frames.synthetic),
        float(np.mean([*shapes.values()])) if shapes else None,
        float(np.mean([pair.score for pair in pairs])) if pairs else None,
    )


def _chosen(trials: list[Trial]) -> tuple[str, str]:
    """The model that suits best, and why."""
    measured = [trial for trial in trials if trial.detection is not None]
    if not measured:
        return DEFAULT, "rows or columns are too few to tell models apart; it suits most tables"
    least = min(trial.detection or 0.0 for trial in measured)
    equal = [trial for trial in measured if (trial.detection or 0.0) < least + EQUAL]
    usual = next((trial for trial in equal if trial.model == DEFAULT), None)
    quickest = min(equal, key=lambda trial: trial.all_rows)
    best = usual or min(equal, key=lambda trial: trial.detection or 0.0)
    if best.all_rows > quickest.all_rows + MUCH_LONGER:
        longer = f"`{best.model}` {duration(best.all_rows)}"
        why = f"about as realistic as any, in {duration(quickest.all_rows)} ({longer})"
        return quickest.model, why
    others = [trial for trial in measured if trial is not best]
    told = ", ".join(f"`{trial.model}` {_number(trial.detection)}" for trial in others)
    equals = any(trial is not best for trial in equal)
    hard = "no other's rows are harder" if equals else "its rows are hardest"
    why = f"{hard} to tell from real ones (detection {_number(best.detection)}"
    return best.model, f"{why}; {told})" if told else f"{why})"


def _notes(lesson: _Lesson, rows: int) -> tuple[str, ...]:
    told = []
    if rows < FEW_ROWS:
        told.append(f"with {rows:,} rows, chance moves these figures")
    persons = lesson.columns.persons
    if persons is not None and persons.repeat:
        told.append(
            f"`{persons.told_by}` has several rows each: to keep their order, fit a table of these"
            " beside this one; see several tables"
        )
    return tuple(told)


def _cells(trial: Trial) -> tuple[str, ...]:
    shares = (percent(share) if share is not None else "" for share in (trial.shapes, trial.pairs))
    spans = (duration(trial.seconds), f"about {duration(trial.all_rows)}")
    return (trial.model, _number(trial.detection), *shares, *spans, large(trial.rows_per_second))


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _silent(done: int, steps: int) -> None: ...
