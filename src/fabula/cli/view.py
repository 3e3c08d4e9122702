"""`fabula view`: serves a local page about runs, a data file or a report."""

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
    """Look at runs and data in a local page.

    The page shows rows with search, filters and sorting, how each row's values were made, columns,
    rejected rows, the report and the spec. It is served to this machine only, behind a token, until
    Ctrl-C. It loads nothing from outside and writes nothing.

    Options:
        target (RUN|FOLDER|FILE): What to look at; by default the runs in this folder.
        port: The port on 127.0.0.1; 0 takes a free one.
        browser: Open it in the browser.
    """
    from fabula.web.server import view

    with view(target, port=port, open_browser=browser) as shown:
        talk.say(f"Serving `{target}` at {shown.url}")
        talk.hint("stop it with Ctrl-C")
        with suppress(KeyboardInterrupt):  # the usual way to stop it
            shown.wait()
