"""`fabula view`: a local page over a run, a folder of runs, a spec, a data file or a report."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from fabula.cli.console import Talk
from fabula.cli.options import verb


@verb()
def view(
    talk: Talk,
    target: Path = Path(),
    *,
    port: int = 0,
    browser: Annotated[bool, typer.Option("--browser/--no-browser")] = True,
) -> None:
    """Look at runs and data in a local page; edit specs and run them.

    Rows with search, filters and sorting, each row with how its values were made, columns, rejected
    rows, the report and the spec. A spec opens in an editor that checks it while you type. The page
    is served to this machine alone, behind a token, until Ctrl-C; it asks for nothing from outside.

    Options:
        target (RUN|FOLDER|FILE): What to look at; by default the runs and specs in this folder.
        port: The port on 127.0.0.1; 0 takes a free one.
        browser: Open it in the browser.
    """
    from fabula.web.server import view

    with view(target, port=port, open_browser=browser) as shown:
        talk.say(f"Serving `{target}` at {shown.url}")
        talk.hint("stop it with Ctrl-C")
        with suppress(KeyboardInterrupt):  # the usual way to stop it
            shown.wait()
