"""`fb.export`: one table into files to train a model with, or into a train and a test file.

Every row is in exactly one file, or counted as left out with the reason.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from fabula.errors import UsageError, did_you_mean
from fabula.io.formats import ENDINGS, as_format, check_ending, format_of, written_formats
from fabula.io.formulas import escaping_formulas, is_asked
from fabula.io.json_files import json_text
from fabula.io.places import check_free, make_folder, replacing, write_text
from fabula.io.write import write_table
from fabula.llm.cache.prices import prices_dated
from fabula.planning.outputs import conversation_column, lacks_texts, unknown_columns
from fabula.planning.templates import TemplateError
from fabula.render import amounts
from fabula.render.results import Result
from fabula.spec.outputs import OutputSpec
from fabula.spec.training_formats import TRAINING_FORMATS
from fabula.training.card import set_card
from fabula.training.clean import clean_rows
from fabula.training.examples import (
    Lines,
    Made,
    conversations,
    examples,
    preferences,
)
from fabula.training.saying import say
from fabula.training.splits import split
from fabula.training.table_rows import Given, given_rows
from fabula.training.tokens import TokenCount, count_tokens
from fabula.types import Path as PathLike
from fabula.types import TableLike


@dataclass(frozen=True)
class ExportedFile:
    """A file of an export.

    Attributes:
        path: Where it is.
        rows: Examples (or rows) in it.
        tokens: Their tokens, estimated; None if the file contains plain rows.
    """

    path: Path
    rows: int
    tokens: TokenCount | None = None


@dataclass(frozen=True, repr=False)
class Export(Result):
    """What happened to a table's rows.

    Attributes:
        files: The files, in the order of the splits.
        asked: Rows of the table.
        left_out: Rows that are in no example, by reason.
    """

    files: tuple[ExportedFile, ...]
    asked: int
    left_out: Mapping[str, int] = field(default_factory=dict)

    @property
    def tokens(self) -> TokenCount | None:
        """Tokens of all files, estimated."""
        counts = [file.tokens for file in self.files if file.tokens is not None]
        if not counts:
            return None
        longest = max(count.longest for count in counts)
        prompt, completion = (sum(getattr(c, part) for c in counts) for part in _PARTS)
        return TokenCount(prompt, completion, longest)

    def to_dict(self) -> dict[str, Any]:
        """The export as plain values."""
        files = [
            {"path": file.path.name, "rows": file.rows}
            | ({} if file.tokens is None else {"estimated_tokens": asdict(file.tokens)})
            for file in self.files
        ]
        return {"rows": self.asked, "left_out": dict(self.left_out), "files": files}

    def report(self) -> str:
        """What was written, what was left out, and about how many tokens it has."""
        files = ", ".join(f"`{file.path}` ({file.rows:,})" for file in self.files)
        lines = [f"Wrote {files}"]
        lines += [f"left out {count:,}: {reason}" for reason, count in self.left_out.items()]
        empty = ", ".join(f"`{file.path.name}`" for file in self.files if not file.rows)
        if empty and self.asked:
            lines.append(f"nothing is left for {empty}: too few different inputs for these shares")
        tokens = self.tokens
        if tokens is not None:
            costs = tokens.costs().items()
            listed = ", ".join(f"{name} {amounts.money(cost)}" for name, cost in costs)
            lines.append(
                f"about {amounts.large(tokens.total)} tokens, the longest example"
                f" {tokens.longest:,} (estimates) · sent once: {listed}"
                f" (list prices of {prices_dated()})"
            )
        return "\n".join(lines)


_CARD = "README.md"
_PARTS = ("prompt", "completion")


def export(
    data: TableLike,
    output: PathLike,
    *,
    format: str = "",  # noqa: A002  (the word that users know)
    user: str = "",
    assistant: str | Sequence[str] = (),
    system: str = "",
    score: str | Sequence[str] = (),
    split: Mapping[str, float] | None = None,
    stratify: str = "",
    seed: int = 0,
    overwrite: bool = False,
    escape_formulas: bool | None = None,
    against: TableLike | None = None,
    likeness: float | None = None,
    card: bool = False,
    license: str = "",  # noqa: A002
) -> Export:
    """Write a table as a set to train a model with.

    Args:
        data: One table, in any form.
        output: The file; with a split, a folder, or the start of the files' names:
            `pairs.jsonl` becomes `pairs-train.jsonl` and `pairs-test.jsonl`.
        format: `chat-jsonl`, `completion-jsonl`, `alpaca`, `sharegpt`, `trl-chat`, `preference`,
            `trl-preference`, `trl-unpaired`, `trl-prompt`, `axolotl-preference`, `segments`,
            `text`, a file format (`csv`, `parquet`, `jsonl`, `arrow`), or that of
            a plug-in; by default the file format that the ending of `output` names, and
            `chat-jsonl` for JSON Lines and folders.
        user: A column, or a template such as `"{{ product }}, {{ category }}"`: the input. Without
            `user` and `assistant`, the conversations in a column `messages` or `conversations`
            are written, with every turn and every call of a tool.
        assistant: A column or template: the output; several for `preference`.
        system: A column or template: what the system says first.
        score: For `preference`: the columns that grade the answers.
        split: Shares by name: `{"train": 0.9, "test": 0.1}`.
        stratify: A column whose values have the same shares in each part.
        seed: Decides who goes into which part.
        overwrite: Replace files that are there.
        escape_formulas: Put `'` before texts in CSV that a spreadsheet would run.
        against: An evaluation file: rows that overlap with it are left out, those that share 13
            words in a row or say the same in other words.
        likeness: Likeness from which a text counts as the same in other words, up to 1, which
            finds shared words alone; by default 0.5, or more where the file's own texts are more
            alike.
        card: Write a `README.md` into the folder, so that the Hub and `datasets` know its files.
        license: The licence that the card names: `cc-by-4.0`.

    Returns:
        The files with their counts, and the rows that were left out.

    Raises:
        UsageError: An option is wrong, or names no column.
        SinkError: A file is there already, or can't be written.
    """
    rows = given_rows(data)
    asked: dict[str, Any] = {
        "format": format,
        "user": user,
        "assistant": assistant,
        "system": system,
    }
    asked |= {"score": score, "split": split or {}, "stratify": stratify}
    wanted = plan_export(output, rows.columns, asked)
    paths = free_paths(output, wanted, overwrite=overwrite)
    if card:
        if Path(output).suffix.lower() in ENDINGS:
            raise UsageError(
                f"a card describes a folder, and `{output}` is a file",
                code="usage.card",
                hint=f"write into a folder: `-o {Path(output).stem}/`",
            )
        check_free(Path(output) / _CARD, overwrite=overwrite)
    for path in paths.values():
        make_folder(path.parent)
    if against is not None:
        rows, overlapping = clean_rows(rows, against, likeness)
    with escaping_formulas(is_asked(escape_formulas)):
        made = write_export(rows, wanted, paths, seed=seed)
    if against is not None:
        lost = sum(overlapping.values())
        made = replace(made, asked=made.asked + lost, left_out={**overlapping, **made.left_out})
    if card:
        folder = Path(output)
        text = set_card(
            [(file.path, file.rows) for file in made.files],
            form=wanted.format,
            title=folder.resolve().name,
            asked=made.asked,
            left_out=made.left_out,
            tokens=made.tokens,
            license_id=license,
        )
        write_text(folder / _CARD, text)
    return made


def plan_export(output: PathLike, columns: Sequence[str], asked: Mapping[str, Any]) -> OutputSpec:
    """What is to be written, made sure before there is a row; `asked` is as `export` takes it.

    Raises:
        UsageError: An option is wrong, or names no column.
    """
    from pydantic import ValidationError

    output = Path(output)
    form = asked.get("format") or _default_format(output)
    try:
        wanted = OutputSpec.model_validate({**asked, "format": form})
    except ValidationError as error:
        detail = error.errors()[0]
        error_of_ours = detail.get("ctx", {}).get("error")
        told = str(error_of_ours or f"`{detail['loc'][0]}`: {detail['msg']}")
        hint = None if "shares of the split" in told else _hint()
        raise UsageError(told, code="usage.export", hint=hint) from error
    if not wanted.is_training:
        _demand_format(wanted.format)
    _check_columns(wanted, columns)
    _check_ending(output, wanted)
    return wanted


def free_paths(output: PathLike, wanted: OutputSpec, *, overwrite: bool) -> dict[str, Path]:
    """Where each split goes, made sure that it can be written.

    Raises:
        SinkError: A file is there already, or can't be written.
    """
    output = Path(output)
    if output.suffix.lower() not in ENDINGS:
        paths = {name: output / file for name, file in wanted.files("rows").items()}
    elif wanted.split:
        paths = {
            name: output.with_name(f"{output.stem}-{name}{output.suffix}") for name in wanted.split
        }
    else:
        paths = {"": output}
    for path in paths.values():
        check_free(path, overwrite=overwrite)
    return paths


def check_form(output: PathLike, form: str | None) -> None:
    """Make sure that there is the format that is asked for, or that a file's ending names.

    Raises:
        UsageError: There is none.
    """
    if form is None:
        plain_format(output)
    elif form not in TRAINING_FORMATS.written():
        _demand_format(form)


def plain_format(output: PathLike) -> str:
    """The file format that a path's ending names; `jsonl` for folders."""
    suffix = Path(output).suffix
    return format_of(Path(output)) if suffix else "jsonl"


