"""`fabula merge`: the shares of a run as one run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fabula.cli.arguments import read_share, read_spec
from fabula.cli.console import Talk, pasted
from fabula.cli.options import Read, verb
from fabula.cli.progress import progress
from fabula.errors import CheckError, PartialRunError


@verb()
def merge(
    talk: Talk,
    folders: Annotated[list[Path], typer.Argument(metavar="DIR", help="Folders of shares.")],
    *,
    output: Path | None = None,
    spec: str | None = None,
    key_file: Path | None = None,
    max_rejects: Annotated[float | None, Read(read_share)] = None,
    overwrite: bool = False,
) -> None:
    """Combine the shares of a run that several machines generated.

    Every share must be there, of one spec, seed and version. Checks that need all rows run now.

    Options:
        output: Folder of the run; by default the folder of all shares.
        spec (SPEC): The spec, where the shares could not note all of it.
        key_file (FILE): Key that replaces the people of real files; else FABULA_KEY_FILE.
        max_rejects (5%|N): Lost rows that are accepted.
        overwrite: Replace another run in the folder.
    """
    from fabula.runs.shares.merge import merge as run
    from fabula.runs.summary import run_text, wrote_line

    try:
        with progress(talk) as watch:
            dataset = run(
                folders,
                output=output,
                spec=None if spec is None else read_spec(spec),
                key_file=key_file,
                overwrite=overwrite,
                max_rejects=max_rejects,
                progress=watch,
            )
    except (CheckError, PartialRunError) as error:
        if error.dataset is not None:
            talk.say(f"{run_text(error.dataset)}\n{wrote_line(error.dataset)}")
        raise
    talk.say(f"{run_text(dataset)}\n{wrote_line(dataset)}")
    talk.hint(f"look at it with `fabula show {pasted(dataset.folder)}`; the shares can go")
