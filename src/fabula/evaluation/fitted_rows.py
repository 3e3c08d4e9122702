"""Whether `real` and `holdout` are the rows that a fitted model learned from and kept out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import pyarrow as pa

from fabula.errors import SourceError, UsageError
from fabula.relationships.digests import Digest, digest
from fabula.synthesizers.synthesizer import Synthesizer, load_synthesizer
from fabula.types import Path as PathLike

if TYPE_CHECKING:
    from fabula.synthesizers.multitable.database import RelationalSynthesizer

Fitted: TypeAlias = "Synthesizer[Any] | RelationalSynthesizer[Any]"

Model: TypeAlias = "Fitted | PathLike"
"""A fitted model, or its file or folder."""

Part: TypeAlias = Literal["training", "holdout", "whole"]

_WORDS: Mapping[Part, str] = {
    "training": "the rows that the model learned from",
    "holdout": "the rows that the model kept out of training",
    "whole": "all rows that the model was fitted with, both those it learned from and those it "
    "kept out",
}


def fitted_model(model: Model) -> Fitted:
    """The model, read where it is a file or a folder.

    Raises:
        UsageError: It is not a model.
    """
    fitted: Any = load_synthesizer(model) if isinstance(model, str | Path) else model
    if isinstance(fitted, Synthesizer):
        return fitted
    from fabula.synthesizers.multitable.database import RelationalSynthesizer

    if isinstance(fitted, RelationalSynthesizer):
        return fitted
    raise UsageError(
        f"`model` is a {type(model).__name__}, not a fitted model",
        code="evaluate.other-model",
        hint="pass what `fabula.fit` returned, or the file that `fabula fit` wrote",
    )


def warnings_of(
    model: Fitted, real: Mapping[str, pa.Table], holdout: Mapping[str, pa.Table]
) -> dict[str, list[str]]:
    """What is wrong with the real tables and the holdout of a model, by table.

    Args:
        model: The model that the synthetic rows come from.
        real: The real tables, rows of the holdout taken out.
        holdout: The held-back rows of some of them.

    Raises:
        UsageError: There is no real table.
        SourceError: The model learned other tables.
    """
    if not real:
        raise UsageError(
            "a fitted model is compared with real rows, and none were given",
            code="evaluate.no-real",
            hint="pass them as `real`, too",
        )
    known = _digests(model, list(real))
    return {name: _warnings(known[name], real[name], holdout.get(name)) for name in real}


def replaced_columns(fitted: Fitted, names: list[str]) -> dict[str, Collection[str]]:
    """The personal columns of each table, of which the model gives no real value back."""
    if not isinstance(fitted, Synthesizer):
        return {name: fitted.models[name].replaced for name in names if name in fitted.models}
    return {names[0]: fitted.replaced}


def _digests(fitted: Fitted, names: list[str]) -> dict[str, dict[Part, Digest]]:
    """The digests of each table's parts; none where the model keeps none."""
    if not isinstance(fitted, Synthesizer):
        if lacking := [name for name in names if name not in fitted.models]:
            raise SourceError(
                f"the model did not learn the table `{lacking[0]}`",
                code="evaluate.other-model",
                hint=f"it learned {', '.join(f'`{name}`' for name in fitted.models)}",
            )
        held = fitted.digests
        return {name: {"training": held[name]} if name in held else {} for name in names}
    if len(names) > 1:
        raise SourceError(
            f"the model learned one table, and {len(names)} are evaluated",
            code="evaluate.other-model",
            hint="evaluate the table alone, or pass the model of all tables",
        )
    kept = fitted.card().digests
    parts: dict[Part, Digest] = {
        part: Digest.from_dict(kept[part]) for part in ("training", "holdout") if part in kept
    }
    if parts:
        parts["whole"] = parts["training"] + parts["holdout"]
    return {names[0]: parts}


def _warnings(
    known: Mapping[Part, Digest], real: pa.Table, holdout: pa.Table | None
) -> list[str]:  # fmt: skip
    if not known:
        return [
            "The model keeps no digest of its rows (one with differential privacy never does), so "
            "the real table and the holdout can't be verified."
        ]
    warnings = [_warning("real table", "training", known, real)]
    if holdout is not None and "holdout" not in known:
        warnings.append(
            "The model learned from all of its rows: what is passed as a holdout may be some of "
            "them."
        )
    elif holdout is not None:
        warnings.append(_warning("holdout", "holdout", known, holdout))
    return [warning for warning in warnings if warning]


def _warning(title: str, wanted: Part, known: Mapping[Part, Digest], rows: pa.Table) -> str:
    """What is wrong with one table, or nothing."""
    expected = known[wanted]
    if lacking := [name for name in expected.columns if name not in rows.column_names]:
        listed = ", ".join(f"`{name}`" for name in lacking[:5])
        return f"The {title} lacks {listed}, which the model was fitted with."
    found = digest(rows, expected.columns)
    part = next((part for part in (wanted, *known) if known[part] == found), None)
    if part == wanted:
        return ""
    if part == "whole":
        return (
            f"The {title} is {_WORDS[part]}: pass the {known['holdout'].rows:,} kept-out rows as "
            "the holdout."
        )
    if part is not None:
        return f"The {title} is {_WORDS[part]}, and should be {_WORDS[wanted]}."
    amount = (
        f"it has as many rows ({found.rows:,}), with other values"
        if found.rows == expected.rows
        else f"it has {found.rows:,} rows, and those were {expected.rows:,}"
    )
    return f"The {title} is not {_WORDS[wanted]}: {amount}."
