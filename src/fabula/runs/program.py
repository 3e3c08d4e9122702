"""`fb.program`: a model writes the program that makes the data; `fb.run_program`: it runs again.

The model is asked once, whatever the number of rows; the kept program makes any number of them
without a model.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from fabula.codegen.repair import Orphans
from fabula.codegen.requests import FILE as REQUEST
from fabula.codegen.requests import read_request, request_text, sized
from fabula.codegen.running import LIMITS, ProgramOptions, Ran
from fabula.codegen.running import run_program as run_text
from fabula.codegen.script import Kept, read_kept, scaled, with_constants
from fabula.codegen.targets import Targets, hinted_tables, wanted_of
from fabula.codegen.writing import ROUNDS, Tell, write_program
from fabula.errors import SourceError, UsageError
from fabula.inference.check_shorthand import Declared, with_checks
from fabula.inference.resolve import SpecLike, class_of, is_spec_text, resolve
from fabula.io.formats import as_format
from fabula.io.formulas import is_asked
from fabula.llm.cache.budget import Budget
from fabula.llm.rows.sync import run_sync
from fabula.llm.session import models_of_run
from fabula.runs.dataset import Dataset
from fabula.runs.options import RunOptions
from fabula.runs.program_folder import PROGRAM, ProgramMade, program_run
from fabula.sandbox.run import Limits, require_sandbox
from fabula.spec.models import ModelLike, ModelSpec, as_model
from fabula.types import Path as PathLike
from fabula.types import Size

ASSUMPTIONS = "assumptions.md"
_FILES = (".yaml", ".yml", ".json")


def program(
    request: SpecLike,
    n: Size = None,
    *,
    output: PathLike | None = None,
    model: ModelLike | None = None,
    seed: int | None = None,
    checks: Sequence[Declared] = (),
    rounds: int = ROUNDS,
    orphans: Orphans = "fail",
    format: str = "parquet",  # noqa: A002  (the word that users know)
    fresh: bool = False,
    overwrite: bool = False,
    escape_formulas: bool | None = None,
    max_calls: int | None = None,
    max_tokens: int | None = None,
    max_cost: float | None = None,
    limits: Limits = LIMITS,
    on_note: Tell | None = None,
) -> Dataset:
    """Have a language model write the program that makes the data, and run it in the sandbox.

    Args:
        request: A sentence, or a spec in any form, whose tables, keys, links and checks become
            both the request and the gates.
        n: Rows, of the only table or by table.
        output: A folder for the tables, the program and the record; without one the data stays
            in memory, and the program in the dataset's manifest.
        model: The language model; by default the spec's, else the embedded one.
        seed: What random numbers start from; by default the spec's.
        checks: Relations that the only table must keep: `price ~ size +`, a SQL condition,
            or a function of a row that returns True or False.
        rounds: Times that the program goes back to the model with what is wrong.
        orphans: Rows whose foreign key exists nowhere `fail` the gates, are dropped (`drop`), or
            get another parent (`resample`); both are counted.
        format: `parquet`, `csv`, `jsonl` or `arrow`.
        fresh: Ask again, even if replies are known.
        overwrite: Replace another run in the folder.
        escape_formulas: Put `'` before texts in CSV that a spreadsheet would run.
        max_calls: Most calls to the model.
        max_tokens: Most tokens, sent and received.
        max_cost: Most US dollars.
        limits: What one run of the program may use.
        on_note: Called with how it goes, a line at a time.

    Raises:
        SpecError: The spec has problems.
        ProgramError: The program fails, or its tables do, after all rounds; it is kept.
        PrerequisiteError: There is no sandbox here, or the model is too small.
        ModelError: The model can't be used.
        BudgetReached: A limit was reached; what there is was kept.
    """
    wanted = asked_of(request, n, checks)
    spec = wanted.spec if wanted.strict else None
    named = model_for(wanted, model)
    number = seed if seed is not None else spec.seed if spec is not None else 0
    if rounds < 0:
        raise UsageError(
            f"`rounds` must not be below 0, not {rounds}",
            code="usage.rounds",
            hint="give 0 or more",
        )
    require_sandbox()

    def make() -> ProgramMade:
        budget = Budget(max_calls=max_calls, max_tokens=max_tokens, max_cost=max_cost)
        with models_of_run(fresh=fresh, budget=budget) as open_model:
            chat = open_model(named)
            try:
                made = write_program(
                    chat,
                    wanted,
                    ProgramOptions(number, orphans, limits),
                    rounds=rounds,
                    tell=on_note,
                )
            finally:
                run_sync(chat.close())
        facts = {
            "models": {chat.name: dict(made.spent)},
            "rounds": made.rounds,
            "notes": list(made.notes),
            "source": made.text,
        }
        files = {
            REQUEST: request_text(wanted, chat.name, chat.identity),
            ASSUMPTIONS: made.assumptions.rstrip() + "\n",
        }
        return ProgramMade(made.ran, made.text, facts, files, made.error)

    asked = {
        "prompt": wanted.prompt,
        "spec": request_text(wanted, "", ""),
        "model": named if isinstance(named, str) else [named.base_url, named.name],
        "rounds": rounds,
        "orphans": orphans,
    }
    return program_run(
        wanted,
        make,
        asked=asked,
        seed=number,
        output=output,
        options=RunOptions(
            format=as_format(format),
            fresh=fresh,
            overwrite=overwrite,
            escape_formulas=is_asked(escape_formulas),
        ),
    )


def run_program(
    path: PathLike,
    n: Size = None,
    *,
    seed: int | None = None,
    output: PathLike | None = None,
    orphans: Orphans = "fail",
    format: str = "parquet",  # noqa: A002
    overwrite: bool = False,
    escape_formulas: bool | None = None,
    limits: Limits = LIMITS,
) -> Dataset:
    """Run a kept program in the sandbox, without a model.

    The same program, rows and seed give the same bytes.

    Args:
        path: The program, or the folder that `program` wrote.
        n: Rows: of the largest table, the others in proportion; or by table.
        seed: In place of the program's own.
        output: As for `program`.
        orphans: As for `program`.
        format: As for `program`.
        overwrite: Replace another run in the folder.
        escape_formulas: As for `program`.
        limits: What the run may use.

    Raises:
        SourceError: There is no such program.
        UsageError: It is not Python, or does not say how many rows its tables have.
        ProgramError: The program fails.
        CheckError: Its tables break a rule that they must keep; they are written.
        PrerequisiteError: There is no sandbox here.
    """
    place = Path(path) / PROGRAM if Path(path).is_dir() else Path(path)
    if place.suffix.lower() in _FILES:
        raise UsageError(
            f"`{place}` is not a program",
            code="usage.no-program",
            hint=f"if it is a spec, `fabula program {place} -o out/` has a model write the program",
        )
    kept = read_kept(_read(place), str(place))
    rows = _rows(kept, n)
    code = with_constants(kept, rows, seed)
    number = seed if seed is not None else kept.seed or 0
    sizes = {**kept.rows, **rows}
    wanted = sized(read_request(place) or Targets("", None, False, ()), sizes)
    require_sandbox()

    def make() -> ProgramMade:
        ran = run_text(code, wanted, ProgramOptions(number, orphans, limits), names=kept.names)
        beside = {
            name: place.with_name(name).read_text(encoding="utf-8")
            for name in (REQUEST, ASSUMPTIONS)
            if place.with_name(name).is_file()
        }
        return ProgramMade(ran, code + kept.end, {"notes": _notes(ran)}, beside)

    return program_run(
        wanted,
        make,
        asked={"source": code, "orphans": orphans},
        seed=number,
        output=output,
        options=RunOptions(
            format=as_format(format),
            overwrite=overwrite,
            escape_formulas=is_asked(escape_formulas),
        ),
    )


def model_for(wanted: Targets, model: ModelLike | None) -> str | ModelSpec:
    """The model that is asked: the one given, else a spec's own, else the embedded one."""
    if model is not None:
        return as_model(model)
    return wanted.spec.models.get("default", "local") if wanted.spec is not None else "local"


