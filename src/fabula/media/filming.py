"""Frames as an MP4 file (H.264 by PyAV), and rows over time as such a film."""

from __future__ import annotations

import io
import json
import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fabula.errors import PrerequisiteError, SourceError, UsageError
from fabula.extras import missing_extra
from fabula.io.names import output_path
from fabula.io.places import check_free, make_folder, replacing, write_text
from fabula.io.tables import as_table
from fabula.types import TableLike

logger = logging.getLogger(__name__)

Frame = NDArray[np.uint8]
"""A picture: rows, columns and three colours."""
_COLOURS = np.array(
    [(31, 95, 139), (196, 77, 52), (74, 140, 74), (150, 90, 160), (200, 150, 40), (90, 90, 90)],
    np.uint8,
)
_SAME = "threads=1:lookahead-threads=1:rc-lookahead=0:mbtree=0:scenecut=0:bframes=0:weightp=0"
"""Without what looks ahead: its small pictures differ from call to call."""
_MARGIN, _DOT = 12, 2
BLOCK = 16
"""Width and height of a film are multiples of it; pixels of the edge fill up what is missing."""


def check_video() -> None:
    """Make sure that videos can be made.

    Raises:
        PrerequisiteError: The extra `video` is missing.
    """
    if find_spec("av") is None:
        raise PrerequisiteError.for_extra("video", needed_by="videos")


def mp4(frames: Iterable[Frame], fps: int) -> bytes:
    """Frames of one size as an MP4 file; one thread, so that the same frames are the same bytes.

    Raises:
        PrerequisiteError: The extra `video` is missing.
    """
    try:
        import av
    except ImportError as exc:
        raise missing_extra(exc, needed_by="videos") or exc from exc
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as file:
        options = {"crf": "20", "preset": "veryfast", "x264-params": _SAME}
        stream = file.add_stream("libx264", rate=fps, options=options)
        stream.pix_fmt = "yuv420p"
        stream.codec_context.thread_count = 1
        for number, frame in enumerate(frames):
            # x264 encodes whole blocks; what it adds itself at the edges differs from call to call.
            height, width = frame.shape[:2]
            whole = np.pad(frame, ((0, -height % BLOCK), (0, -width % BLOCK), (0, 0)), "edge")
            if number == 0:
                stream.height, stream.width = whole.shape[:2]
            picture = av.VideoFrame.from_ndarray(_yuv420(whole), format="yuv420p")
            for packet in stream.encode(picture):
                file.mux(packet)
        for packet in stream.encode():
            file.mux(packet)
    return out.getvalue()