def _hint() -> str:
    formats = ", ".join(TRAINING_FORMATS.written())
    return f"formats are {formats}; `user` and `assistant` say who says what"


def _demand_format(name: str) -> None:
    """Refuse a format that nothing writes.

    Raises:
        UsageError: There is no such format.
    """
    if name in written_formats():
        return
    known = (*TRAINING_FORMATS.written(), *written_formats())
    raise UsageError(
        f"there is no format `{name}` to write",
        code="usage.format",
        hint=did_you_mean(name, known) or f"choose one of {', '.join(known)}",
    )


def write_export(
    given: Given, wanted: OutputSpec, paths: Mapping[str, Path], *, seed: int
) -> Export:
    """Write an export whose names are known to be right: each split (`""` is all) into its path."""
    strata = [row[wanted.stratify] for row in given.rows] if wanted.stratify else None
    if not wanted.is_training:
        return _write_rows(given, wanted, paths, strata, seed)
    made, left_out = _made(given, wanted)
    if strata is not None:
        strata = [strata[each.place] for each in made]
    parts = _parts([each.input for each in made], wanted, strata, seed)
    files = [
        _write_lines(paths[name], [made[place] for place in places])
        for name, places in parts.items()
    ]
    return Export(tuple(files), given.size, left_out)


def _made(given: Given, wanted: OutputSpec) -> Lines:
    """The examples, and the rows that are in none by reason."""
    if wanted.is_talk:
        return conversations(given.rows, conversation_column(given.columns) or "", wanted)
    if wanted.training and wanted.training.compares:
        return preferences(given.rows, wanted, given.columns)
    return examples(given.rows, wanted, given.columns)


