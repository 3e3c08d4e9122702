"""Privacy by content: quasi-identifiers that point at one person, and values that name one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.errors import UsageError, did_you_mean
from fabula.metrics.frames import Frame, Frames
from fabula.metrics.result import MetricResult, bounded, no_verdict, noise, percent
from fabula.streams import mix

SINGLED = 0.05
SMALL_GROUP = 5
MOST_WORDS = 6
"""Longer values are prose, not something that names a person."""

SHORTEST = 4
"""Shorter values occur by chance."""

QUASI = re.compile(
    r"(^|_)(age|sex|gender|race|ethnicity|zip|zip_?code|post_?code|city|country|native_country|"
    r"state|region|county|birth|birth_?date|dob|born|nationality|religion|occupation|job|"
    r"education|marital|marital_status|ward)($|_)",
    re.IGNORECASE,
)
"""Names of columns that, taken together, tell people apart."""

_WORDS = re.compile(r"[^\s,;:!?()\[\]{}<>\"]+")
_DIGITS = re.compile(r"\+?\d[\d\s().-]{5,}\d")
_SOURCES = {
    "identified": "k-anonymity of quasi-identifiers (Sweeney 2002), k = 1",
    "sensitive_values": "Search of every cell for values that name one real person",
}


def identified(frames: Frames, quasi: Sequence[str] = ()) -> MetricResult:
    """The share of synthetic rows whose quasi-identifiers fit exactly one real person.

    Args:
        frames: The prepared tables.
        quasi: The quasi-identifiers; by default columns whose names are known ones.

    Raises:
        UsageError: A quasi-identifier is no column.
    """
    title, source = "rows singled out", _SOURCES["identified"]
    names = list(quasi) or [
        column.name for column in frames.measured if QUASI.search(column.name.replace("-", "_"))
    ]
    if unknown := [name for name in names if frames.column(name) is None]:
        raise UsageError(
            f"there is no column `{unknown[0]}` in both tables",
            code="evaluate.unknown-column",
            hint=did_you_mean(unknown[0], [column.name for column in frames.columns]),
        )
    if not names:
        return MetricResult(
            "privacy", "identified", title, None, "lower",
            "Not measured: no column was named as a quasi-identifier, and none looks like one.",
            source,
        )  # fmt: skip
    real = frames.truth
    counts = np.unique(_combinations(names, real), return_counts=True)[1]
    value = _singled(names, real, frames.synthetic)
    half, held = frames.halves
    base = _singled(names, half, held)
    bound = max(SINGLED, base + noise(base, frames.synthetic.rows, held.rows))
    small = int(counts[counts < SMALL_GROUP].sum())
    listed = ", ".join(f"`{name}`" for name in names)
    return MetricResult(
        "privacy", "identified", title, value, "lower",
        f"{percent(value)} of the synthetic rows have a combination of {listed} that exactly one "
        f"real person has; {small:,} of {real.rows:,} real people share theirs with fewer than "
        f"{SMALL_GROUP - 1} others.{no_verdict(bound)}",
        source, baseline=base, compared=frames.compared, form="share",
        threshold=bounded(bound),
        details={
            "quasi": names,
            "real_people_alone": int((counts == 1).sum()),
            "smallest": int(counts.min()),
        },
    )  # fmt: skip


def sensitive_values(frames: Frames, sensitive: Sequence[str] = ()) -> MetricResult:
    """The share of synthetic rows that hold a value naming one real person, in any cell.

    Values are looked for in every text cell, also inside longer text, whatever their case;
    numbers such as phones whatever their punctuation.

    Args:
        frames: The prepared tables.
        sensitive: The columns whose values must not occur; by default text columns of short
            values that differ from row to row, such as names and addresses.
    """
    title, source = "sensitive values", _SOURCES["sensitive_values"]
    names = [name for name in sensitive if name in frames.truth.texts] or [
        name for name in frames.truth.texts if not sensitive
    ]
    secrets = set[str]()
    for name in names:
        secrets.update(_secrets(frames.truth.texts[name]))
    if not secrets:
        return MetricResult(
            "privacy", "sensitive_values", title, None, "lower",
            "Not measured: no real column holds values that name one person.", source,
        )  # fmt: skip
    found = _rows_with(frames.synthetic, secrets)
    value = float(found.mean())
    base, compared = 0.0, "ideal"
    if frames.holdout is not None:
        base, compared = float(_rows_with(frames.holdout, secrets).mean()), "holdout"
    bound = base + (noise(base, len(found), frames.holdout.rows) if frames.holdout else 0)
    listed = ", ".join(f"`{name}`" for name in names)
    return MetricResult(
        "privacy", "sensitive_values", title, value, "lower",
        f"None of the {len(secrets):,} real values of {listed} occurs in any cell."
        if not value
        else f"{int(found.sum()):,} synthetic rows ({percent(value)}) hold one of the "
        f"{len(secrets):,} real values of {listed}, in a cell or inside a text."
        f"{no_verdict(bound)}",
        source, baseline=base, compared=compared,
        threshold=bounded(bound),
        form="share", details={"columns": names, "values": len(secrets)},
    )  # fmt: skip


def _singled(names: Sequence[str], real: Frame, other: Frame) -> float:
    """The share of other rows whose combination exactly one real row has."""
    kinds, counts = np.unique(_combinations(names, real), return_counts=True)
    return float(np.isin(_combinations(names, other), kinds[counts == 1]).mean())


def _combinations(names: Sequence[str], frame: Frame) -> NDArray[np.uint64]:
    """One number for each combination of values."""
    keys = np.zeros(frame.rows, dtype=np.uint64)
    for at, name in enumerate(names):
        values = frame[name]
        bits = (values + 0.0).view(np.uint64) if values.dtype.kind == "f" else values
        keys = mix(keys ^ mix(bits.astype(np.uint64) + np.uint64(at)))
    return keys


def _secrets(values: pa.ChunkedArray) -> Iterator[str]:
    """A column's values in the form in which they are looked for; prose has none."""
    for value in values.unique().drop_null().to_pylist():
        words = _normal(value)
        if words and len(words) <= MOST_WORDS and len(text := " ".join(words)) >= SHORTEST:
            yield text
            digits = re.sub(r"\D", "", value)
            if len(digits) >= 7 and len(digits) >= len(text) / 2:
                yield digits


def _rows_with(frame: Frame, secrets: set[str]) -> NDArray[np.bool_]:
    """Which rows hold a secret in one of their texts."""
    found = np.zeros(frame.rows, dtype=bool)
    for column in frame.texts.values():
        encoded = column.combine_chunks().dictionary_encode()
        guilty = [
            value is not None and not secrets.isdisjoint(_windows(value))
            for value in encoded.dictionary.to_pylist()
        ]
        codes = encoded.indices.fill_null(len(guilty)).to_numpy(zero_copy_only=False)
        found |= np.array([*guilty, False])[codes]
    return found


def _windows(text: str) -> Iterable[str]:
    """Every run of a few words of a text, and its long numbers without punctuation."""
    words = _normal(text)
    for size in range(1, MOST_WORDS + 1):
        for start in range(len(words) - size + 1):
            yield " ".join(words[start : start + size])
    for number in _DIGITS.findall(text):
        yield re.sub(r"\D", "", number)


def _normal(text: str) -> list[str]:
    """A text's words in one case, without the punctuation around them."""
    return [word for raw in _WORDS.findall(text.casefold()) if (word := raw.strip(".'’-_/"))]
