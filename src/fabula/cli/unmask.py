"""`fabula unmask`: restores masked values for those who have the key and the map."""

from __future__ import annotations

from pathlib import Path

from fabula.cli.console import Talk
from fabula.cli.group import new_app
from fabula.cli.options import verb
from fabula.cli.progress import progress

app = new_app()


@verb(app)
def unmask(
    talk: Talk,
    data: list[Path],
    *,
    map: Path,  # noqa: A002  (the word that users know)
    output: Path,
    key_file: Path | None = None,
    overwrite: bool = False,
) -> None:
    """Put the real values back into masked files, with the key and the map.

    Rows are found by their table's key, so a subset of rows is enough; without a key, by their
    position. Values changed since the masking are left alone.

    Example: `fabula unmask masked/ --map crm.map --key-file crm.key -o real/`

    Options:
        data (DATA): Masked files, or folders of them.
        map (FILE): The map that `fabula mask --map FILE` wrote.
        output: Folder to write; for one table also a file.
        key_file (FILE): The key of the masking; else FABULA_KEY_FILE.
        overwrite: Replace what is there.
    """
    from fabula.privacy.unmask import unmask as restore
    from fabula.render import amounts

    with progress(talk) as watch:
        done = restore(
            data, output=output, map=map, key_file=key_file, overwrite=overwrite, progress=watch
        )
    for name, left in done.left.items():
        if left:
            talk.say(
                f"warning: {name}: {amounts.count(left, 'row')} not in the map, left unchanged"
            )
    values = amounts.count(sum(done.restored.values()), "value")
    talk.say(f"Wrote `{output}` ({values} are real again)")
