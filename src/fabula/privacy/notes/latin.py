"""Names as people write them without the letters of their language: `Mueller`, `Sergei Ivanov`."""

from __future__ import annotations

import re
from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc

from fabula.fakers.latin import to_ascii

_SPELLED = {
    "ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa",
    "α": "a", "ά": "a", "β": "v", "γ": "g", "δ": "d", "ε": "e", "έ": "e", "ζ": "z", "η": "i",
    "ή": "i", "θ": "th", "ι": "i", "ί": "i", "κ": "k", "λ": "l", "μ": "m", "ν": "n", "ξ": "x",
    "ο": "o", "ό": "o", "π": "p", "ρ": "r", "σ": "s", "ς": "s", "τ": "t", "υ": "y", "ύ": "y",
    "φ": "f", "χ": "ch", "ψ": "ps", "ω": "o", "ώ": "o",
}  # fmt: skip


def spelled_out(names: pa.Array) -> pa.Array | None:
    """Names in the letters of ASCII; null where that only leaves accents out.

    Returns:
        The names; None if none is left.
    """
    foreign = pc.match_substring_regex(names, r"[^\x00-\x7f]")
    if not pc.any(foreign).as_py():
        return None
    coded = pc.if_else(foreign, names, pa.scalar(None, names.type)).dictionary_encode()
    known = pa.array([spelling(name) for name in coded.dictionary.to_pylist()], names.type)
    found = known.take(coded.indices)
    return found if found.null_count < len(found) else None


@lru_cache(maxsize=1 << 16)
def spelling(name: str) -> str | None:
    """A name in the letters of ASCII; None if that only leaves accents out."""
    words = [to_ascii(word, _SPELLED) for word in re.split(r"[\s-]+", name)]
    plain = [to_ascii(word) for word in re.split(r"[\s-]+", name)]
    is_latin = re.search(r"[a-z]", name.lower()) is not None
    if not all(words) or (is_latin and words == plain):
        return None
    return " ".join(words).title()
