"""What an entry of each sort promises, as checks that a plug-in's author runs.

Each takes an entry, registered or not, and raises an `AssertionError` that says what it breaks:

    >>> from fabula.evaluation.metrics.shapes import shapes
    >>> check_metric(shapes)
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from fabula.render.amounts import percent

if TYPE_CHECKING:
    import pyarrow as pa

    from fabula.evaluation.metrics.metric import Metric
    from fabula.llm.client.presets import Provider
    from fabula.pii.detector import Detector
    from fabula.privacy.notes.entries import TextDetector
    from fabula.spec.training_formats import TrainingFormat
    from fabula.synthesizers.entry import SynthesizerEntry
    from fabula.types import TableLike

ROWS = 120
"""Rows of the tables that entries are tried with."""
MANY = 4_000
"""Rows of a distribution that is tried."""


def check_column_kind(kind: str, example: str = "") -> None:
    """A distribution draws what its facts say: within its support, around its mean, by seed.

    Args:
        kind: The name of a registered column kind whose values are numbers.
        example: One column of it, as YAML; by default the example of the kind.

    Raises:
        AssertionError: It breaks a promise; the message says which.
    """
    import numpy as np

    from fabula.api import generate
    from fabula.kinds import KINDS
    from fabula.kinds.base.distributions import AbstractDistribution
    from fabula.spec.loading import parse_spec

    cls = KINDS[kind]
    column = f"x: {example or cls.example}"
    spec = parse_spec(f"fabula: 1\ntables:\n  rows:\n    n: {MANY}\n    columns:\n      {column}\n")
    first, again, other = (generate(spec, seed=seed).to_arrow() for seed in (1, 1, 2))
    must(first.equals(again), "makes other values for the same seed")
    must(not first.equals(other), "makes the same values for another seed")
    drawn = spec.tables["rows"].columns["x"]
    if not isinstance(drawn, AbstractDistribution):
        return
    values = first["x"].to_numpy()
    low, high = drawn.support()
    must(bool(np.isfinite(values).all()), "makes values that are not finite")
    inside = bool(((values >= low) & (values <= high)).all())
    must(inside, f"makes values outside its support, {low:g} to {high:g}")
    if drawn.min is not None or drawn.max is not None:
        return
    mean, error = drawn.expectation(), float(values.std()) / MANY**0.5
    near = mean is None or not math.isfinite(mean) or abs(values.mean() - mean) <= 6 * error
    must(near, f"has a mean of {values.mean():.4g}, and says {mean}")


def check_check_kind(kind: str, good: TableLike, bad: TableLike, example: str = "") -> None:
    """A check passes on good rows, fails on bad ones, and says so with the rule and a count.

    Args:
        kind: The name of a registered check.
        good: Rows that keep the check, in any form.
        bad: Rows of the same columns, of which some break it.
        example: One check, as YAML; by default the example of the kind.

    Raises:
        AssertionError: It breaks a promise; the message says which.
    """
    from fabula.api import validate
    from fabula.inference.infer import infer
    from fabula.io.tables import as_table
    from fabula.kinds.checks import CHECKS
    from fabula.spec.loading import parse_spec

    asked = example or CHECKS[kind].example
    text = f"tables: {{t: {{columns: {{x: {{kind: key}}}}, checks: [{asked}]}}}}"
    (check,) = parse_spec(text).tables["t"].checks
    must(check.kind == kind, f"has an example of the kind `{check.kind}`")
    must(bool(check.in_words().strip()), "has no words for what it demands")
    for rows, keeps in ((good, True), (bad, False)):
        table = as_table(rows)
        (columns,) = infer(table).spec.tables.values()
        spec = columns.model_copy(update={"checks": (check,)})
        found = [
            [result for result in validate(spec, table) if result.kind == kind][-1]
            for _ in range(2)
        ]
        must(found[0] == found[1], "judges the same rows otherwise when it is asked again")
        result = found[0]
        told = result.message or "without a message"
        must(result.passed is keeps, f"{'fails' if keeps else 'passes'}: {told}")
        must(bool(result.message.strip()), "says nothing about its verdict")
        must(bool(result.failing) is not keeps, f"counts {result.failing} rows that break it")


def check_detector(entry: Detector, values: Sequence[str], others: Sequence[str]) -> None:
    """A detector tells values of its kind, and takes neither others nor odd ones for them.

    Args:
        entry: The detector.
        values: Differing values of its kind.
        others: Values that look like them, and are not.

    Raises:
        AssertionError: It breaks a promise; the message says which.
    """
    from fabula.pii.kinds import lack
    from fabula.pii.others import share_of

    complete(lack(entry.name, entry))
    if entry.weighed:
        return
    must(len(set(values)) >= entry.fewest, f"needs {entry.fewest} differing values to tell")
    found = share_of(entry, list(values), "")
    must(found >= entry.least, f"finds its kind in {percent(found)} of the values")
    must(found == share_of(entry, list(values)[::-1], ""), "depends on the order of the values")
    odd = ["", " ", "0", "-1", "\x00", "é" * 400, "2024-01-31", "a@b.example", "Ann Lee"]
    for wrong in (list(others), odd):
        share = share_of(entry, wrong, "")
        must(share < entry.least, f"finds its kind in {percent(share)} of {wrong[:3]} and others")


def check_text_detector(entry: TextDetector, texts: Mapping[str, Sequence[str]]) -> None:
    """A text detector finds the people of each text, within the text, and the same ones again.

    Args:
        entry: The detector.
        texts: Texts, each with the words that it finds there.

    Raises:
        AssertionError: It breaks a promise; the message says which.
    """
    from fabula.errors import UsageError
    from fabula.privacy.notes.detectors import checked_spans
    from fabula.privacy.notes.entries import lack

    complete(lack(entry.name, entry))
    asked = [*texts, "", "é" * 400]
    try:
        found, again = (checked_spans(entry.opens(), asked) for _ in range(2))
    except UsageError as exc:
        raise AssertionError(exc.message) from exc
    must(found == again, "finds other places when it is asked again")
    for (text, words), spans in zip(texts.items(), found, strict=False):
        there = [text[span.start : span.end] for span in spans]
        must(sorted(there) == sorted(words), f"finds {there} where {list(words)} are in {text!r}")
    must(not any(found[len(texts) :]), "finds somebody in a text of nobody")


def check_training_format(entry: TrainingFormat) -> None:
    """A training format writes lines with its keys, reads what it wrote, and refuses odd lines.

    Raises:
        AssertionError: It breaks a promise; the message says which.
    """
    from fabula.spec.training_formats import lack
    from fabula.training.conversations import conversation
    from fabula.training.examples import Example

    complete(lack(entry.name, entry))
    wrong: tuple[Any, ...] = (None, 1, {}, [], [1], "text")
    for odd in wrong:
        try:
            entry.reads(dict.fromkeys(entry.keys, odd))
        except Exception as error:
            told = f"reads a line of {odd!r} with {type(error).__name__}: {error}"
            raise AssertionError(told) from error
    worse = "Nobody." if entry.compares else ""
    lines: list[dict[str, Any]] = []
    if entry.writes is not None:
        for system in ("", "You know birds."):
            written = entry.writes(Example("Who sings?", "The wren.", system, worse))
            lines += written[:1] if isinstance(written, list) else [written]
    turns = [("user", "Who?"), ("assistant", "I."), ("user", "Where?"), ("assistant", "Here.")]
    talk = [{"role": role, "content": text} for role, text in turns]
    lines += [entry.talks(conversation({"messages": talk}, "messages"))] if entry.talks else []
    for line in lines:
        must(all(key in line for key in entry.keys), f"writes a line without {entry.keys}")
        read = entry.reads(json.loads(json.dumps(line)))
        must(read is not None, "does not read what it writes")
        said = [turn.text for part in read.talks for turn in part]
        answer = "Here." if line is lines[-1] and entry.talks else "The wren."
        must(
            any(answer in text for text in (*said, line.get("answer", ""))),
            f"loses the answer: {said}",
        )
        must(not read.problems, f"finds a problem in what it writes: {read.problems}")


def check_metric(entry: Metric) -> None:
    """A metric is complete, repeatable and explains itself; one of quality prefers real rows.

    It is measured on likely and on odd tables: one row, a constant, a column without values.

    Raises:
        AssertionError: It breaks a promise; the message says which.
    """
    from fabula.evaluation.metrics.frames import prepare
    from fabula.evaluation.metrics.metric import lack, measured

    complete(lack(entry.key, entry))
    known = {
        "target": "plan", "protected": ["plan"], "quasi": ["age"], "secrets": [], "others": [],
        "sequence": ("plan", "age"), "confidential": ["plan"],
    }  # fmt: skip
    if entry.measure is None:
        return
    real, other, noise = _people(1), _people(2), _people(3, noise=True)
    values = []
    for synthetic in (other, noise, *_odd()):
        there = real if synthetic in (other, noise) else synthetic
        frames = prepare(synthetic, there, None)
        first, second = (measured([entry], frames, known) for _ in range(2))
        for result in first:
            number = result.value
            must(number is None or math.isfinite(number), f"gives {number}, which is not a number")
            must(result.sentence.strip().endswith("."), "has no sentence that ends with a period")
            must(number is not None or "Not " in result.sentence or "ithout" in result.sentence,
                  "gives no value, and its sentence does not say why")  # fmt: skip
        must(first == second, "gives another result for the same tables")
        values.append(first[0].value if len(first) == 1 else None)
    good, bad = values[:2]
    judged = entry.section == "quality" and entry.better != "near"
    if judged and good is not None and bad is not None:
        sign = 1 if entry.better == "higher" else -1
        must(sign * good >= sign * bad, f"is better `{entry.better}`, and prefers noise")


def check_synthesizer(entry: SynthesizerEntry, **options: Any) -> None:
    """A synthesizer learns a table, samples it by seed, keeps what is given, and is read again.

    Args:
        entry: The synthesizer.
        options: Options that make a fit of 120 rows quick.

    Raises:
        AssertionError: It breaks a promise; the message says which.
    """
    import inspect

    from fabula.synthesizers.entry import lack
    from fabula.synthesizers.fitting import fit
    from fabula.synthesizers.synthesizer import load_synthesizer

    complete(lack(entry.name, entry))
    parameters = inspect.signature(entry.learning_class().fit).parameters
    for item in fields(entry.options):
        must(item.name in parameters, f"has the option `{item.name}`, which its `fit` lacks")
        default = parameters[item.name].default
        must(default == item.default, f"has another default of `{item.name}` in its `fit`")
    told: list[tuple[int, int]] = []
    learned = fit(
        _people(1), model=entry, seed=1, exact=False,
        progress=lambda _, done, rows: told.append((done, rows)), **options,
    )  # fmt: skip
    must(bool(told) and told[-1][0] == told[-1][1], "does not report that it is done")
    rows = learned.sample(ROWS, seed=3)
    must(rows.schema.names == _people(1).schema.names, "samples other columns")
    must(rows.num_rows == ROWS, f"samples {rows.num_rows} rows where {ROWS} were asked")
    must(rows.equals(learned.sample(ROWS, seed=3)), "samples other rows for the same seed")
    must(not rows.equals(learned.sample(ROWS, seed=4)), "samples the same rows for another seed")
    given = learned.sample(10, seed=3, given={"plan": "pro"})
    must(set(given["plan"].to_pylist()) == {"pro"}, "does not keep a value that is given")
    with TemporaryDirectory() as folder:
        learned.save(Path(folder) / "model.fabula")
        again = load_synthesizer(Path(folder) / "model.fabula")
        must(rows.equals(again.sample(ROWS, seed=3)), "samples other rows once it is read again")


def check_provider(entry: Provider, model: str = "") -> None:
    """A provider opens a model without a call, which answers in prose and as JSON.

    Args:
        entry: The provider.
        model: The model's name at the provider.

    Raises:
        AssertionError: It breaks a promise; the message says which.
    """
    from fabula.llm.client.chat import ChatRequest, Message
    from fabula.llm.client.presets import imported, lack
    from fabula.llm.providers.given import PARTS
    from fabula.spec.models import ModelSpec

    complete(lack(entry.name, entry))
    if entry.opens is None:
        named = bool(entry.key_env) or entry.free or not entry.base_url
        must(named, "is not the user's own server, and names no variable for a key")
        return
    opened, twin = (
        imported(entry.opens)(ModelSpec(provider=entry.name, name=model)) for _ in range(2)
    )
    for part in PARTS:
        must(hasattr(opened, part), f"opens a model without `{part}`")
    must(bool(opened.identity.strip()), "opens a model without identity: replies can't be kept")
    must(opened.identity == twin.identity, "gives the same model another identity each time")
    must(opened.concurrency > 0, "takes no call at once")
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    }
    asked = Message("user", "Name a city.")

    async def answers() -> tuple[str, str]:
        prose = await opened.complete(ChatRequest((asked,)))
        data = await opened.complete(ChatRequest((asked,), schema=schema))
        await opened.close()
        await twin.close()
        return prose.text, data.text

    prose, data = asyncio.run(answers())
    must(bool(prose.strip()), "answers with nothing")
    try:
        value = json.loads(data)
    except ValueError:
        value = None
    must(isinstance(value, dict) and isinstance(value.get("city"), str),
          f"answers {data[:60]!r} where a JSON object with a text `city` was asked")  # fmt: skip


def complete(lacking: str | None) -> None:
    """Raise an `AssertionError` where an entry lacks a part."""
    must(lacking is None, lacking or "")


def must(holds: bool, told: str) -> None:
    """Raise an `AssertionError` where a promise is broken."""
    if not holds:
        raise AssertionError(told)


def _people(seed: int, *, noise: bool = False) -> pa.Table:
    """Ages and plans that go together, or values from anywhere."""
    import numpy as np
    import pyarrow as pa

    rng = np.random.default_rng(seed)
    age = rng.normal(40, 9, ROWS).round()
    pro = age + rng.normal(0, 4, ROWS) > 40
    if noise:
        age, pro = rng.uniform(900, 1_800, ROWS).round(), rng.random(ROWS) < 0.02
    return pa.table({"age": age, "plan": np.where(pro, "pro", "free")})


def _odd() -> Iterator[pa.Table]:
    """Tables that few think of."""
    import pyarrow as pa

    yield pa.table({"age": [1.0], "plan": ["pro"]})
    yield pa.table({"age": [3.0] * 30, "plan": ["pro"] * 30})
    yield pa.table({"age": pa.nulls(30, pa.float64()), "plan": ["pro", None] * 15})
