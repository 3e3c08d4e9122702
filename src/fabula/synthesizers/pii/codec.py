"""Personal details: never learned, newly generated for every sampled row.

Names, addresses, telephone numbers and the like tell who someone is. What is kept is their kind
and form, how many are missing, and how often one comes up again; what goes with them is not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property, partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.io.arrays import array_of, is_text, plain_type
from fabula.pii.check_digits import with_account_check, with_card_check
from fabula.pii.national_ids import SCHEMES
from fabula.synthesizers.codecs.categories import plain_values
from fabula.synthesizers.codecs.codec import CodeColumn, CodecState, Places, Target, not_given
from fabula.synthesizers.model import CellColumn, Weights
from fabula.synthesizers.pii.areas import AreaColumn
from fabula.synthesizers.pii.countries import CALLING, CountryColumn, calling_codes
from fabula.synthesizers.pii.detect import NAMES, WORDS
from fabula.synthesizers.pii.districts import have_one
from fabula.synthesizers.pii.gender_column import SexColumn
from fabula.synthesizers.pii.identities import Crowd, Settled
from fabula.synthesizers.pii.name_forms import NameForm
from fabula.synthesizers.pii.shapes import MOST_ATTEMPTS, Shapes
from fabula.synthesizers.pii.sieve import Sieve

_CHECKS = {"account": with_account_check, "card": with_card_check}

_HOME = "https://www.example.com/"
"""Web addresses are made below this one, which RFC 2606 sets aside."""

CODED = "differing texts of a few shapes"
"""Why codes are replaced that need not be a person's."""


