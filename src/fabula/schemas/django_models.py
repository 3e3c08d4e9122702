"""Models of Django as a schema: the statements of its own editor, with choices and validators."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
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
from fabula.fakers.regex_length import with_length
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
_REGEX = {False: "pattern", True: "refused"}
_LIMITS = {sign * 2**bits - (sign > 0) for bits in (15, 31, 63) for sign in (-1, 1)}
"""The ends of whole numbers, which Django adds as validators."""
_IN_TYPES = (
    validators.DecimalValidator,
    validators.EmailValidator,
    validators.URLValidator,
    validators.ProhibitNullCharactersValidator,
)
_IN_TYPES_TOO = (validators.validate_ipv4_address, validators.validate_ipv46_address)
"""Validators of types, whose values are drawn by their types."""


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
    tables, rules = dict(schema.tables), list[str]()
    for model in wanted:
        name = model._meta.db_table
        tables[name] = _with_fields(tables[name], model, rules)
    left = sorted({model._meta.app_label for model in given} - {m._meta.app_label for m in wanted})
    notes = (f"models of Django's own apps are left out: {', '.join(left)}",) if left else ()
    return replace(schema, tables=tables, unread=(*notes, *rules, *schema.unread))


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


def _with_fields(table: Table, model: Any, notes: list[str]) -> Table:
    """A table with what its fields say beyond their columns; what only code says is noted."""
    notes += _only_in_code(table.name, model)
    for field in model._meta.concrete_fields:
        name = field.column
        if name not in table.columns or field.remote_field is not None:
            continue
        about = " ".join(str(field.help_text or "").split())
        column = table.columns[name]
        kept = {"comment": column.comment or about, "nullable": column.nullable and field.blank}
        table = table.with_column(name, **kept)  # forms refuse a gap in a field without `blank`
        known_as = next((word for kind, word in _FORMATS if isinstance(field, kind)), None)
        asked = list(_asked(field, f"{table.name}.{name}", notes))
        table = with_conditions(table, name, asked)
        if field.choices:
            values = [exp.convert(value) for value, _ in field.flatchoices if value is not None]
            value = exp.column(exp.to_identifier(name, quoted=True))
            listed = exp.In(this=value, expressions=values)
            table = replace(table, checks=(*table.checks, listed))
        elif any(hasattr(rule, "pattern") for rule in asked):
            pass  # it is drawn by its pattern
        elif known_as is not None:
            table = with_format(table, name, known_as)
        elif isinstance(field, models.SlugField):
            drawn = col.pattern(with_length("[a-z]{1,8}-[a-z]{1,8}", 3, field.max_length))
            table = table.with_column(name, drawn=drawn, reason="a slug")
    return replace(table, comment=table.comment or _about(model))


def _asked(field: Any, place: str, notes: list[str]) -> Iterator[SimpleNamespace]:
    """What the validators of a field ask; those that are code alone are noted."""
    for rule in field.validators:
        limit = getattr(rule, "limit_value", None)
        word = next((word for kind, word in _BOUNDS if isinstance(rule, kind)), None)
        if word is not None:
            bound = limit() if callable(limit) else limit
            if bound not in _LIMITS:
                yield SimpleNamespace(**{word: bound})
        elif isinstance(rule, validators.StepValueValidator) and not rule.offset:
            yield SimpleNamespace(multiple_of=limit)
        elif isinstance(rule, validators.FileExtensionValidator) and rule.allowed_extensions:
            endings = "|".join(map(re.escape, rule.allowed_extensions))
            yield SimpleNamespace(pattern=rf"^[a-z]{{4,8}}\.({endings})$")
        elif type(rule) is validators.RegexValidator:
            if not isinstance(field, models.SlugField):
                yield SimpleNamespace(**{_REGEX[bool(rule.inverse_match)]: rule.regex})
        elif not isinstance(rule, _IN_TYPES) and rule not in _IN_TYPES_TOO:
            called = getattr(rule, "__name__", type(rule).__name__)
            notes.append(f"{place}: the validator `{called}` is not kept: rows may break it")


def _only_in_code(table: str, model: Any) -> Iterator[str]:
    """What a model asks of rows and no statement says."""
    if model.clean is not models.Model.clean or model.full_clean is not models.Model.full_clean:
        yield f"{table}: `clean` of the model is not run: rows may break it"
    for field in model._meta.private_fields:
        if hasattr(field, "fk_field"):
            told = f"{table}.{field.fk_field}: rows of other models are not sought"
            yield f"{told} (`{field.name}` is a generic key)"
    for field in model._meta.concrete_fields:
        for word in ("unique_for_date", "unique_for_month", "unique_for_year"):
            if getattr(field, word, None):
                yield f"{table}.{field.column}: `{word}` is not kept: rows may break it"
        if field.remote_field is not None and field.get_limit_choices_to():
            yield f"{table}.{field.column}: `limit_choices_to` is not kept: rows may break it"


def _about(model: Any) -> str:
    """What a model's docstring says; Django writes one of fields where there is none."""
    text = " ".join((model.__doc__ or "").split())
    return "" if text.startswith(f"{model.__name__}(") else text


def _package(model: Any) -> str:
    return str(model.__module__).partition(".")[0]