def _write_rows(
    given: Given,
    wanted: OutputSpec,
    paths: Mapping[str, Path],
    strata: Sequence[Any] | None,
    seed: int,
) -> Export:
    """Rows as they are; without `user`, equal rows go together."""
    key = say(wanted.user, given.columns) if wanted.user else str
    parts = _parts([key(row) for row in given.rows], wanted, strata, seed)
    files = []
    for name, places in parts.items():
        if given.exact is not None and given.is_json and wanted.format == "jsonl":
            _write_json(paths[name], (given.exact[place] for place in places))
        else:
            table = given.unchanged if wanted.format == "csv" else given.table
            part = table.take(pa.array(places, pa.int64()))
            write_table(paths[name], part, part.schema, as_format(wanted.format))
        files.append(ExportedFile(paths[name], len(places)))
    return Export(tuple(files), given.size)


def _parts(
    inputs: Sequence[str], wanted: OutputSpec, strata: Sequence[Any] | None, seed: int
) -> dict[str, list[int]]:
    if not wanted.split:
        return {"": list(range(len(inputs)))}
    return split(inputs, wanted.split, strata=strata, seed=seed)


def _write_lines(path: Path, made: Sequence[Made]) -> ExportedFile:
    _write_json(path, (each.line for each in made))
    return ExportedFile(path, len(made), count_tokens(made))


def _write_json(path: Path, lines: Iterable[Mapping[str, Any]]) -> None:
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(_json_line(line) for line in lines)


def _json_line(line: Mapping[str, Any]) -> str:
    text = json_text(line)
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a pair of code units, which only an escape can hold
        text = json.dumps(line)
    return text + "\n"


def _default_format(output: Path) -> str:
    """What is meant where no format is given: JSON is for training."""
    plain = ENDINGS.get(output.suffix.lower(), "json")
    return "chat-jsonl" if plain in ("json", "jsonl") else plain


def _check_ending(output: Path, wanted: OutputSpec) -> None:
    """Refuse a file whose ending says something else than what would be in it."""
    if ENDINGS.get(output.suffix.lower(), "") in ("", "json"):
        return
    inside = "jsonl" if wanted.is_training else wanted.format
    check_ending(output, as_format(inside), called=wanted.format)


def _check_columns(wanted: OutputSpec, columns: Sequence[str]) -> None:
    try:
        unknown = unknown_columns(wanted, columns)
    except TemplateError as error:
        raise UsageError(str(error), code="usage.template") from error
    if lacking := lacks_texts(wanted, columns):
        raise UsageError(lacking, code="usage.export", hint=_hint())
    for name in unknown:
        hint = did_you_mean(name, columns) or f"there are {', '.join(columns)}"
        raise UsageError(f"there is no column `{name}`", code="usage.unknown-column", hint=hint)
