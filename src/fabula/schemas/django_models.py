"""Models of Django as a schema: the statements of its own editor, with choices and validators."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from django.core import validators
from django.db import models
from sqlglot import exp

from fabula.databases.reading import schema_of
from fabula.databases.schema import Schema, Table
from fabula.databases.statements import Statement
from fabula.errors import SourceError
from fabula.schemas.annotated import with_conditions, with_format
from fabula.spec import col

_NEWEST = 180_000
"""The version of PostgreSQL that statements are written for."""
_SUBJECT = re.compile(r'(?:TABLE|ON|COLUMN) "([^"]+)"')
_FORMATS = ((models.EmailField, "email"), (models.URLField, "uri"))
_BOUNDS = (
    (validators.MinValueValidator, "ge"),
    (validators.MaxValueValidator, "le"),
    (validators.MinLengthValidator, "min_length"),
    (validators.MaxLengthValidator, "max_length"),
)


def read_django(given: Sequence[Any]) -> Schema:
    """The schema of models; of Django's own apps, those that keys lead to.

    Raises:
        SourceError: None of them has a table.
    """
    wanted = _with_parents(model for model in given if _is_own(model) or len(given) == 1)
    if not wanted:
        raise SourceError(
            "the project has no models of its own",
            code="source.empty",
            hint="add the app to `INSTALLED_APPS`",
        )
    statements = [Statement(sql, "models") for sql in _statements(wanted)]
    schema = schema_of(_package(wanted[0]), "postgres", statements)
    tables = dict(schema.tables)
    for model in wanted:
        name = model._meta.db_table
        tables[name] = _with_fields(tables[name], model)
    left = sorted({model._meta.app_label for model in given} - {m._meta.app_label for m in wanted})
    notes = (f"models of Django's own apps are left out: {', '.join(left)}",) if left else ()
    return replace(schema, tables=tables, unread=(*notes, *schema.unread))


def _is_own(model: Any) -> bool:
    """Whether a model is the project's own, and has a table."""
    meta = model._meta
    return meta.managed and not meta.proxy and not meta.app_config.name.startswith("django.contrib")


def _with_parents(own: Iterable[Any]) -> list[Any]:
    """Models with those that their keys lead to, parents first where that is possible."""
    found: dict[Any, None] = {}

    def add(model: Any) -> None:
        if model in found or model._meta.proxy:
            return
        found[model] = None
        for field in model._meta.concrete_fields:
            if field.remote_field is not None:
                add(field.remote_field.model._meta.concrete_model)

    for model in own:
        add(model)
    return list(found)


def _statements(wanted: Sequence[Any]) -> list[str]:
    """The statements that create tables, in PostgreSQL's SQL; nothing is connected to."""
    from django.db.backends.postgresql.base import DatabaseWrapper

    settings: dict[str, Any] = {
        "NAME": "models", "USER": "", "PASSWORD": "", "HOST": "", "PORT": "", "OPTIONS": {},
        "TIME_ZONE": None, "CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": False, "AUTOCOMMIT": True,
        "ATOMIC_REQUESTS": False, "TEST": {},
    }  # fmt: skip
    connection = DatabaseWrapper(settings, alias="fabula")
    vars(connection)["pg_version"] = _NEWEST  # else it asks the server
    with connection.schema_editor(collect_sql=True, atomic=False) as editor:
        for model in wanted:
            if not model._meta.auto_created:
                editor.create_model(model)
    names = {model._meta.db_table for model in wanted}
    return [
        sql
        for sql in map(str, editor.collected_sql)
        if (found := _SUBJECT.search(sql)) and found[1] in names
    ]


def _with_fields(table: Table, model: Any) -> Table:
    """A table with what its fields say beyond their columns."""
    for field in model._meta.concrete_fields:
        name = field.column
        if name not in table.columns or field.remote_field is not None:
            continue
        about = " ".join(str(field.help_text or "").split())
        column = table.columns[name]
        kept = {"comment": column.comment or about, "nullable": column.nullable and field.blank}
        table = table.with_column(name, **kept)  # forms refuse a gap in a field without `blank`
        if field.choices:
            values = [exp.convert(value) for value, _ in field.flatchoices if value is not None]
            value = exp.column(exp.to_identifier(name, quoted=True))
            listed = exp.In(this=value, expressions=values)
            table = replace(table, checks=(*table.checks, listed))
            continue
        known_as = next((word for kind, word in _FORMATS if isinstance(field, kind)), None)
        if known_as is not None:
            table = with_format(table, name, known_as)
        elif isinstance(field, models.SlugField):
            drawn = col.pattern("[a-z]{3,8}-[a-z]{3,8}")
            table = table.with_column(name, drawn=drawn, reason="a slug")
        else:
            table = with_conditions(table, name, _asked(field))
    return replace(table, comment=table.comment or _about(model))


def _asked(field: Any) -> list[SimpleNamespace]:
    """The bounds and patterns of a field's validators."""
    found = []
    for rule in field.validators:
        for kind, word in _BOUNDS:
            if isinstance(rule, kind) and not callable(rule.limit_value):
                found.append(SimpleNamespace(**{word: rule.limit_value}))
        regex = getattr(rule, "regex", None)
        if type(rule) is validators.RegexValidator and not rule.inverse_match:
            found.append(SimpleNamespace(pattern=regex))
    return found


def _about(model: Any) -> str:
    """What a model's docstring says; Django writes one of fields where there is none."""
    text = " ".join((model.__doc__ or "").split())
    return "" if text.startswith(f"{model.__name__}(") else text


def _package(model: Any) -> str:
    return str(model.__module__).partition(".")[0]