def _yuv420(frame: Frame) -> Frame:
    """A picture as brightness and two colours of half the size (BT.601), as H.264 has them.

    FFmpeg's own conversion reads beyond the end of lines: its bytes differ from call to call.
    """
    red, green, blue = np.moveaxis(frame.astype(np.float32), 2, 0)
    luma = 16 + (65.481 * red + 128.553 * green + 24.966 * blue) / 255
    chroma = [
        128 + (-37.797 * red - 74.203 * green + 112.0 * blue) / 255,
        128 + (112.0 * red - 93.786 * green - 18.214 * blue) / 255,
    ]
    height, width = luma.shape
    halves = [c.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3)) for c in chroma]
    planes = np.concatenate([luma.ravel(), *(half.ravel() for half in halves)])
    return np.asarray(np.rint(planes), np.uint8).reshape(height * 3 // 2, width)


def film(
    data: TableLike,
    output: Path | str,
    *,
    time: str,
    x: str,
    y: str,
    label: str | None = None,
    fps: int = 10,
    size: int = 480,
) -> int:
    """Make a film of rows over time: a frame for each value of `time`, a dot for each row.

    A JSONL file of the same name has a line a frame: the time, how many rows there are of each
    label, and where each dot is in pixels.

    Args:
        data: Rows, such as the events of a simulation.
        output: An MP4 file that does not exist.
        time: The column of the times; each value is a frame, in their order.
        x: The column of the horizontal place.
        y: The column of the vertical place; it rises upwards.
        label: A column whose values are colours.
        fps: Frames a second.
        size: Width and height in pixels.

    Returns:
        The number of frames.

    Raises:
        PrerequisiteError: The extra `video` is missing.
        UsageError: `output` does not end in `.mp4`.
        SourceError: A column is missing, or has no numbers.
        SinkError: The output exists.
    """
    check_video()
    path = output_path(output)
    if path.suffix != ".mp4":
        raise UsageError(
            f"`{path}` is not called `.mp4`", code="usage.video", hint="write `film.mp4`"
        )
    check_free(path)
    labels = path.with_suffix(".jsonl")
    check_free(labels)
    rows = as_table(data)
    named = [name for name in (time, x, y, label) if name is not None]
    for name in named:
        if name not in rows.column_names:
            raise SourceError(
                f"the data has no column `{name}`",
                code="source.missing-column",
                where=name,
                hint=f"it has {', '.join(rows.column_names)}",
            )
    whole = rows.select(named).drop_null()
    times = whole.column(time).to_pylist()
    places = np.column_stack([_numbers(whole.column(name), name) for name in (x, y)])
    kinds = (
        ["" for _ in times] if label is None else [str(v) for v in whole.column(label).to_pylist()]
    )
    if not times:
        raise SourceError("there are no rows with a time and a place", code="source.empty")
    low, high = places.min(axis=0), places.max(axis=0)
    spread = np.where(high > low, high - low, 1.0)
    pixels = np.rint(_MARGIN + (places - low) / spread * (size - 1 - 2 * _MARGIN)).astype(int)
    pixels[:, 1] = size - 1 - pixels[:, 1]
    names = sorted(set(kinds))
    colours = {name: _COLOURS[at % len(_COLOURS)] for at, name in enumerate(names)}
    at_time: dict[Any, list[int]] = {}
    for row, moment in enumerate(times):
        at_time.setdefault(moment, []).append(row)
    moments = sorted(at_time)
    told = (
        _told(number, moment, at_time[moment], pixels, kinds if label else ())
        for number, moment in enumerate(moments)
    )
    make_folder(path.parent)
    frames = (_dots(at_time[moment], pixels, kinds, colours, size) for moment in moments)
    with replacing(path) as temporary:
        temporary.write_bytes(mp4(frames, fps))
    write_text(labels, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in told))
    return len(moments)


def _numbers(values: Any, name: str) -> NDArray[np.float64]:
    try:
        return np.asarray(values.to_pylist(), dtype=np.float64)
    except (TypeError, ValueError) as exc:
        raise SourceError(
            f"`{name}` has no numbers",
            code="source.no-numbers",
            where=name,
            hint="name columns of numbers as `x` and `y`",
        ) from exc


def _told(
    number: int,
    moment: Any,
    rows: Sequence[int],
    pixels: NDArray[np.int64],
    kinds: Sequence[str],
) -> dict[str, Any]:
    """What is in a frame."""
    counts = {"counts": dict(Counter(kinds[row] for row in rows))} if kinds else {}
    time = moment if isinstance(moment, int | float | str) else str(moment)
    dots = [[*pixels[row].tolist(), *([kinds[row]] if kinds else [])] for row in rows]
    return {"frame": number, "time": time, "rows": len(rows), **counts, "dots": dots}


def _dots(
    rows: Sequence[int],
    pixels: NDArray[np.int64],
    kinds: Sequence[str],
    colours: Mapping[str, Any],
    size: int,
) -> Frame:
    """A frame: a square dot for each row, on white."""
    frame = np.full((size, size, 3), 255, np.uint8)
    for row in rows:
        across, down = pixels[row]
        frame[max(0, down - _DOT) : down + _DOT + 1, max(0, across - _DOT) : across + _DOT + 1] = (
            colours[kinds[row]]
        )
    return frame


def severities(first: float, last: float, count: int) -> Iterator[float]:
    """From the first to the last in equal steps."""
    for at in range(count):
        yield first + (last - first) * at / max(1, count - 1)
