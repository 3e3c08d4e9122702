"""`fabula evaluate`: compares synthetic data with real data."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Unpack

import typer
from typing_extensions import TypedDict

from fabula.cli.arguments import Names, Words, read_spec
from fabula.cli.console import Talk
from fabula.cli.options import verb
from fabula.cli.progress import progress
from fabula.errors import GateError, UsageError

if TYPE_CHECKING:
    from fabula.evaluation.release_folder import Release
    from fabula.evaluation.report import Report


class Measuring(TypedDict, total=False):
    """What is measured.

    Options:
        real: The real data to compare with; for a release, the file that it was made from.
        holdout: Real rows that the synthesizer never saw.
        target (COLUMN): Column that models predict.
        positive (LABEL): Label of the target that counts as the good outcome.
        protected (COLUMNS): Groups of people: `sex,race`.
        quasi (COLUMNS): Quasi-identifiers: `age,postcode`.
        confidential (COLUMNS): Columns an attacker guesses from --quasi: `diagnosis`; by default
            all others.
        sensitive (COLUMNS): Real columns of any type whose values must not appear.
        sequence (ENTITY,TIME): Events in order: `customer_id,placed`.
        model (MODEL.fabula): What `fabula fit` wrote; warns where --real and --holdout are not its
            rows.
        sections (NAMES): Sections to measure: quality,privacy,bias,diversity.
        gates (METRIC>=X): A bound that must hold, such as `quality.shapes>=0.9`, or `default` for
            every metric's own; repeatable.
        seed: Seed of the sampled rows.
    """

    real: Path
    holdout: Path
    target: str
    positive: str
    protected: Names
    quasi: Names
    confidential: Names
    sensitive: Names
    sequence: Names
    model: Path
    sections: Names
    gates: Annotated[Words, "--gate"]
    seed: int


@verb()
def evaluate(
    talk: Talk,
    synthetic: Path,
    *,
    spec: str | None = None,
    output: Path | None = None,
    charts: Path | None = None,
    png: bool = False,
    form: Literal["table", "json", "markdown"] = "table",
    earlier: Path | None = None,
    **measured: Unpack[Measuring],
) -> None:
    """Measure how realistic, private, fair and diverse synthetic data is.

    Exits with 1 when a gate or a check fails, which blocks a build.

    Options:
        synthetic: A data file, a folder of them, a run's folder, or a folder of pictures.
        spec (SPEC): A spec whose checks the data must keep.
        output: Report to write: .html, .md or .json.
        charts: Folder for the charts as SVG files.
        png: Write the charts as PNG files, too.
        form: How the report is printed.
        earlier: For a release: the folder of an earlier release of the same people.
    """
    from fabula.evaluation.evaluate import evaluate as measure
    from fabula.evaluation.releases import evaluate_release
    from fabula.evaluation.report import check_form
    from fabula.evaluation.report_text import report_line
    from fabula.io.pictures import holds_pictures
    from fabula.io.places import check_free

    if holds_pictures(synthetic):
        from fabula.cli.pictures import evaluate_folders

        others = {"spec": spec, "charts": charts, "png": png, "earlier": earlier}
        evaluate_folders(
            talk, synthetic, output=output, form=form, measured=measured, others=others
        )
        return
    release = _release(synthetic, measured.get("real"), earlier)
    output = output or (synthetic / "report.html" if release else None)
    if output is not None:
        check_form(output)
        check_free(output, overwrite=True)
    if charts is not None:
        check_free(charts, overwrite=True, folder=True)
    if release is None:
        with progress(talk, unit="metric", lines=False) as watch:
            report = measure(
                synthetic, spec=read_spec(spec) if spec else None, progress=watch, **measured
            )
    else:
        _only_gates([*measured, *(["spec"] if spec else [])])
        how: dict[str, Any] = {name: value for name, value in measured.items() if name != "real"}
        report = evaluate_release(release, earlier=earlier, **how)
    _print(talk, report, form)
    talk.say(report_line(report))
    if release is None and not any("real" in table.rows for table in report.tables):
        talk.hint(f"compare it with real data: `fabula evaluate {synthetic} --real REAL`")
    if charts:
        report.write_charts(charts, png=png)
        talk.say(f"Wrote {len(report.charts())} charts to `{charts}/`")
    if output:
        report.write(output)
        good = ", marked RELEASABLE" if release else ""
        talk.say(f"Wrote `{output}`{good if report.passed else ', marked NOT RELEASABLE'}")
    try:
        report.raise_for_gates()
    except GateError as error:
        if output:
            error.hint = f"`{output}` says what each number means"
        raise


def _print(talk: Talk, report: Report, form: str) -> None:
    """Print the report; for machine-readable forms, warnings go to standard error."""
    forms = {"json": report.to_json, "markdown": report.to_markdown}
    typer.echo(forms.get(form, report.report)())
    if form != "table":
        for warning in (said for table in report.tables for said in table.warnings):
            talk.say(f"warning: {warning}")


def _release(folder: Path, real: Path | None, earlier: Path | None) -> Release | None:
    """The release in a folder; None if it is not one, or was not made from the real rows."""
    from fabula.evaluation.release_folder import Release

    release = Release.of(folder, real)
    if release is not None and real is not None and not (real.is_file() and release.is_of):
        release = None
    if earlier is not None and release is None:
        raise UsageError(
            f"`{folder}` is not a release, so `--earlier` has nothing to compare",
            code="usage.option",
            hint="leave `--earlier` out, or give the folder of a release",
        )
    return release


def _only_gates(options: Collection[str]) -> None:
    """Reject options that a release's own spec already sets."""
    if others := sorted({*options} - {"gates", "seed", "real"}):
        raise UsageError(
            f"a release is measured as its spec says, not with `--{others[0]}`",
            code="usage.option",
            hint="leave it out, or name the real rows with `--real` to measure it otherwise",
        )
