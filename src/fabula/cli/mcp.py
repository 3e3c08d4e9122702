"""`fabula mcp`: tools for assistants, in one folder."""

from __future__ import annotations

from pathlib import Path

from fabula.cli.arguments import Positive
from fabula.cli.console import Talk
from fabula.cli.options import verb


@verb()
def mcp(
    talk: Talk,
    folder: Path = Path(),
    *,
    max_rows: Positive = 100_000,
    max_seconds: Positive = 120,
    allow_model: bool = False,
) -> None:
    """Serve tools to an assistant, over stdin and stdout (Model Context Protocol).

    The assistant reads and writes files of one folder, and nothing else: no code, no database, no
    address. Stop it with Ctrl-C, or by closing its input.

    Options:
        folder (FOLDER): What the assistant may use; by default this folder.
        max_rows: Rows that one call may make.
        max_seconds: Seconds that one call may take.
        allow_model: Let specs ask language models over the network, with this terminal's keys.
    """
    from fabula.errors import PrerequisiteError, UsageError

    try:
        from fabula.assistants.server import server
    except ImportError as exc:
        raise PrerequisiteError.for_extra("mcp", needed_by="`fabula mcp`") from exc
    from fabula.assistants.bounds import Bounds

    root = folder.resolve()
    if not root.is_dir():
        raise UsageError(
            f"there is no folder `{folder}`", code="usage.output", hint=f"mkdir {folder}"
        )
    talk.say(f"Serving `{root}` to an assistant; waiting for its messages on stdin")
    bounds = Bounds(max_rows=max_rows, max_seconds=max_seconds, allow_model=allow_model)
    server(root, bounds).run("stdio")