def asked_of(request: SpecLike, n: Size = None, checks: Sequence[Declared] = ()) -> Targets:
    """What a request asks a program for; see `program`."""
    if isinstance(request, str) and not _is_spec(request):
        wanted = wanted_of(request, n)
        if not checks:
            return wanted
        if wanted.spec is None:
            raise UsageError(
                "the sentence lists no columns, so nothing can be checked",
                code="usage.no-columns",
                hint="list them after a colon: '100 rows of houses: id, size, price'",
            )
        spec = with_checks(wanted.spec, checks)
        return replace(wanted, spec=spec, tables=hinted_tables(spec))
    return wanted_of(with_checks(resolve(request), checks), n)


def _is_spec(text: str) -> bool:
    """Whether a text is a spec, or names its file or a class, rather than being a sentence."""
    named = text.lower().endswith(_FILES) or class_of(text) is not None
    return named or is_spec_text(text)


def _rows(kept: Kept, n: Size) -> Mapping[str, int]:
    """The numbers of rows that are to change."""
    if n is None:
        return {}
    numbers = n.values() if isinstance(n, Mapping) else (n,)
    if min(numbers, default=0) < 0:
        raise UsageError("rows must not be below 0", code="usage.bad-size")
    if isinstance(n, Mapping):
        return n
    return scaled(kept.rows, n) if kept.rows else {"all": n}


def _notes(ran: Ran) -> list[str]:
    return list(ran.fitted.notes) if ran.fitted is not None else []


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not a UTF-8 text"
        raise SourceError(
            f"`{os.fspath(path)}` can't be read: {(reason or str(error)).lower()}",
            code="source.missing" if isinstance(error, FileNotFoundError) else "source.unreadable",
            where=str(path),
            hint='`fabula program "100 rows of houses: id, size, price" -o out/` writes one',
        ) from error
