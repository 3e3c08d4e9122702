"""Hours, weekdays, months and days of times: whether they still go with the other columns.

A time says little of a number by itself where the number has a daily or weekly course: rides are
few at four in the morning and many at seven in the evening, every day of a year. So the parts of
times are columns of their own here, and what they say about the others is measured as dependence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from fabula.evaluation.metrics.dependence import SOURCE, dependence_score, kept_pairs
from fabula.evaluation.metrics.frames import Array, Column, Frame, Frames
from fabula.evaluation.metrics.metric import METRICS, Score, metric

_DAY = 86_400.0


def _days(seconds: Array) -> Array:
    return np.floor(seconds / _DAY).astype("datetime64[D]")


PARTS: Mapping[str, Callable[[Array], Array]] = {
    "hour": lambda x: np.floor(x % _DAY / 3_600),
    "weekday": lambda x: (np.floor(x / _DAY) + 3) % 7,
    "month": lambda x: _days(x).astype("datetime64[M]").astype(float) % 12 + 1,
    "day": lambda x: (_days(x) - _days(x).astype("datetime64[M]")).astype(float) + 1,
}
"""Parts of moments, which are seconds since 1970; weekdays count from 0, Monday."""


@METRICS.add
@metric(
    "quality.rhythms", "calendar dependence preserved", better="higher", source=SOURCE,
    form="share", place=100,
)  # fmt: skip
def rhythms(frames: Frames) -> Score | None:
    """The share that is kept of what hours, weekdays, months and days say about other columns."""
    if not frames.of("moment"):
        return None
    parts = [
        Column(f"{part} of {moment.name}", "number", whole=True)
        for moment in frames.of("moment")
        for part in PARTS
    ]
    real, synthetic = (_widened(frames, frame) for frame in (frames.truth, frames.synthetic))
    told = [column for column in parts if len(np.unique(_known(real[column.name]))) > 1]
    columns = [*frames.of("number", "category"), *told]
    names = {column.name for column in told}
    found = kept_pairs(frames, columns, real, synthetic, across=names) if names else []
    halves = [_widened(frames, frame) for frame in frames.halves]
    base = kept_pairs(frames, columns, halves[0], halves[1], across=names) if names else []
    if not found:
        return Score(
            None, "Not measured: nothing depends on the hours, weekdays, months or days of times."
        )
    return dependence_score(found, base, compared=frames.compared)


def _widened(frames: Frames, frame: Frame) -> Frame:
    """A frame with the parts of its times."""
    values = dict(frame.values)
    for moment in frames.of("moment"):
        seconds = frame[moment.name]
        known = ~np.isnan(seconds)
        for part, of in PARTS.items():
            own = np.full(len(seconds), np.nan)
            own[known] = of(seconds[known])
            values[f"{part} of {moment.name}"] = own
    return replace(frame, values=values)


def _known(values: Array) -> Array:
    return values[~np.isnan(values)]
