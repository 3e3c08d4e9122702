"""`fabula export`: a table as a set to train a model with."""

from __future__ import annotations

from pathlib import Path
from typing import Unpack

from fabula.cli.arguments import Exporting, Words
from fabula.cli.console import Talk, pasted
from fabula.cli.options import verb


@verb()
def export(
    talk: Talk,
    data: Path,
    *,
    output: Path,
    form: str = "",
    assistant: Words = (),
    score: Words = (),
    **wanted: Unpack[Exporting],
) -> None:
    """Export a table as a training dataset.

    No input is in two parts of a split. `fabula validate FILE.jsonl` checks the result.

    Options:
        data (DATA): A file, or a run of one table.
        output: File to write, or with --split a folder.
        form: `chat-jsonl`, `completion-jsonl`, `alpaca`, `sharegpt`, `preference`, a file
            format (`csv`, `parquet`, `jsonl`, `arrow`) or that of a plug-in; by default
            `chat-jsonl`, or the format of the rows as they are that another file's ending names.
        user (COLUMN|TEMPLATE): What the user says: a column, or '{{ product }}, {{ category }}';
            without it and `--assistant`, the conversations in `messages` or `conversations` are
            written.
        assistant (COLUMN|TEMPLATE): What the assistant answers; repeatable for `preference`.
        score (COLUMN): Grade of an answer, for `preference`; repeatable.
    """
    from fabula.training.export import export as write

    written = write(data, output, format=form, assistant=assistant, score=score, **wanted)
    talk.say(written.report())
    training = written.tokens is not None
    look = "check it with `fabula validate" if training else "look at it with `fabula show"
    talk.hint(f"{look} {pasted(written.files[0].path)}`")
