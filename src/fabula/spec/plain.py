"""A spec as the plain values that a file would hold: short forms, no defaults."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any, get_args

from pydantic import BaseModel

from fabula.kinds.base.columns import AbstractColumn
from fabula.kinds.base.parameters import SpecModel, plain_number
from fabula.spec.checks import AbstractCheck

_COMMON = frozenset(AbstractColumn.model_fields)


def to_plain(value: Any) -> Any:
    """The mappings, lists and scalars that validate to an equal spec, or part of one."""
    match value:
        case SpecModel():
            return value.shortened(_fields(value))
        case BaseModel():
            return _fields(value)
        case Mapping():
            return {key: to_plain(item) for key, item in value.items()}
        case list() | tuple():
            return [to_plain(item) for item in value]
    return value


def to_json(spec: SpecModel) -> str:
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


def _short_number(value: Any, annotation: Any) -> Any:
    """A float of a field that takes no integers without its `.0`; others keep their type."""
    return (
        plain_number(value)
        if isinstance(value, float) and int not in get_args(annotation)
        else value
    )
