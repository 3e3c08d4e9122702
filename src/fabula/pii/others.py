"""What detectors of plug-ins find; they decide before Fabula's own kinds."""

from __future__ import annotations

from collections.abc import Sequence

from fabula.errors import UsageError
from fabula.pii.detector import Detector
from fabula.pii.kinds import DETECTORS, Finding, found_as


def found_by_others(texts: Sequence[str], name: str) -> Finding | None:
    """What the detector tells that finds the most of its kind among the values, or None.

    Args:
        texts: Differing values.
        name: What the column is called.

    Raises:
        UsageError: A detector fails, or returns something else than a share.
    """
    asked = [entry for name, entry in DETECTORS.items() if not DETECTORS.is_builtin(name)]
    shares = {entry: share_of(entry, texts, name) for entry in asked if len(texts) >= entry.fewest}
    fitting = [entry for entry, share in shares.items() if share >= entry.least]
    if not fitting:
        return None
    best = max(fitting, key=shares.__getitem__)
    return found_as(best.name, shares[best], best.told)


def share_of(entry: Detector, texts: Sequence[str], name: str) -> float:
    """The share of some values that a detector takes for its kind.

    Raises:
        UsageError: It fails, or returns something else than a share.
    """
    try:
        share = entry.share_of(texts, name)
    except Exception as error:  # whatever a stranger's detector raises
        raise _faulty(entry, name, f"{type(error).__name__}: {error}") from error
    if not 0 <= share <= 1:
        raise _faulty(entry, name, f"it returns {share:g}, not a share from 0 to 1")
    return share


def _faulty(entry: Detector, column: str, fault: str) -> UsageError:
    source = DETECTORS.source(entry.name)
    return UsageError(
        f"the detector `{entry.name}` fails on column `{column}`: {fault}",
        code="extension.detector",
        hint=f"correct or uninstall the plug-in `{source}`; `fabula plugins` lists them"
        if source
        else "correct the detector that the program registers",
    )
