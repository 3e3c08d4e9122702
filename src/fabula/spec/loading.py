"""From spec text to a `DatasetSpec`, with every problem at once. Stage 1 of 6.

YAML, JSON and Python are three forms of one tree: `parse_spec` reads the first two, `to_yaml` and
`to_json` write them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from fabula.errors import SpecError, Violation
from fabula.extensions import plugins_loaded_now
from fabula.spec.locations import Source
from fabula.spec.messages import violations_of
from fabula.spec.reading import read_data
from fabula.spec.tables import DatasetSpec


def parse_spec(text: str, *, file: str | None = None) -> DatasetSpec:
    """The spec that a YAML or JSON text describes.

    Raises:
        SpecError: The text is not a spec; `violations` lists every problem with its line.

    Examples:
        >>> parse_spec("tables: {users: {n: 3, columns: {id: {kind: key}}}}").tables["users"].n
        3
    """
    return build_spec(read_data(text, file=file), source=Source(text, file))


def build_spec(data: Any, *, source: Source | None = None) -> DatasetSpec:
    """The spec that plain values describe.

    Raises:
        SpecError: The values are not a spec; `violations` lists every problem.
    """
    source = source or Source()
    if not isinstance(data, Mapping):
        what = "a list" if isinstance(data, list) else f"`{str(data)[:40]}`"
        message = f"a spec is a mapping with `tables:` at its top, not {what}"
        hint = "`fabula init --template shop` writes a spec to start from"
        raise SpecError([Violation("spec.wrong-type", message, None, hint, source.file)])
    try:
        return _validated(data).written_in(source)
    except ValidationError as error:
        problems = source.located(violations_of(error, data, model=DatasetSpec))
        raise SpecError(sorted(problems, key=lambda problem: problem.line or 0)) from error


def _validated(data: Any) -> DatasetSpec:
    """The spec; if it names an unknown kind, again with those of plug-ins."""
    try:
        return DatasetSpec.model_validate(data)
    except ValidationError as error:
        unknown = any(detail["type"] == "union_tag_invalid" for detail in error.errors())
        if not unknown or not plugins_loaded_now():
            raise
    return DatasetSpec.model_validate(data)
