"""How a file wrote the times of a column, kept with the column's type."""

from __future__ import annotations

import pyarrow as pa

from fabula.io.written.time_forms import TimeForm

_KEY = b"fabula.form"


def with_form(field: pa.Field, form: TimeForm) -> pa.Field:
    """The field, and how its times are written in files of text."""
    return field.with_metadata({_KEY: form.format.encode()})


def form_of(field: pa.Field) -> TimeForm | None:
    """How a field's times are written in files of text, if that was not as usual."""
    found = (field.metadata or {}).get(_KEY)
    temporal = pa.types.is_time(field.type) or pa.types.is_timestamp(field.type)
    return TimeForm(found.decode()) if found and temporal else None


def plain_field(field: pa.Field) -> pa.Field:
    """A field that may hold nulls, without what other programs noted of it."""
    form = form_of(field)
    plain = field.remove_metadata().with_nullable(True)
    return plain if form is None else with_form(plain, form)
