"""`fabula evaluate`: is synthetic data realistic, private, fair and varied, alongside real data?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from fabula.cli.arguments import read_names, read_spec
from fabula.cli.console import Talk
from fabula.cli.group import new_app

app = new_app()


@app.command()
def evaluate(
    ctx: typer.Context,
    synthetic: Annotated[
        Path, typer.Argument(help="A data file, a folder of them, or a run's folder.")
    ],
    *,
    real: Annotated[
        Path | None, typer.Option("--real", help="The real data that it should be like.")
    ] = None,
    holdout: Annotated[
        Path | None, typer.Option("--holdout", help="Real rows that the synthesizer never saw.")
    ] = None,
    target: Annotated[
        str | None,
        typer.Option("--target", metavar="COLUMN", help="What models predict; the outcome."),
    ] = None,
    positive: Annotated[
        str | None,
        typer.Option("--positive", metavar="LABEL", help="The target's label that counts as good."),
    ] = None,
    protected: Annotated[
        str, typer.Option("--protected", metavar="COLUMNS", help="Groups of people: `sex,race`.")
    ] = "",
    quasi: Annotated[
        str,
        typer.Option("--quasi", metavar="COLUMNS", help="What singles people out: `age,postcode`."),
    ] = "",
    sensitive: Annotated[
        str,
        typer.Option(
            "--sensitive",
            metavar="COLUMNS",
            help="Real columns, of any type, whose values must occur nowhere.",
        ),
    ] = "",
    sequence: Annotated[
        str,
        typer.Option(
            "--sequence", metavar="ENTITY,TIME", help="Events in order: `customer_id,placed`."
        ),
    ] = "",
    spec: Annotated[
        str | None, typer.Option("--spec", help="A spec whose checks the data must keep.")
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(
            "--model",
            metavar="MODEL.fabula",
            help="What `fabula fit` wrote; warns where --real and --holdout are not its rows.",
        ),
    ] = None,
    sections: Annotated[
        str,
        typer.Option("--sections", metavar="NAMES", help="Some of quality,privacy,bias,diversity."),
    ] = "",
    gate: Annotated[
        list[str] | None,
        typer.Option(
            "--gate",
            metavar="METRIC>=X",
            help="A bound that must hold, such as `quality.shapes>=0.9`, or `default` for every "
            "metric's own; repeatable.",
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Report to write: .html, .md or .json.")
    ] = None,
    charts: Annotated[
        Path | None, typer.Option("--charts", help="Folder for the charts as SVG files.")
    ] = None,
    png: Annotated[bool, typer.Option("--png", help="Write the charts as PNG files, too.")] = False,
    seed: Annotated[int, typer.Option("--seed", help="Decides which rows are sampled.")] = 0,
    form: Annotated[
        Literal["table", "json", "markdown"],
        typer.Option("--format", help="How the report is printed."),
    ] = "table",
) -> None:
    """Tell how realistic, private, fair and varied synthetic data is.

    Exit code 1 when a gate or a check fails, so that a build can be blocked on it.
    """
    from fabula import api
    from fabula.evaluation.report import check_form
    from fabula.evaluation.report_text import report_line, report_text
    from fabula.io.places import check_free

    talk: Talk = ctx.obj
    if output is not None:
        check_form(output)
        check_free(output, overwrite=True)
    if charts is not None:
        check_free(charts, overwrite=True, folder=True)
    report = api.evaluate(
        synthetic,
        real=real,
        holdout=holdout,
        target=target,
        positive=positive,
        protected=read_names(protected),
        quasi=read_names(quasi),
        sensitive=read_names(sensitive),
        sequence=read_names(sequence),
        spec=read_spec(spec) if spec else None,
        model=model,
        sections=read_names(sections) or None,
        gates=gate or False,
        seed=seed,
    )
    if form == "json":
        typer.echo(report.to_json())
    elif form == "markdown":
        typer.echo(report.to_markdown())
    else:
        typer.echo(report_text(report))
    if form != "table":
        for warning in (said for table in report.tables for said in table.warnings):
            talk.say(f"warning: {warning}")
    talk.say(report_line(report))
    if charts:
        report.write_charts(charts, png=png)
        talk.say(f"Wrote {len(report.charts())} charts to `{charts}/`")
    if output:
        report.write(output)
        talk.say(f"Wrote `{output}`{'' if report.passed else ', marked NOT RELEASABLE'}")
    report.raise_for_gates()
