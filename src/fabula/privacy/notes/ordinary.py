"""Ordinary words of many languages: `will` and `price` are people only if they are capitals."""

from __future__ import annotations

import json
from functools import lru_cache
from importlib.metadata import distribution
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fabula.pii.lexicon import all_first, all_last
from fabula.privacy.squeezed import Hashes, Runs, runs_of

_SHORT = 2
"""Names of so few letters are mostly words, too."""

_FURTHER = (
    "will may mark price young grace hope joy rose bill frank art dawn faith ivy jack lance grant"
    " miles pat penny ray rich rob rod roman ruby sandy skip stew sue summer wade april june august"
    " autumn iris lily daisy pearl amber brown white black green gray king cook baker carter"
    " miller mason fisher hunter long short small best rich love day knight page park field hill"
    " wood stone rivers banks bush lane street church hall house bishop pope walker turner taylor"
    " klein gross lang kurz schwarz weiss braun roth koch bauer richter kaiser könig wolf fuchs"
    " vogel sommer winter berg stein busch petit grand blanc noir roux leroy roy mer bon noël"
    " rosa luz paz blanco rojo moreno delgado bravo leal prado ríos flores rossi bianchi bruno"
    " sale fiore monti mały wielki nowak zając wilk lis sowa wrona"
)


@lru_cache(maxsize=1)
def ordinary_words() -> Hashes:
    """The hashes of the ordinary words, in order."""
    folder = Path(str(distribution("mimesis").locate_file("mimesis/datasets")))
    words: set[str] = set()
    for path in folder.glob("*/text.json"):
        words.update(json.loads(path.read_text(encoding="utf-8")).get("words", ()))
    words = {word.casefold() for word in words} - all_first() - all_last()
    found: Hashes = np.unique(runs_of(sorted(words.union(_FURTHER.split()))).hashes)
    return found


def is_ordinary(hashes: Hashes) -> NDArray[np.bool_]:
    """Which hashes are those of ordinary words."""
    known = ordinary_words()
    places = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
    found: NDArray[np.bool_] = known[places] == hashes
    return found


def weak(runs: Runs) -> NDArray[np.bool_]:
    """The rows whose run, in small letters, is more often a word than a name."""
    return (runs.lengths <= _SHORT) | is_ordinary(runs.hashes)
