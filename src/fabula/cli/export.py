"""`fabula export`: writes a table as a training dataset."""

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
    against: Path | None = None,
    likeness: float | None = None,
    card: bool = False,
    license: str = "",  # noqa: A002  (the option's name)
    **wanted: Unpack[Exporting],
) -> None:
    """Export a table as a training dataset.

    No input occurs in two parts of a split. `fabula validate FILE.jsonl` checks the result.

    Options:
        data (DATA): A file, or a run of one table.
        output: File to write, or with --split a folder.
        form (FORMAT): `chat-jsonl`, `completion-jsonl`, `alpaca`, `sharegpt`, `trl-chat`,
            `preference`, `trl-preference`, `trl-unpaired`, `trl-prompt`, `axolotl-preference`,
            `segments`, `text`, a file format (`csv`, `parquet`, `jsonl`, `arrow`) or a plug-in's;
            by default `chat-jsonl`, or plain rows in the format that the file's ending names.
        user (COLUMN|TEMPLATE): The user's message: a column, or '{{ product }}, {{ category }}';
            without it and `--assistant`, the conversations in `messages` or `conversations` are
            written.
        assistant (COLUMN|TEMPLATE): The assistant's answer; repeatable for `preference`.
        score (COLUMN): Grade of an answer, for `preference`; repeatable.
        against (FILE): Evaluation file; rows that overlap with it are left out: 13 words in a row,
            or the same in other words.
        card: Write a README.md into the folder, which the Hub and `datasets` read.
        license (ID): Licence that the card names: `cc-by-4.0`.
        likeness: Similarity from which two texts count as the same, 0 to 1; 1 finds shared
            words alone.
    """
    from fabula.training.export import export as write

    written = write(
        data,
        output,
        format=form,
        assistant=assistant,
        score=score,
        against=against,
        likeness=likeness,
        card=card,
        license=license,
        **wanted,
    )
    talk.say(written.report())
    training = written.tokens is not None
    look = "check it with `fabula validate" if training else "look at it with `fabula show"
    talk.hint(f"{look} {pasted(written.files[0].path)}`")
