"""A spec as the plain values that a file would hold: short forms, no defaults."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any, get_args

from pydantic import BaseModel

from fabula.kinds.base.columns import AbstractColumn
from fabula.kinds.base.parameters import plain_number
from fabula.kinds.mixture import Component
from fabula.kinds.poisson import Poisson
from fabula.kinds.uniform import Uniform
from fabula.spec.checks import AbstractCheck
from fabula.spec.tables import DatasetSpec, PerParent, TableSpec

_WHOLE_UNIFORM = {"kind", "min", "max", "decimals"}
_COMMON = frozenset(AbstractColumn.model_fields)


def to_plain(value: Any) -> Any:
    """The mappings, lists and scalars that validate to an equal spec, or part of one."""
    match value:
        case DatasetSpec():
            return {"fabula": value.fabula, **_fields(value)}
        case TableSpec():
            return _table(value)
        case AbstractColumn():
            return value.shortened(_fields(value))
        case Component():
            weight = {} if value.weight == 1 else {"weight": plain_number(value.weight)}
            return {**to_plain(value.column), **weight}
        case PerParent():
            return _per_parent(value)
        case BaseModel():
            return _fields(value)
        case Mapping():
            return {key: to_plain(item) for key, item in value.items()}
        case list() | tuple():
            return [to_plain(item) for item in value]
    return value


def to_json(spec: DatasetSpec) -> str:
    """The spec as JSON text; dates become text."""
    return json.dumps(to_plain(spec), indent=2, ensure_ascii=False, default=_as_text)


def _as_text(value: dt.date) -> str:
    return value.isoformat()


def _fields(model: BaseModel) -> dict[str, Any]:
    """The fields that differ from their defaults: `kind`, then the kind's own, then the common."""
    fields = type(model).model_fields
    own = type(model).__annotations__
    kind = {"kind": model.kind} if isinstance(model, AbstractColumn | AbstractCheck) else {}
    given = {
        name: _short_number(to_plain(getattr(model, name)), fields[name].annotation)
        for name in sorted(fields, key=lambda name: (name not in own, name in _COMMON))
        if name != "kind"
        and not _same(getattr(model, name), fields[name].get_default(call_default_factory=True))
    }
    return {**kind, **given}


def _same(value: Any, default: Any) -> bool:
    """Equal in type too: a sequence from 1.0 is not a sequence from 1."""
    return type(value) is type(default) and bool(value == default)


def _table(table: TableSpec) -> dict[str, Any]:
    plain = _fields(table)
    plain.pop("name", None)
    if len(table.primary_key) == 1:
        plain["primary_key"] = table.primary_key[0]
    columns = plain.pop("columns")
    rules = {key: plain.pop(key) for key in ["correlations", "checks"] if key in plain}
    return {**plain, "columns": columns, **rules}


def _per_parent(per_parent: PerParent) -> dict[str, Any]:
    plain = _fields(per_parent)
    distribution = plain.get("distribution", {})
    match per_parent.distribution:
        case Poisson(mean=mean) if len(distribution) == 2:
            short: dict[str, Any] = {"poisson": mean}
        case Uniform(min=low, max=high, decimals=0) if set(distribution) <= _WHOLE_UNIFORM:
            short = {"uniform": [low, high]}
        case _:
            return plain
    rest = {key: value for key, value in plain.items() if key not in ("of", "distribution")}
    return {"of": per_parent.of, **short, **rest}


def _short_number(value: Any, annotation: Any) -> Any:
    """A float of a field that takes no integers without its `.0`; others keep their type."""
    return (
        plain_number(value)
        if isinstance(value, float) and int not in get_args(annotation)
        else value
    )
