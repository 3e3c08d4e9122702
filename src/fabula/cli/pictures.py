"""`fabula fit`, `sample` and `evaluate` on folders of pictures."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import typer

from fabula.cli.console import Talk, pasted
from fabula.cli.progress import progress
from fabula.errors import UsageError


def fit_folder(
    talk: Talk,
    data: Path,
    output: Path,
    *,
    learned: Mapping[str, Any],
    options: Mapping[str, Any],
    others: Mapping[str, Any],
) -> None:
    """Learn a folder of pictures; `others` are options that tables alone have."""
    from fabula.synthesizers.pictures.learned import fit_pictures

    _only(learned, ("model", "holdout", "seed"))
    _only(options, ("size", "steps", "hidden", "max_seconds"))
    _only({name: value for name, value in others.items() if value}, ())
    given = dict(options)
    if "size" in given:
        size = given["size"]
        given["size"] = tuple(size) if isinstance(size, list) else (size, size)
    with progress(talk) as watch:
        model = fit_pictures(data, progress=watch, **learned, **given)
    talk.say(model.report())
    model.save(output)
    talk.say(f"Wrote `{output}`")
    talk.hint(f"draw pictures with `fabula sample {pasted(output)} -n 1000 -o pictures/`")


def sample_folder(
    talk: Talk,
    file: Path,
    n: int | None,
    output: Path | str | None,
    *,
    given: Mapping[str, Any],
    seed: int,
    others: Mapping[str, Any],
) -> None:
    """Draw pictures into a folder; `others` are options that tables alone have."""
    from fabula.synthesizers.pictures.learned import PictureSynthesizer

    _only(given, ("label",))
    _only({name: value for name, value in others.items() if value}, ())
    if output is None:
        raise UsageError(
            "pictures need a folder", code="usage.output", hint="name one: `-o pictures/`"
        )
    model = PictureSynthesizer.load(file)
    count = 1_000 if n is None else n
    label = given.get("label")
    folder = model.write(output, count, label=None if label is None else str(label), seed=seed)
    talk.say(f"Wrote {count:,} pictures to `{folder}/`")


def evaluate_folders(
    talk: Talk,
    synthetic: Path,
    *,
    output: Path | None,
    form: str,
    measured: Mapping[str, Any],
    others: Mapping[str, Any],
) -> None:
    """Compare a folder of pictures with real ones; `others` are options that tables alone have."""
    from fabula.io.places import check_free, write_text
    from fabula.synthesizers.pictures.judging import evaluate_pictures

    _only(measured, ("real", "seed"))
    _only({name: value for name, value in others.items() if value}, ())
    if measured.get("real") is None:
        raise UsageError(
            "pictures are compared with real ones",
            code="usage.real",
            hint="name their folder: `--real FOLDER`",
        )
    if output is not None:
        check_free(output, overwrite=True)
    report = evaluate_pictures(measured["real"], synthetic, seed=measured.get("seed") or 0)
    told = json.dumps(report.to_dict(), indent=2)
    typer.echo(told if form == "json" else report.report())
    if output is not None:
        write_text(output, (told if output.suffix == ".json" else report.report()) + "\n")
        talk.say(f"Wrote `{output}`")


def _only(given: Mapping[str, Any], known: Collection[str]) -> None:
    """Refuse options that pictures don't have."""
    if unknown := [name for name in given if name not in known]:
        has = f"they have {', '.join(f'`{name}`' for name in known)}" if known else "leave it out"
        raise UsageError(f"pictures have no option `{unknown[0]}`", code="usage.option", hint=has)
