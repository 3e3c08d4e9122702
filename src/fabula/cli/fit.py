"""`fabula fit`: learns a table, or several related ones."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Unpack

import typer
from typing_extensions import TypedDict

from fabula.cli.arguments import Count, Names, Printed, Words, print_as, read_pairs, read_spec
from fabula.cli.console import Talk, pasted
from fabula.cli.options import Read, verb
from fabula.cli.progress import progress
from fabula.errors import UsageError


def _differ(*files: Path) -> None:
    """Refuse to write two files to one path, or over the data."""
    known: set[Path] = set()
    for file in files:
        if file.resolve() in known:
            raise UsageError(
                f"`{file}` is named twice: as the data, or for two files to write",
                code="usage.same-file",
                where=str(file),
                hint="give each file another name",
            )
        known.add(file.resolve())


def _domain(file: str) -> Any:
    """What a file says about the columns."""
    try:
        return json.loads(Path(file).read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise UsageError(
            f"`{file}` can't be read as JSON: {exc}",
            code="usage.domain",
            where=file,
            hint='write `{"age": "17..90", "sex": ["F", "M"], "note": null}`',
        ) from exc


def _key(text: str) -> tuple[str, str]:
    """`"orders.buyer=people.id"` as its two sides."""
    child, _, parent = (part.strip() for part in text.partition("="))
    if "." not in child or "." not in parent:
        raise UsageError(
            f"`--key {text}` is not a foreign key",
            code="usage.key",
            hint="write `--key orders.buyer=people.id`",
        )
    return child, parent


def _options(texts: Sequence[str]) -> dict[str, Any]:
    """`["rounds=50"]` as `{"rounds": 50}`; a value that is not JSON is a string."""
    options: dict[str, Any] = {}
    for name, value in read_pairs("--option", texts, "rounds=50"):
        try:
            options[name] = json.loads(value)
        except ValueError:
            options[name] = value
    return options


_OF_ADVICE = frozenset({"protect", "sensitive", "seed"})
"""What `--advise` takes of the options below."""


def _advise(
    talk: Talk,
    data: Path,
    output: Path | None,
    form: str,
    others: Sequence[str],
    *,
    overwrite: bool,
    **options: Any,
) -> None:
    """Print which model suits."""
    from fabula.io.places import check_free
    from fabula.synthesizers.advice import advise
    from fabula.synthesizers.catalogue import DEFAULT

    if others:
        name = f"--{others[0].replace('_', '-')}"
        raise UsageError(
            f"`{name}` has no meaning with `--advise`, which fits nothing",
            code="usage.advise",
            hint=f"leave out `{name}`, or `--advise`",
        )
    if output is not None:
        _differ(data, output)
        check_free(output, overwrite=overwrite)
    advice = advise(data, **options)
    print_as(form, advice.report(), advice.to_dict())
    if output is not None:
        talk.say(f"Wrote `{advice.write(output)}`")
    model = "" if advice.model == DEFAULT else f" --model {advice.model}"
    written = pasted(data.with_suffix(".fabula").name)
    talk.hint(f"fit it with `fabula fit {pasted(data)}{model} -o {written}`")


class Learning(TypedDict, total=False):
    """How a synthesizer learns.

    Options:
        model (NAME): Synthesizer; `auto` takes `boosted`.
        holdout (SHARE): Share of rows held out of training; 0.2 by default.
        protect (ROWS): Never reproduce labels with fewer rows than this, or that many extreme
            values of a column; 10 by default.
        protect_by (COLUMN): Count different values of this column in place of rows: it tells whom
            a row is about.
        epsilon (EPS): Learn with differential privacy: the ε to spend, such as 1; smaller is more
            private. Needs the extra `privacy`.
        delta: The δ to spend, well below 1/rows; 1e-06 by default.
        domain (FILE): JSON: columns' labels (a list), bounds ("17..90"), or null to leave one out;
            those of other columns are found within --epsilon.
        keys (CHILD.COLUMN=PARENT.COLUMN): A foreign key that was not found; `+` joins the columns
            of a composite key; repeatable.
        keep (TABLE): Table to keep unchanged, with its real rows; repeatable.
        sensitive (COLUMNS): Columns to replace or leave out, whatever they contain.
        orphans: Rows whose foreign key has no parent: left out (`drop`, the default), or `keep`
            their share.
        seed: Seed of everything random.
    """

    model: str
    holdout: float
    protect: Count
    protect_by: str
    epsilon: float
    delta: float
    domain: Annotated[Mapping[str, Any], Read(_domain)]
    keys: Annotated[
        Mapping[str, str], Read(lambda texts: dict(map(_key, texts)), many=True), "--key"
    ]
    keep: Words
    sensitive: Names
    orphans: Literal["drop", "keep"]
    seed: int


@verb()
def fit(
    talk: Talk,
    data: Path,
    *,
    output: Path | None = None,
    advise: bool = False,
    form: Printed = "table",
    holdout_output: Path | None = None,
    training_output: Path | None = None,
    spec: str | None = None,
    exact: Annotated[bool, typer.Option("--exact/--no-exact")] = True,
    option: Words = (),
    overwrite: bool = False,
    **learned: Unpack[Learning],
) -> None:
    """Fit a synthesizer to a table or a folder of pictures, for `fabula sample`.

    The file contains no row of the data. Identifiers and free text are newly generated; the printed
    card lists both. Related tables are learned together, with their keys, and written
    as a folder.

    Options:
        data (DATA): A file, a folder of related tables, or one of pictures, whose subfolders are
            labels.
        output: File to write, such as `people.fabula`; required, except with --advise.
        advise: Fit nothing: print which model suits and why, from a trial of each on some rows.
            With `-o`, also writes that to a page, JSON or text file.
        form: How to print advice.
        holdout_output: File for the rows held out, for `fabula evaluate`.
        training_output: File for the other rows, for `fabula evaluate`.
        spec (SPEC): A spec whose row checks every sample passes; for several tables, a spec of
            their keys.
        exact: Find rules that hold on every row, such as total = price * quantity, and keep them in
            every sample.
        option (NAME=VALUE): Option of the model; repeatable.
        overwrite: Replace the files to write.
    """
    from fabula.io.formats import format_of
    from fabula.io.pictures import holds_pictures
    from fabula.io.places import check_free, make_folder
    from fabula.io.tables import forms_in
    from fabula.io.write import write_table
    from fabula.synthesizers.fitting import fit
    from fabula.synthesizers.multitable.database import RelationalSynthesizer

    if advise:
        unused = [name for name in learned if name not in _OF_ADVICE]
        unused += [name for name, given in (("option", option), ("spec", spec)) if given]
        unused += [name for name, given in (("holdout_output", holdout_output),
                   ("training_output", training_output)) if given]  # fmt: skip
        _advise(talk, data, output, form, unused, exact=exact, overwrite=overwrite, **learned)
        return
    if form != "table":
        raise UsageError(
            "`--format` is for `--advise`",
            code="usage.format",
            hint=f"leave it out, or type `fabula fit {pasted(data)} --advise --format {form}`",
        )
    if output is None:
        raise UsageError(
            "nothing says where to write the synthesizer",
            code="usage.output",
            hint=f"add `-o {pasted(data.with_suffix('.fabula').name)}`",
        )
    if holds_pictures(data):
        from fabula.cli.pictures import fit_folder

        check_free(output, overwrite=overwrite)
        others = {"spec": spec, "holdout-output": holdout_output, "no-exact": not exact}
        others["training-output"] = training_output
        fit_folder(talk, data, output, learned=learned, options=_options(option), others=others)
        return
    parts = [file for file in (training_output, holdout_output) if file is not None]
    _differ(data, output, *parts)
    check_free(output, overwrite=overwrite, folder=output.is_dir())
    for file in parts:
        format_of(file)
        check_free(file, overwrite=overwrite)
    tables = forms_in(data)
    if len(tables) > 1 and parts:
        raise UsageError(
            "related tables are learned from all rows, so no row is held out",
            code="usage.several-tables",
            hint="leave --training-output and --holdout-output out, or fit one table",
        )
    with progress(talk) as watch:
        synthesizer = fit(
            tables,
            spec=read_spec(spec) if spec else None,
            exact=exact,
            progress=watch,
            **learned,
            **_options(option),
        )
    talk.say(str(synthesizer.card()))
    if personal := synthesizer.personal:
        talk.say(
            f"warning: personal details in {len(personal)} column{'s' * (len(personal) != 1)}, "
            f"not reproduced: {', '.join(f'`{name}`' for name in personal)}"
        )
    synthesizer.save(output)
    talk.say(f"Wrote `{output}`")
    if isinstance(synthesizer, RelationalSynthesizer):
        talk.hint(f"make the tables with `fabula sample {pasted(output)} -o made/`")
        return
    for part, rows, what in (
        (training_output, synthesizer.training, "learned"),
        (holdout_output, synthesizer.holdout, "not learned"),
    ):
        if part is not None and rows is None:
            talk.say(f"warning: `{part}` was not written: no row was held out of training")
        elif part is not None:
            make_folder(part.parent)
            write_table(part, rows, rows.schema, format_of(part))
            talk.say(f"Wrote `{part}` ({rows.num_rows:,} rows that were {what} from)")
    talk.hint(f"draw rows with `fabula sample {pasted(output)} -n 1000 -o rows.parquet`")
