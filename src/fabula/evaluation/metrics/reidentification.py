"""Privacy by content: quasi-identifiers that point at one person, and values that name one."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from fabula.errors import UsageError, did_you_mean
from fabula.evaluation.metrics.frames import Frame, Frames
from fabula.evaluation.metrics.metric import METRICS, Score, metric
from fabula.evaluation.metrics.real_values import Secret, declared, personal, search, varied
from fabula.evaluation.metrics.result import bounded, noise, unjudged
from fabula.render.amounts import percent
from fabula.streams import mix

SINGLED = 0.05
SMALL_GROUP = 5
QUASI = re.compile(
    r"(^|_)(age|sex|gender|race|ethnicity|zip|zip_?code|post_?code|city|country|native_country|"
    r"state|region|county|birth|birth_?date|dob|born|nationality|religion|occupation|job|"
    r"education|marital|marital_status|ward)($|_)",
    re.IGNORECASE,
)
"""Names of columns that, taken together, tell people apart."""


@METRICS.add
@metric(
    "privacy.identified", "re-identification (k-anonymity)", better="lower",
    source="k-anonymity of quasi-identifiers (Sweeney 2002), k = 1", form="share", place=80,
)  # fmt: skip
def identified(frames: Frames, quasi: Sequence[str] = ()) -> Score:
    """The share of synthetic rows whose quasi-identifiers fit exactly one real person.

    Args:
        frames: The prepared tables.
        quasi: The quasi-identifiers; by default columns whose names are known ones.

    Raises:
        UsageError: A quasi-identifier is not a column.
    """
    names = list(quasi) or [
        column.name for column in frames.measured if QUASI.search(column.name.replace("-", "_"))
    ]
    must_be_shared(frames, names)
    if not names:
        return Score(
            None,
            "Not measured: no column was named as a quasi-identifier, and none looks like one.",
        )
    real = frames.truth
    counts = np.unique(combinations(names, real), return_counts=True)[1]
    value = _singled(names, real, frames.synthetic)
    half, held = frames.halves
    base = _singled(names, half, held)
    bound = max(SINGLED, base + noise(base, frames.synthetic.rows, held.rows))
    small = int(counts[counts < SMALL_GROUP].sum())
    listed = ", ".join(f"`{name}`" for name in names)
    return Score(
        value,
        f"{percent(value)} of the synthetic rows have a combination of {listed} that exactly one "
        f"real person has; {small:,} of {real.rows:,} real people share theirs with fewer than "
        f"{SMALL_GROUP - 1} others.{unjudged(bound)}",
        baseline=base,
        compared=frames.compared,
        threshold=bounded(bound),
        no_verdict=bounded(bound) is None,
        details={
            "quasi": names,
            "real_people_alone": int((counts == 1).sum()),
            "smallest": int(counts.min()),
        },
    )


@METRICS.add
@metric(
    "privacy.sensitive_values", "sensitive values", better="lower",
    source="Search of every cell for values that name one real person", form="share", needs="real",
    place=90,
)  # fmt: skip
def sensitive_values(
    frames: Frames,
    sensitive: Sequence[str] = (),
    *,
    secrets: Sequence[Secret] | None = None,
    others: Sequence[Secret] = (),
) -> Score:
    """The share of synthetic rows that hold a real value which must occur nowhere.

    Args:
        frames: The prepared tables.
        sensitive: The columns whose values must not occur, whatever they hold; by default those of
            personal details, and other short texts that differ from row to row, of which no more
            may recur than among held-back rows.
        secrets: What `secrets_of` found, if it is known.
        others: The secrets of other tables, which are looked for, too.
    """
    secrets = secrets_of(frames, sensitive) if secrets is None else secrets
    amount = sum(len(secret.cells or secret.phrases) for secret in secrets)
    if not amount and not others:
        return Score(None, "Not measured: no real column holds values that name one person.")
    rows, everything = frames.synthetic.rows, [*secrets, *others]
    allowed = [secret.allowed(rows) for secret in everything]
    unclear = [at for at, share in enumerate(allowed) if bounded(share) is None]
    hits = search(frames.tables["synthetic"], secrets, others)
    shares = {at: float(held.mean()) for at, held in hits.rows.items()}
    guilty = [at for at, share in shares.items() if share > allowed[at] and at not in unclear]
    counted = guilty or [at for at in shares if at not in unclear]
    found = np.any([np.zeros(rows, bool), *(hits.rows[at] for at in counted)], axis=0)
    value = float(found.mean())
    judged = [at for at in range(len(secrets)) if at not in unclear]
    bound = min((allowed[at] for at in guilty), default=sum(allowed[at] for at in judged))
    if guilty:
        places = hits.told(guilty)
        said = f"{_holders(found)} a real value of {_told(everything, guilty)}: in {places}."
    elif value:
        said = (
            f"{_holders(found)} one of the {amount:,} real values of {_told(secrets, judged)}, "
            f"as chance explains: in {hits.told(counted)}."
        )
    elif judged:
        said = f"None of the {amount:,} real values of {_told(secrets, judged)} occurs in any cell."
    elif others:
        said = "No personal detail of another table occurs in any cell."
    else:
        said = unjudged(1.0).strip()
    if unclear and (judged or others):
        said += f" Not judged: {_told(everything, unclear)}, which other real rows share."
    chance = [share for at in judged if (share := secrets[at].chance) is not None]
    return Score(
        value,
        said,
        baseline=sum(chance),
        compared=frames.compared if chance else "ideal",
        threshold=bounded(bound) if judged or others else None,
        no_verdict=bounded(bound) is None or not (judged or others),
        details={
            "columns": [
                name
                for name in frames.tables["real"].column_names
                if any(name in secret.columns for secret in secrets)
            ],
            "values": amount,
            "recurring": {
                told: float(
                    np.any(
                        [hits.rows[at] for at in shares if everything[at].told == told], axis=0
                    ).mean()
                )
                for told in dict.fromkeys(everything[at].told for at in shares)
            },
        },
    )


def secrets_of(
    frames: Frames, sensitive: Sequence[str] = (), replaced: Collection[str] = ()
) -> list[Secret]:
    """The real values of a table that must occur in no synthetic row.

    Args:
        frames: The prepared tables.
        sensitive: The columns that the caller names; by default those that `sensitive_values` says.
        replaced: Columns whose real names the model of the rows never gives back.
    """
    real, holdout = frames.tables["real"], frames.tables.get("holdout")
    if sensitive:
        return declared([real] if holdout is None else [real, holdout], sensitive)
    secrets, known = personal(real, holdout, replaced)
    names = [name for name in frames.truth.texts if name not in known]
    if not names:
        return secrets
    first, second = ({name: half.texts[name] for name in names} for half in frames.halves)
    texts = {name: frames.truth.texts[name] for name in names}
    return [*secrets, *varied(texts, (first, second), held_back=holdout is not None)]


def _told(secrets: Sequence[Secret], places: Sequence[int]) -> str:
    return ", ".join(dict.fromkeys(secrets[at].told for at in places))


def _holders(found: NDArray[np.bool_]) -> str:
    count, share = int(found.sum()), percent(float(found.mean()))
    if count == 1:
        return f"1 synthetic row ({share}) holds"
    return f"{count:,} synthetic rows ({share}) hold"


def _singled(names: Sequence[str], real: Frame, other: Frame) -> float:
    """The share of other rows whose combination exactly one real row has."""
    kinds, counts = np.unique(combinations(names, real), return_counts=True)
    return float(np.isin(combinations(names, other), kinds[counts == 1]).mean())


def must_be_shared(frames: Frames, names: Sequence[str]) -> None:
    """Refuse names of columns that not all tables have.

    Args:
        frames: The prepared tables.
        names: The columns that are named.

    Raises:
        UsageError: There is no such column.
    """
    known = list(frames.synthetic.values)
    if unknown := [name for name in names if name not in known]:
        raise UsageError(
            f"there is no column `{unknown[0]}` in both tables whose values can be compared",
            code="evaluate.unknown-column",
            hint=did_you_mean(unknown[0], known),
        )


def combinations(names: Sequence[str], frame: Frame) -> NDArray[np.uint64]:
    """One number for each combination of values.

    Args:
        names: The columns.
        frame: The rows.
    """
    keys = np.zeros(frame.rows, dtype=np.uint64)
    for at, name in enumerate(names):
        values = frame[name]
        bits = (values + 0.0).view(np.uint64) if values.dtype.kind == "f" else values
        keys = mix(keys ^ mix(bits.astype(np.uint64) + np.uint64(at)))
    return keys
