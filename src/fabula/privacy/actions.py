"""What happens to a column of a masking, and how people write it down: `replace: email`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from fabula.errors import UsageError, did_you_mean
from fabula.io.written.time_forms import TimeForm
from fabula.kinds.source import ACTIONS
from fabula.privacy.files.json_bytes import OUTER
from fabula.privacy.people import DRAWN, EMAIL, Keys
from fabula.synthesizers.pii.gender_column import SexColumn

ENCRYPTED = ("phone", "card", "account", "national_id", "plate", "code", "key")
"""Details that the cipher makes; no two become the same."""

HASHED = ("uuid", "mac", "ip", "url")

KINDS = (*DRAWN, *ENCRYPTED, *HASHED)
"""Details that `replace` knows."""

INJECTIVE = ("phone", "card", "account", "plate", "code", "key", "uuid", "email", "username")
"""Details whose new values differ wherever the old ones do."""

PERIODS = ("month", "quarter", "year")
"""How dates are made coarser."""

_CONFIRMED = "confirmed"


Aliases = Callable[[pa.Array, Keys], Keys]
"""The keys of the people behind some e-mails or names; those given for those that nobody has."""


@dataclass(frozen=True)
class ColumnAction:
    """What happens to one column.

    Attributes:
        action: One of `ACTIONS`.
        detail: The kind that replaces, the step of `generalise`, the distance of `jitter`.
        confirmed: Whether a person decided that a sensitive column stays.
        reason: Why, in words.
        kind: What the column was found to contain, one of `pii.kinds.TITLES`, or `text`, or
            nothing.
        scheme: Which national id.
        form: How a column of texts writes dates.
        fixed: Places whose letter all codes share.
        domain: What codes are of, such as `customers.customer_id`; references have their key's.
        of: The columns whose values tell the new person; none for the row's own person.
        by: The column whose values tell which e-mail or address it is, of several of one person.
    """

    action: str
    detail: str = ""
    confirmed: bool = False
    reason: str = ""
    kind: str = ""
    scheme: str = ""
    form: TimeForm | None = None
    fixed: frozenset[int] = field(default_factory=frozenset)
    domain: str = ""
    of: tuple[str, ...] = ()
    by: str = ""

    @property
    def text(self) -> str:
        """The action as people write it; only what they confirmed says so."""
        further = _CONFIRMED if self.reason == _CONFIRMED else self.detail
        return f"{self.action}: {further}" if further else self.action

    @property
    def is_lossy(self) -> bool:
        """Whether different values may become equal."""
        if self.action == "replace":
            dated = self.detail == "national_id" and self.scheme
            return bool(dated) or self.detail not in (*INJECTIVE, "national_id")
        return self.action not in ("keep", "drop")

    def to_dict(self) -> dict[str, Any]:
        """The action as the card tells it."""
        facts = {
            "action": self.action,
            "detail": self.detail,
            "confirmed": self.confirmed,
            "kind": self.kind,
            "scheme": self.scheme,
            "form": self.form.format if self.form else "",
            "reason": self.reason,
            "of": ", ".join(self.of),
            "by": self.by,
        }
        return {name: value for name, value in facts.items() if value}


@dataclass(frozen=True)
class PersonColumns:
    """Which columns identify the row's person.

    Attributes:
        columns: The columns; where the first is empty, the next one tells.
        tags: What the values of each are, such as `customer_id`.
        reason: Why these.
    """

    columns: tuple[str, ...]
    tags: tuple[str, ...]
    reason: str = ""

    @property
    def is_key(self) -> bool:
        """Whether people are identified by a key, and not by an e-mail or a name."""
        return self.tags[0] not in (EMAIL, "name", "first_name", "last_name")

    @property
    def told(self) -> str:
        """The first column, as people know it."""
        return self.columns[0].removeprefix(OUTER)


@dataclass(frozen=True, eq=False)
class TableMask:
    """How one table is masked.

    Attributes:
        name: Its name.
        columns: What happens to each column.
        person: Which columns identify the row's person; None if rows have none.
        sex: The column of the person's sex, if new names are to agree with it.
        joins: By what people are looked up among those of all tables: `email`, `name`.
        aliases: Finds those people, for each of `joins`.
        key: The column that is the table's key, if one alone is.
    """

    name: str
    columns: Mapping[str, ColumnAction]
    person: PersonColumns | None = None
    sex: SexColumn | None = None
    joins: frozenset[str] = frozenset()
    aliases: Mapping[str, Aliases] = field(default_factory=dict)
    key: str | None = None


def own_columns(table: TableMask, kind: str) -> tuple[str, ...]:
    """The columns of the e-mail or of the full name of the people of a table's own rows."""
    of = {
        action.detail: name
        for name, action in reversed([*table.columns.items()])
        if action.action == "replace" and not action.of
    }
    if kind in of:
        return (of[kind],)
    both = kind == "name" and {"first_name", "last_name"} <= of.keys()
    return (of["first_name"], of["last_name"]) if both else ()


def read_action(text: str, where: str) -> ColumnAction:
    """The action that a text stands for: `keep`, `keep: confirmed`, `replace: email`.

    Args:
        text: The text.
        where: The column, for errors.

    Raises:
        UsageError: There is no such action, or it takes no such detail.
    """
    action, _, detail = (part.strip() for part in text.partition(":"))
    if action not in ACTIONS:
        raise _wrong(where, f"there is no action `{action}`", did_you_mean(action, ACTIONS) or
                     f"the actions are {', '.join(ACTIONS)}")  # fmt: skip
    if detail == _CONFIRMED and action in ("keep", "notes"):
        return ColumnAction(action, confirmed=True, reason="confirmed")
    if action == "replace" and detail and detail not in KINDS:
        raise _wrong(where, f"`replace` makes no `{detail}`", did_you_mean(detail, KINDS) or
                     f"it makes {', '.join(KINDS)}")  # fmt: skip
    if action == "generalise" and not (detail in PERIODS or re.fullmatch(r"[1-9]\d{0,8}", detail)):
        hint = "write `generalise: 10` for numbers, `3` for the first characters of codes, "
        raise _wrong(where, f"`generalise` takes no `{detail}`",
                     f"{hint}`generalise: month` for dates")  # fmt: skip
    if action == "jitter" and detail and not re.fullmatch(r"\d+(\.\d+)? ?km", detail):
        raise _wrong(where, f"`jitter` takes no `{detail}`", "write `jitter: 2km`")
    if detail and action not in ("replace", "generalise", "jitter"):
        raise _wrong(where, f"`{action}` takes no `{detail}`", f"write `{action}`")
    return ColumnAction(action, detail, reason="asked for")


def _wrong(where: str, message: str, hint: str) -> UsageError:
    return UsageError(f"`{where}`: {message}", code="mask.action", where=where, hint=hint)
