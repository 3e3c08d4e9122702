"""Makes the documents of a run when all its tables are made and checked."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from fabula.checks.data import ROW_NUMBER, Data
from fabula.io.read import TableRows
from fabula.kinds.base.sql import quoted
from fabula.kinds.document import Document
from fabula.kinds.image import Image
from fabula.kinds.reference import Reference
from fabula.kinds.speech import Speech
from fabula.kinds.video import Video
from fabula.llm.client.chat import ChatModel
from fabula.media.catalogue import template
from fabula.media.filming import check_video
from fabula.media.images import ImageMaker, check_pictures
from fabula.media.labels import write_labels
from fabula.media.making import AbstractMaker, DocumentMaker, DocumentRow
from fabula.media.places import FOLDER_ROWS, media_folder, truth_path
from fabula.media.speech.recording import SpeechMaker
from fabula.media.speech.voices import check_speech
from fabula.media.truth import records_of
from fabula.media.typesetting import Typesetter
from fabula.media.video import ClipMaker, VideoMaker
from fabula.planning.documents import DocumentPlan, document_plans, model_of
from fabula.planning.plan import Plan
from fabula.runs.executor import LocalExecutor
from fabula.spec.tables import TableSpec

logger = logging.getLogger(__name__)


def check_documents(plan: Plan) -> None:
    """Make sure, before any row is made, that documents can be.

    Raises:
        PrerequisiteError: The extra `media` or `speech` is missing.
        SourceError: A folder of fonts is missing.
    """
    for documents in document_plans(plan.spec):
        if isinstance(documents.spec, Speech):
            check_speech(documents.spec)
            continue
        if isinstance(documents.spec, Image):
            check_pictures()
            continue
        if isinstance(documents.spec, Video):
            check_video()
            continue
        form = documents.spec.template
        if not form.endswith(".html"):
            Typesetter(template(form), documents.spec.fonts).close()


def make_documents(
    plan: Plan,
    rows_of: Callable[[str], TableRows],
    folder: Path,
    workers: int,
    open_model: Callable[[ChatModel], ChatModel] | None = None,
) -> tuple[dict[str, Any], list[str]]:
    """Make the documents, recordings and pictures that a run's folder lacks.

    Returns:
        What the manifest tells of them, by table and column; and the names of the files that tell
        the truth about them.

    Raises:
        PrerequisiteError: The extra `media` or `speech` is missing.
        SourceError: A template is missing or wrong.
        SinkError: A file can't be written.
    """
    told: dict[str, Any] = {}
    names: list[str] = []
    plans = document_plans(plan.spec)
    if not plans:
        return told, names
    with Data({name: rows_of(name) for name in plan.order}) as data:
        for documents in plans:
            made = _Documents(plan, documents, data, folder)
            made.make(workers, open_model)
            card, truths = made.told()
            told[f"{documents.table}.{documents.column}"] = card
            place = media_folder(documents.table, documents.column)
            labels = documents.spec.labels if isinstance(documents.spec, Document) else ()
            names += [*truths, *write_labels(folder, truths, labels, place)]
    return told, names


class _Documents:
    """The documents of one column."""

    def __init__(self, plan: Plan, documents: DocumentPlan, data: Data, folder: Path) -> None:
        self._spec, self._documents, self._data, self._folder = plan.spec, documents, data, folder
        self._seed, self._lock, self._stopped = plan.seed, threading.Lock(), threading.Event()
        table = plan.spec.tables[documents.table]
        after, rows = table.after, self._rows()
        self._folders = range(after // FOLDER_ROWS, -(-(after + rows) // FOLDER_ROWS))

    def make(self, workers: int, open_model: Callable[[ChatModel], ChatModel] | None) -> None:
        """Make the folders that are missing."""
        asked = self._documents
        where = (self._folder, asked.table, asked.column)
        maker: AbstractMaker
        named = model_of(asked.spec) or ""
        model, opens = self._spec.models.get(named, named), open_model or (lambda chat: chat)
        if isinstance(asked.spec, Speech):
            maker = SpeechMaker(*where, asked.spec, self._seed, model=model, open_model=opens)
        elif isinstance(asked.spec, Image):
            maker = ImageMaker(*where, asked.spec, model=model, open_model=opens)
        elif isinstance(asked.spec, Video) and asked.spec.prompt is not None:
            maker = ClipMaker(*where, asked.spec, model=model, open_model=opens)
        elif isinstance(asked.spec, Video):
            maker = VideoMaker(*where, asked.spec, self._seed)
        else:
            maker = DocumentMaker(*where, asked.spec, self._seed)

        def make_folder(folder: int) -> None:
            if self._stopped.is_set():
                raise KeyboardInterrupt
            with self._lock:
                rows = list(self._rows_of(folder))
            maker.make(folder, rows)

        missing = [folder for folder in self._folders if not maker.is_made(folder)]
        try:
            for _ in LocalExecutor(workers, on_stop=self._stopped.set).map(make_folder, missing):
                pass
        finally:
            maker.close()

    def told(self) -> tuple[dict[str, Any], list[str]]:
        """What the manifest tells, and the names of the truth files."""
        asked = self._documents
        counts: Counter[str] = Counter(documents=0)
        letters: set[str] = set()
        settings: Counter[str] = Counter()
        unknown: Counter[str] = Counter()
        reasons: Counter[str] = Counter()
        names = [truth_path(asked.table, asked.column, folder) for folder in self._folders]
        for name in names:
            for record in records_of(self._folder / name):
                counts["documents"] += not record.get("missing")
                counts["files"] += len(record["files"])
                counts["pages"] += len(record.get("pages", ()))
                counts["bytes"] += sum(file["bytes"] for file in record["files"])
                counts["differs"] += bool(record.get("differs"))
                counts["tries"] += record.get("tries", 0)
                counts["missing"] += bool(record.get("missing"))
                reasons.update([record["missing"]] if record.get("missing") else ())
                replaced = record.get("replaced", {})
                settings.update(f"{setting} `{value}`" for setting, value in replaced.items())
                unknown.update(record.get("unknown", ()))
                counts["silent"] += bool(record.get("silent"))
                counts["unread"] += bool(record.get("unread"))
                counts["unprintable"] += bool(record.get("unprintable"))
                letters |= set(record.get("unprintable", ""))
                if defect := record.get("defect"):
                    counts[f"{defect['what']}_{defect['field']}"] += 1
        self._say(counts, letters, settings, unknown)
        lines = (
            {"lines": asked.lines[0], "line_fields": dict(asked.line_fields)} if asked.lines else {}
        )
        card = {
            "folder": media_folder(asked.table, asked.column),
            **({"template": asked.spec.template} if isinstance(asked.spec, Document) else {}),
            "formats": list(asked.spec.endings),
            "fields": dict(asked.fields),
            **lines,
            **(
                {"model": asked.spec.model}
                if isinstance(asked.spec, Speech | Image | Video)
                else {}
            ),
            **counts,
            **({"reasons": dict(reasons)} if reasons else {}),
        }
        return card, names

    def _say(
        self,
        counts: Mapping[str, int],
        letters: set[str],
        settings: Counter[str],
        unknown: Counter[str],
    ) -> None:
        """Warn where a document does not show what its row says."""
        asked = self._documents
        where = f"`{asked.table}.{asked.column}`"
        if counts["unprintable"]:
            shown = " ".join(sorted(letters)[:20])
            logger.warning(
                "%s: no font has some characters of %d documents (%s); name a folder of fonts: "
                "`fonts: FOLDER`",
                where,
                counts["unprintable"],
                shown,
            )
        if settings:
            shown = ", ".join(f"{name} in {count:,}" for name, count in settings.most_common(5))
            logger.warning(
                "%s: rows ask for what the template does not have (%s); those documents have the "
                "usual one, and `replaced` in the truth tells",
                where,
                shown,
            )
        if unknown:
            logger.warning(
                "%s: the template prints %s, which no field gives; nothing stands there",
                where,
                ", ".join(f"`{name}` (documents: {count:,})" for name, count in unknown.items()),
            )
        if counts["silent"]:
            logger.warning(
                "%s: %d recordings have texts that are empty, and are silent there; `silent` in "
                "the truth tells",
                where,
                counts["silent"],
            )
        if counts["unread"]:
            logger.warning(
                "%s: %d documents have values that are not read back from the PDF; they stand "
                "under `unread` in the truth",
                where,
                counts["unread"],
            )
        if counts["differs"]:
            logger.warning(
                "%s: in %d documents an amount of the row is not what follows from its lines; "
                "the amount of the row is printed",
                where,
                counts["differs"],
            )
        if not asked.fields and isinstance(asked.spec, Document):
            logger.warning(
                "%s: no column fills a field of the template; map them by `fields`", where
            )

    def _rows(self) -> int:
        """The rows that were asked for, those lost included: the highest number that a path has."""
        asked = self._documents
        view, column = self._data.view(asked.table), quoted(asked.column)
        longest = f"ORDER BY length({column}) DESC, {column} DESC LIMIT 1"
        found = self._data.query(f"SELECT {column} FROM {view} WHERE {column} NOT NULL {longest}")
        if not found:
            return 0
        ((last,),) = found
        number = int(str(last).rpartition("/")[2].partition(".")[0])
        return number + 1 - self._spec.tables[asked.table].after

    def _rows_of(self, folder: int) -> Iterator[DocumentRow]:
        """The rows of a folder, each with its lines."""
        asked = self._documents
        table = self._spec.tables[asked.table]
        prefix = f"{media_folder(asked.table, asked.column)}/{folder:05d}/".replace("'", "''")
        here = f"starts_with(t.{quoted(asked.column)}, '{prefix}')"
        selected, joins = self._selected(table, asked.fields.values())
        key = f", t.{quoted(asked.key)}" if asked.key else ", NULL"
        view = self._data.view(asked.table)
        path = f"t.{quoted(asked.column)}"
        rows = self._data.query(
            f"SELECT {path}{key}{selected} FROM {view} t {joins} WHERE {here} ORDER BY 1"
        )
        lines = self._lines_of(f"SELECT {key[2:]} FROM {view} t WHERE {here}")
        for name, own, *values in rows:
            number = int(name.rpartition("/")[2].partition(".")[0])
            fields = dict(zip(asked.fields, values, strict=True))
            yield DocumentRow(number, fields, lines.get(own, []))

    def _lines_of(self, keys: str) -> dict[Any, list[dict[str, Any]]]:
        """The lines of some rows by their key, in the order of their table."""
        asked = self._documents
        if asked.lines is None:
            return {}
        child, link = asked.lines
        table = self._spec.tables[child]
        selected, joins = self._selected(table, asked.line_fields.values())
        own = {source.partition(".")[0] for source in asked.line_fields.values()} | {link}
        own = {name for name in [*own, *asked.line_fields.values()] if name in table.columns}
        found: dict[Any, list[dict[str, Any]]] = {}
        sql = (
            f"SELECT t.{quoted(link)}{selected} FROM numbered t {joins} "
            f"WHERE t.{quoted(link)} IN ({keys}) ORDER BY t.{quoted(ROW_NUMBER)}"
        )
        for key, *values in self._data.numbered(child, sorted(own), sql):
            line = dict(zip(asked.line_fields, values, strict=True))
            found.setdefault(key, []).append(line)
        return found

    def _selected(self, table: TableSpec, sources: Any) -> tuple[str, str]:
        """The columns of a query, and the parents that it joins."""
        selected, joins = [], {}
        for source in sources:
            if source in table.columns:
                selected.append(f"t.{quoted(source)}")
                continue
            reference, _, attribute = source.partition(".")
            column = table.columns[reference]
            assert isinstance(column, Reference)
            parent = self._spec.tables[column.parent]
            key = column.parent_column or parent.key[0]
            alias = quoted(f"parent {reference}")
            joins[reference] = (
                f"LEFT JOIN {self._data.view(parent.name)} {alias} "
                f"ON t.{quoted(reference)} = {alias}.{quoted(key)}"
            )
            selected.append(f"{alias}.{quoted(attribute)}")
        return "".join(f", {each}" for each in selected), " ".join(joins.values())
