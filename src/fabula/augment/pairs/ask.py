"""`fb.pairs`: N distinct training pairs of any shape, spread over topics and the like.

The declared fields become a job of rows (`llm/rows`), which asks for JSON where the endpoint can
and for numbered text where not, keeps inputs apart over the whole run, and ends with n pairs or
says why not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Unpack

from fabula.augment.asking import AskOptions, ask, job_options, kept_reasoning, shortfall
from fabula.augment.pairs.attributes import Attributes, dealt
from fabula.augment.pairs.fields import PairFields, pair_fields
from fabula.augment.pairs.numbered import Numbered
from fabula.augment.pairs.result import Pairs
from fabula.augment.user_checks import CheckRow, row_check, unless_overlapping
from fabula.errors import UsageError
from fabula.io.examples import example_values
from fabula.llm.rows.job import RowsJob, RowsResult
from fabula.llm.rows.sync import run_sync

if TYPE_CHECKING:
    from fabula.types import TableLike


class PairOptions(AskOptions, total=False):
    """What `pairs` and `apairs` take besides the shape of a pair; see `pairs`."""

    input: str | Sequence[str]
    output: str | Sequence[str]
    prompt: str
    extra: str
    examples: TableLike
    balance: Attributes
    check_pair: CheckRow | None
    numbered: bool
    reasoning: Literal["keep", "drop"]
    against: TableLike


def pairs(wanted: Any = None, n: int = 100, **options: Unpack[PairOptions]) -> Pairs:
    """Ask a language model for training pairs: exactly `n`, valid, each input another one.

    Every reply is kept, so the same call again costs nothing and gives the same pairs, and after a
    failure it asks only for what is missing.

    Args:
        wanted: The shape of a pair: `"product name and category → description"`, a Pydantic
            class, a dataclass or a JSON Schema.
        n: Pairs wanted.
        options: The rest, by name: `model`, `attempts`, `max_calls` … as `rows` takes them, and

            - `input`, `output`: Names of fields, instead of an arrow, or of a class's fields (the
              last one is the output if nothing is said).
            - `prompt`: What the pairs are about, in words.
            - `extra`: A further instruction.
            - `examples`: Human examples in any form.
            - `balance`: Attributes dealt out evenly over the pairs:
              `{"topic": ["billing", "login"], "tone": {"calm": 3, "angry": 1}}`.
            - `check_pair`: Takes a pair, returns its problems as texts, which go back to the model.
            - `numbered`: Ask for numbered text even if the endpoint can do JSON.
            - `reasoning`: `keep` puts what the model thought before it wrote a pair into the
              pair, as `reasoning`; pairs requested together share it.
            - `against`: An evaluation file, in any form: pairs that overlap with it are refused
              and asked again.

    Returns:
        The pairs, with what was parsed, repeated and refused; `write` exports them.

    Raises:
        UsageError: The shape or an option is wrong.
        PartialRunError: Pairs are missing; `rows` of the error holds those that are there.
        ModelError: The model can't be used at all.

    Examples:
        >>> made = pairs("product name and category → description", n=2, model="fake")
        >>> sorted(made[0])
        ['category', 'description', 'product_name']
    """
    return run_sync(apairs(wanted, n, **options))


async def apairs(wanted: Any = None, n: int = 100, **options: Unpack[PairOptions]) -> Pairs:
    """`pairs` for callers with their own event loop: same arguments, same pairs."""
    task = pair_task(wanted, n, options)
    result = await ask(task.job, options, name="pairs")
    made = task.pairs(result)
    if len(made) < n:
        raise shortfall(result, made)
    return made


@dataclass(frozen=True)
class PairTask:
    """Pairs as a job of rows; `given` are the attributes that are dealt out to each."""

    fields: PairFields
    given: Sequence[Mapping[str, Any]]
    job: RowsJob

    def pairs(self, result: RowsResult) -> Pairs:
        """The pairs of a job that has ended, attributes first."""
        known = self.given or [{}] * self.job.n
        rows = [{**a, **b} for a, b in zip(known, result.rows, strict=True) if b is not None]
        return Pairs.of(self.fields, rows, result)


def pair_task(wanted: Any, n: int, options: PairOptions) -> PairTask:
    """The job that asks for some pairs.

    Raises:
        UsageError: The shape or an option is wrong.
    """
    fields = pair_fields(wanted, inputs=options.get("input", ()), outputs=options.get("output", ()))
    attributes = options.get("balance", {})
    for name in attributes:
        if name in fields.output_names:
            raise UsageError(
                f"`{name}` belongs to the output, which the model writes",
                code="usage.attribute",
                hint="balance a field of the input, or an attribute with another name",
            )
    if n < 0:
        raise UsageError(f"{n} pairs can't be made", code="usage.rows", hint="give 0 or more")
    given = dealt(attributes, n) if attributes else []
    asked = [each for each in fields.inputs if each.name not in attributes]
    inputs = tuple(each.name for each in asked)
    examples = example_values(options.get("examples", ()))
    job = RowsJob(
        subject=options.get("prompt", "").strip() or _subject(fields),
        fields=(*asked, *fields.outputs),
        n=n,
        given=given or None,
        examples=examples,
        extra=" ".join(filter(None, (options.get("extra", "").strip(), _fitting(attributes)))),
        unique=(fields.input_names if inputs else fields.output_names,),
        used=[item for item in examples if isinstance(item, dict)],
        check_row=unless_overlapping(
            row_check(fields.make, options.get("check_pair")), options.get("against")
        ),
        notation=Numbered(inputs, fields.output_names) if inputs else None,
        plain=options.get("numbered", False),
        reasoning=kept_reasoning(
            options.get("reasoning", "drop"),
            (*attributes, *fields.input_names, *fields.output_names),
        ),
        **job_options(options),
    )
    return PairTask(fields, given, job)


def _subject(fields: PairFields) -> str:
    inputs, outputs = (", ".join(names) for names in (fields.input_names, fields.output_names))
    about = f"{fields.subject}; " if fields.subject else ""
    return f"{about}training pairs, whose input is {inputs} and whose output is {outputs}"


def _fitting(attributes: Attributes) -> str:
    if not attributes:
        return ""
    listed = ", ".join(attributes)
    return f"Each row fits its known values ({listed}): they say what it is about and how it reads."
