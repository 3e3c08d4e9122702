"""`conversations` into files, and what the command line names by files: texts and checks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Unpack

from fabula.augment.conversations.ask import ConversationOptions, conversations
from fabula.augment.conversations.result import Conversations
from fabula.augment.result_files import made_into, may_replace
from fabula.errors import UsageError
from fabula.schemas.documents import read_document
from fabula.training.export import Export, free_paths, plain_format, plan_export


def conversations_to_file(
    subject: str,
    n: int,
    file: Path,
    export: Mapping[str, Any],
    **options: Unpack[ConversationOptions],
) -> tuple[Conversations, Export]:
    """Hold conversations and write them, in the words of `Conversations.write`.

    Raises:
        SinkError: The file is there already, or can't be written.
        PartialRunError: Conversations are missing; those that came are in the file.
    """
    how = may_replace(file, export)
    columns = [*options.get("balance", {}), "moves", "messages"]
    planned = {name: how[name] for name in ("split", "stratify") if how.get(name)}
    form = how.get("format") or plain_format(file)
    wanted = plan_export(file, columns, {**planned, "format": form})
    free_paths(file, wanted, overwrite=how["overwrite"])
    return made_into(file, lambda: conversations(subject, n, **options), how)


def read_texts(path: Path) -> dict[str, Any]:
    """Texts by move from a YAML or JSON file.

    Raises:
        SourceError: The file can't be read.
        UsageError: It holds something else.
    """
    texts = read_document(path)
    if not isinstance(texts, Mapping) or not all(
        isinstance(text, str) or (isinstance(text, list) and all(isinstance(t, str) for t in text))
        for text in texts.values()
    ):
        raise UsageError(
            f"`{path}` holds no texts by move",
            code="usage.texts",
            hint="write `asks: [Where is order {{ order_id }}?, …]`",
        )
    return dict(texts)