@dataclass(frozen=True, eq=False)
class DetailCodec:
    """A column of personal details.

    Attributes:
        name: The column's name.
        type: Its Arrow type.
        detail: What it holds, one of `recognised.WORDS`.
        counts: Training rows that have it, and that lack it where some do.
        crowd: Whom the rows are about.
        form: How names are written.
        shapes: The shapes of codes; None if there are words.
        gap: The blank text of a missing value, or None for a null.
        sex: The column that first names and titles agree with, if there is one.
        reason: What told by value that the column is personal; empty if its name did.
        scheme: Which national id it holds, one of `national_ids.SCHEMES`.
        sieve: What keeps codes from meeting real ones, where they could.
        country: The column that names, places and calling codes agree with, if there is one.
        area: The column that the beginnings of postcodes agree with, if there is one.
        shared: Columns that are the same in all rows of a person of the crowd.
        given: Where a town has a value or none: the share of those with one, by home; empty where
            rows do.
    """

    name: str
    type: pa.DataType
    detail: str
    counts: NDArray[np.int64]
    crowd: Crowd
    form: NameForm
    shapes: Shapes | None = None
    gap: str | None = None
    sex: SexColumn | None = None
    reason: str = ""
    scheme: str = ""
    sieve: Sieve | None = None
    country: CountryColumn | None = None
    area: AreaColumn | None = None
    shared: tuple[str, ...] = ()
    given: Mapping[str, float] = field(default_factory=dict)

    @property
    def missing(self) -> bool:
        """Whether some values are missing."""
        return len(self.counts) > 1

    @property
    def cells(self) -> CellColumn:
        """What a model sees of the column: whether there is a value."""
        return CellColumn(self.name, self.counts, ordered=False, missing=self.missing)

    @property
    def about(self) -> str:
        """What was made of the column."""
        told = f"{WORDS[self.detail]}, newly generated"
        return f"{told} ({self.reason})" if self.reason else told

    @property
    def is_personal(self) -> bool:
        """Whether the column is about people; else it holds codes of whatever kind."""
        return not self.reason.startswith(CODED)

    def encode(self, values: pa.Array) -> CodeColumn:
        """0 for a value, 1 for none."""
        if not self.missing:
            return np.zeros(len(values), np.int32)
        texts = plain_values(values).cast(pa.large_string())
        blank = pc.equal(pc.utf8_trim_whitespace(texts), "").fill_null(True)
        return np.asarray(blank.to_numpy(zero_copy_only=False), np.int32)

    def decode(self, codes: CodeColumn, places: Places, wanted: Target | None = None) -> pa.Array:
        """New details, which follow from the rows' numbers."""
        del wanted  # there is a value or none
        made, filled = self._made(places)
        gap = pa.scalar(self.gap, made.type)
        values = pc.if_else(array_of(codes == 0 if filled is None else filled), made, gap)
        return self._typed(values if self._is_text else values.cast(pa.int64()))

    def marks(self, codes: CodeColumn) -> pa.Array:
        """Marks in place of details, for as long as the numbers of the rows are open."""
        mark = pa.scalar("+" if self._is_text else "0", pa.string())
        marks = pc.if_else(array_of(codes == 0), mark, pa.scalar(None, mark.type))
        return self._typed(marks)

    def weights(self, wanted: Target) -> Weights:
        """Only missing values can be asked for."""
        if wanted == (None,) and self.missing:
            return np.array([0.0, 1.0])
        raise not_given(
            self.name,
            f"holds {WORDS[self.detail]}, which are newly generated for each row",
            "given.detail",
        )

    def state(self) -> CodecState:
        """The codec as plain values; the type is the schema's."""
        crowd, arrays = self.crowd.state()
        shapes = None if self.shapes is None else self.shapes.state()
        settings: dict[str, Any] = {
            "detail": self.detail, "form": self.form.state(), "shapes": shapes
        }  # fmt: skip
        sex = None if self.sex is None else asdict(self.sex)
        settings |= {"reason": self.reason, "scheme": self.scheme, "shared": self.shared}
        settings |= {"given": dict(self.given)}
        country = None if self.country is None else asdict(self.country)
        area = None if self.area is None else asdict(self.area)
        settings |= {"gap": self.gap, "sex": sex, "country": country, "area": area, **crowd}
        sieve = {} if self.sieve is None else {"sieve": self.sieve.marked}
        return CodecState("detail", settings, {"counts": self.counts, **arrays, **sieve})

    @classmethod
    def restore(cls, name: str, kind: pa.DataType, state: CodecState) -> DetailCodec:
        """The codec of a state."""
        settings, arrays = state.settings, state.arrays
        sex = settings["sex"]
        return cls(
            name,
            kind,
            settings["detail"],
            arrays["counts"],
            Crowd.restore(settings, arrays),
            NameForm(**settings["form"]),
            _restored(settings["shapes"]),
            settings["gap"],
            None if sex is None else SexColumn(sex["name"], tuple(sex["labels"])),
            settings.get("reason", ""),
            settings.get("scheme", ""),
            Sieve(arrays["sieve"], words=False) if "sieve" in arrays else None,
            _country(settings.get("country")),
            AreaColumn.restore(settings.get("area")),
            tuple(settings.get("shared", ())),
            settings.get("given", {}),
        )

    def _made(self, places: Places) -> tuple[pa.Array, NDArray[np.bool_] | None]:
        """A detail for each row, and which rows have one where their towns tell it."""
        rows, seed, beside = places.numbers, places.seed, places.beside
        sexes, homes, districts = self._told(beside)
        settled = None
        if (known := places.people.get(self.crowd.name)) is not None:
            theirs = (np.full(known.everyone.num_rows, -1) if told is None else told
                      for told in self._told(known.everyone))  # fmt: skip
            settled = Settled(known.numbers, *theirs)
        if self.shapes is not None:
            people = settled.people if settled else self.crowd.people(rows, seed, sexes)
            moved = self.detail == "phone" and (settled or not len(self.crowd.repeats))
            return self._codes(self.shapes, people, seed, homes if moved else None, beside), None
        draw = partial(
            self.crowd.fields, rows=rows, seed=seed, sexes=sexes, homes=homes,
            districts=districts, settled=settled,
        )  # fmt: skip
        if self.detail == "url":
            (accounts,) = draw(("username",))
            return pc.binary_join_element_wise(_HOME, accounts, ""), None
        if self.given:
            made, towns = draw((self.detail, "city"))
            return made, have_one(towns, homes, self.given)
        parts = self.form.parts if self.detail == "name" else (self.detail,)
        made = draw(parts)
        return (self.form.write(made) if self.detail in NAMES else made[0]), None

    def _told(self, table: pa.Table | None) -> tuple[NDArray[np.int64] | None, ...]:
        """The sexes, homes and districts of rows, where their columns tell them."""
        there = set() if table is None else set(table.column_names)
        areas, places = self.crowd.districts, self.country
        return (
            self.sex.sexes(table) if self.sex and self.sex.name in there else None,
            places.homes(table, self.crowd.locales) if places and places.name in there else None,
            areas.of_rows(table) if areas and there.issuperset(areas.columns) else None,
        )

    def _called(self, homes: NDArray[np.int64]) -> pa.Array:
        """The calling codes of rows whose country is known."""
        codes = pa.array([*calling_codes(self.crowd.locales), None], pa.string())
        return codes.take(array_of(np.where(homes < 0, len(codes) - 1, homes)))

    def _codes(
        self,
        shapes: Shapes,
        people: NDArray[np.int64],
        seed: int,
        homes: NDArray[np.int64] | None,
        beside: pa.Table | None,
    ) -> pa.Array:
        """A code for each person; a real one gives way to the next one."""
        codes = self._checked(shapes.at(people, seed, self._stream, homes=homes), homes, beside)
        if self.sieve is None:
            return codes
        again = np.arange(len(people))
        for attempt in range(1, MOST_ATTEMPTS):
            again = again[self.sieve.stops(codes.take(array_of(again)))]
            if not len(again):
                break
            flags = np.zeros(len(people), bool)
            flags[again] = True
            theirs = None if homes is None else homes[again]
            near = None if beside is None else beside.take(array_of(again))
            drawn = shapes.at(people[again], seed, self._stream, attempt=attempt, homes=theirs)
            drawn = self._checked(drawn, theirs, near)
            codes = pc.replace_with_mask(codes, array_of(flags), drawn)
        return codes

    def _checked(
        self, codes: pa.Array, homes: NDArray[np.int64] | None, beside: pa.Table | None
    ) -> pa.Array:
        """Codes with the check digits of their kind, or the beginning of their row's place."""
        if self.area is not None and beside is not None and self.area.name in beside.column_names:
            codes = self.area.moved(codes, beside)
        if homes is not None:
            called = self._called(homes)
            rest = pc.replace_substring_regex(codes, CALLING, r"\1")
            moved = pc.binary_join_element_wise(called, rest, "")
            abroad = pc.match_substring_regex(codes, CALLING)
            codes = pc.if_else(pc.and_(abroad, pc.is_valid(called)), moved, codes)
        if not self._is_text:  # a number has no leading zero
            codes = pc.replace_substring_regex(codes, "^0", "1")
        check = _CHECKS.get(self.detail)
        if self.scheme:
            check = SCHEMES[self.scheme].repaired
        return codes if check is None else pa.array(map(check, codes.to_pylist()), codes.type)

    @property
    def _is_text(self) -> bool:
        """Whether values are texts, as labels too."""
        return is_text(plain_type(self.type))

    def _typed(self, values: pa.Array) -> pa.Array:
        if isinstance(self.type, pa.DictionaryType):
            values = values.cast(self.type.value_type).dictionary_encode()
        return values.cast(self.type)

    @cached_property
    def _stream(self) -> str:
        return f"{self.crowd.name} {self.name}"


def _country(state: Mapping[str, Any] | None) -> CountryColumn | None:
    if state is None:
        return None
    lists = (tuple(state.get(part, ())) for part in ("locales", "labels", "abroad"))
    return CountryColumn(state["name"], *lists)


def _restored(shapes: Mapping[str, Any] | None) -> Shapes | None:
    if shapes is None:
        return None
    by_home = tuple(map(tuple, shapes.get("by_home", ())))
    return Shapes(tuple(shapes["regexes"]), tuple(shapes["rows"]), by_home)
