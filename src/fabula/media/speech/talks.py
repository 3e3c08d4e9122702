"""Conversations of a training set as recordings, a voice for each role."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from fabula.errors import SourceError, UsageError
from fabula.io.names import output_path
from fabula.io.places import check_free
from fabula.io.tables import as_table
from fabula.kinds.speech import Speech
from fabula.media.labels import write_labels
from fabula.media.making import DocumentRow
from fabula.media.places import FOLDER_ROWS, media_folder, truth_path
from fabula.media.speech.recording import SpeechMaker
from fabula.media.speech.voices import check_speech
from fabula.training.turns import read_turns
from fabula.types import TableLike

SPOKEN = ("user", "assistant")
_TABLE, _COLUMN = "talks", "recording"


def speak(
    conversations: TableLike,
    output: Path | str,
    *,
    voices: Mapping[str, str] | None = None,
    column: str = "messages",
    format: Literal["wav", "flac", "mp3"] = "wav",  # noqa: A002  (the word that users know)
    pause: float | tuple[float, float] = (0.2, 0.6),
    overlap: float = 0.0,
    telephone: bool = False,
    noise: float = 0.0,
    seed: int = 0,
) -> int:
    """Speak a set of conversations: a recording each, with the times of turns and words.

    The turns of users and assistants are spoken; instructions, calls of tools and their answers
    are left out.

    Args:
        conversations: Rows with a list of messages each, such as a JSONL file of
            `fabula conversations`.
        output: A folder that is empty or missing.
        voices: The voice of each role; by default `en-gb` for users and `en-us` for assistants.
        column: The column of the messages.
        format: `wav`, `flac` or `mp3`.
        pause: Seconds between turns, or the shortest and the longest.
        overlap: Share of turns that begin while the one before still speaks.
        telephone: Only what a telephone lets through.
        noise: How loud noise is, from 0 to 1.
        seed: Where chance starts.

    Returns:
        The number of recordings.

    Raises:
        PrerequisiteError: The extra `speech` is missing.
        UsageError: A setting is out of its range.
        SourceError: A row has no conversation in it.
        SinkError: The output contains something.
    """
    chosen = dict(zip(SPOKEN, ("en-gb", "en-us"), strict=True)) | dict(voices or {})
    settings = {"format": format, "pause": pause, "overlap": overlap, "noise": noise}
    named = {"text": "text", "turns": "turns", "speaker": "speaker", "voice_column": "voice"}
    voiced = {"voice": tuple(chosen.values()), "telephone": telephone}
    try:
        spec = Speech.model_validate({**named, **voiced, **settings})
    except ValidationError as exc:
        fault = exc.errors()[0]
        raise UsageError(
            f"`{fault['loc'][0]}`: {fault['msg']}",
            code="usage.speak",
            hint="`fabula kinds speech` lists the ranges",
        ) from exc
    check_speech(spec)
    folder = output_path(output)
    check_free(folder, folder=True)
    rows = as_table(conversations)
    if column not in rows.column_names:
        raise SourceError(
            f"the conversations have no column `{column}`",
            code="source.missing-column",
            where=column,
            hint="name the column of the messages: `column=`",
        )
    maker = SpeechMaker(folder, _TABLE, _COLUMN, spec, seed)
    truths = []
    try:
        for first in range(0, rows.num_rows, FOLDER_ROWS):
            listed = rows.column(column).slice(first, FOLDER_ROWS).to_pylist()
            spoken = [_row(at, messages, chosen) for at, messages in enumerate(listed, first)]
            maker.make(first // FOLDER_ROWS, spoken)
            truths.append(truth_path(_TABLE, _COLUMN, first // FOLDER_ROWS))
    finally:
        maker.close()
    write_labels(folder, truths, (), media_folder(_TABLE, _COLUMN))
    return int(rows.num_rows)


def _row(number: int, messages: Any, voices: Mapping[str, str]) -> DocumentRow:
    """A conversation as the row of a recording."""
    listed = json.loads(messages) if isinstance(messages, str) else messages
    turns = read_turns(listed)
    spoken = [
        {"text": turn.text, "speaker": turn.role, "voice": voices[turn.role]}
        for turn in turns or ()
        if turn.role in voices and turn.text.strip()
    ]
    if not spoken:
        raise SourceError(
            f"row {number + 1} has no turn that can be spoken",
            code="source.no-conversation",
            where=f"row {number + 1}",
            hint="each row is a list of messages with `role` and `content`",
        )
    return DocumentRow(number, {}, spoken)
