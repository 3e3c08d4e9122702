"""Videos of one column: pages worn from frame to frame, with their boxes, or a model's clips."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fabula.errors import SourceError
from fabula.io.run_files import inside
from fabula.kinds.video import Video
from fabula.media.filming import BLOCK, Frame, mp4, severities
from fabula.media.images import AbstractPromptMaker
from fabula.media.labels import items_of
from fabula.media.making import AbstractMaker, DocumentRow
from fabula.media.places import FOLDER_ROWS, document_path, truth_path
from fabula.media.probing import UnreadableError, video_of
from fabula.media.scans import corners_of, opened, seen, worn
from fabula.media.truth import records_of
from fabula.streams import stream

NEAR = 0.5
"""Seconds by which a clip may be shorter or longer: models count in frames."""
Boxes = list[tuple[str, Any]]
"""The fields of a page, each with the four corners of its box."""


class VideoMaker(AbstractMaker):
    """Makes the videos of one column from the documents of another."""

    def __init__(self, folder: Path, table: str, column: str, spec: Video, seed: int) -> None:
        super().__init__(folder, table, column)
        self._spec, self._seed, self._of = spec, seed, str(spec.of)
        self._boxes: dict[int, Boxes] = {}

    def close(self) -> None:
        """Nothing is held."""

    def _prepare(self, rows: Sequence[DocumentRow]) -> None:
        """Read where the fields of the documents stand."""
        for folder in {row.number // FOLDER_ROWS for row in rows}:
            truth = self._folder / truth_path(self._table, self._of, folder)
            self._boxes |= {record["row"]: _boxes(record) for record in records_of(truth)}

    def _made(self, row: DocumentRow, other: Any) -> dict[str, Any]:
        del other
        spec, boxes = self._spec, self._boxes.pop(row.number, [])
        name = document_path(self._table, self._of, row.number, "png")
        try:
            page = inside(self._folder, name).read_bytes()
        except OSError as exc:
            raise SourceError(
                f"`{name}` can't be read: {exc.strerror or exc}",
                code="source.unreadable",
                where=name,
                hint="run the same command again: documents that are missing are made again",
            ) from exc
        corners = np.array([quad for _, quad in boxes], dtype=float).reshape(-1, 4, 2)
        told: list[dict[str, Any]] = []

        def frames() -> Iterator[Frame]:
            for number, severity in enumerate(severities(*spec.severity, spec.frames)):
                # The same draws in each frame, so that only their strength changes.
                rng = stream(self._seed, self._table, self._column, row.number)
                picture, moved, _ = worn(opened(page), corners, spec.effects, severity, rng)
                pairs = zip(boxes, moved, strict=True)
                told.append(
                    {
                        "frame": number,
                        "second": round(number / spec.fps, 4),
                        "severity": round(severity, 4),
                        "boxes": [
                            {
                                "name": field,
                                "box": [round(edge, 1) for edge in seen(quad, picture.size)],
                                "quad": np.round(quad, 1).tolist(),
                            }
                            for (field, _), quad in pairs
                        ],
                    }
                )
                yield np.asarray(picture)

        content = mp4(frames(), spec.fps)
        lines = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in told)
        width, height = (-(-edge // BLOCK) * BLOCK for edge in opened(page).size)
        sizes = {"width": width, "height": height, "seconds": spec.frames / spec.fps}
        film = self._written(self._path(row.number, "mp4"), content) | sizes
        labels = self._written(self._path(row.number, "jsonl"), lines.encode())
        return {
            "table": self._table,
            "row": row.number,
            "document": name,
            "frames": spec.frames,
            "fps": spec.fps,
            "files": [film, labels],
        }


class ClipMaker(AbstractPromptMaker[Video]):
    """Makes the clips of one column by a model."""

    makes = "videos"

    def _fields(self) -> dict[str, Any]:
        # OpenAI's API has seconds as text; servers that count them read it.
        seconds = self._spec.seconds
        return ({} if seconds is None else {"seconds": f"{seconds:g}"}) | self._size()

    def _made(self, row: DocumentRow, other: Any) -> dict[str, Any]:
        del other
        told, content = self._answered(row)
        if content is None:
            return told
        facts = video_of(content)
        return told | {"files": [self._written(self._path(row.number, "mp4"), content) | facts]}

    def _judge(self, content: bytes) -> None:
        """Refuse a clip that is broken, or has another size or length."""
        facts, spec = video_of(content), self._spec
        self._check_size(facts["width"], facts["height"])
        if spec.seconds is not None and abs((facts["seconds"] or 0) - spec.seconds) > NEAR:
            raise UnreadableError(f"lasts {facts['seconds']} s")


def _boxes(record: dict[str, Any]) -> Boxes:
    """The fields on the first page of a document, with the corners of their boxes."""
    return [
        (name, spot.get("quad") or corners_of(spot["box"]))
        for name, item in items_of(record)
        for spot in item.get("picture", ())
        if spot["page"] == 1
    ]
