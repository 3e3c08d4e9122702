"""How a column writes people's names: their order, titles and capitals."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

_MOST = 0.8
TITLE = r"(Mr|Mrs|Ms|Miss|Master|Dr|Rev|Prof|Herr|Frau|Sr|Sra|M|Mme|Mlle)\.? "


@dataclass(frozen=True)
class NameForm:
    """The form of the names in a column.

    Attributes:
        order: `usual` as the language has it, or the last name first, before a comma.
        titled: Whether a title precedes the first name.
        case: Whether all is in capitals or in small letters.
    """

    order: Literal["usual", "comma"] = "usual"
    titled: bool = False
    case: Literal["", "upper", "lower"] = ""

    @classmethod
    def of(cls, texts: pa.Array, *, full: bool) -> NameForm:
        """The form that most of the texts have.

        Args:
            texts: Differing names.
            full: Whether they are full names, and not first or last names alone.
        """
        comma = full and _most(pc.match_substring_regex(texts, r"^[^,]+, \S"))
        start = "^[^,]+, " if comma else "^"
        titled = full and _most(pc.match_substring_regex(texts, start + TITLE))
        return cls("comma" if comma else "usual", titled, _case(texts))

    @property
    def parts(self) -> tuple[str, ...]:
        """The fields of a person that a full name is made of."""
        if self.order == "comma":
            return ("last_name", *("title",) * self.titled, "first_name")
        return (*("title",) * self.titled, "name")

    def write(self, parts: list[pa.Array]) -> pa.Array:
        """Names of their parts, in the order of `parts`; or first or last names alone."""
        parts = [part.cast(pa.large_string()) for part in parts]
        space = pa.scalar(" ", pa.large_string())
        if self.order == "comma":
            comma = pa.scalar(",", pa.large_string())
            empty = pa.scalar("", pa.large_string())
            parts[0] = pc.binary_join_element_wise(parts[0], comma, empty)
        texts = pc.binary_join_element_wise(*parts, space)
        if not self.case:
            return texts
        return pc.utf8_upper(texts) if self.case == "upper" else pc.utf8_lower(texts)

    def state(self) -> dict[str, Any]:
        """The form as plain values."""
        return asdict(self)


def _case(texts: pa.Array) -> Literal["", "upper", "lower"]:
    """Whether texts are in capitals or in small letters; scripts without them are in neither."""
    upper, lower = pc.equal(texts, pc.utf8_upper(texts)), pc.equal(texts, pc.utf8_lower(texts))
    if _most(upper) == _most(lower):
        return ""
    return "upper" if _most(upper) else "lower"


def _most(flags: pa.Array) -> bool:
    return bool((pc.mean(flags.cast(pa.int8())).as_py() or 0.0) >= _MOST)
