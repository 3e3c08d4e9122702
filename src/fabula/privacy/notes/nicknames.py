"""Short forms of first names: `Alex`, `Beth`, `Robbie`, and those that custom made, as `Bob`."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from fabula.pii.lexicon import all_first
from fabula.privacy.folding import LOWER
from fabula.privacy.notes.ordinary import is_ordinary
from fabula.privacy.run_index import HashSet
from fabula.privacy.squeezed import Counts, Squeezed, runs_of

_SHORTEST = 3
_LONGEST = 8
_ENDINGS = ("", "y", "ie", "i", "ey", "o", "a")
_CUSTOM = {
    "alexander": "sasha sascha xander sandy alejo olek", "alexandra": "sasha sandra sandy",
    "alejandro": "jandro", "anthony": "tony", "antonio": "tono toni", "charles": "chuck charlie",
    "dmitry": "dima mitya", "dorothy": "dot dolly", "edward": "ted teddy ned",
    "elizabeth": "liz lizzy lizzie beth betty betsy bess eliza", "eugene": "gene",
    "evgeny": "zhenya", "francisco": "paco pancho curro kiko", "giuseppe": "beppe peppe pino",
    "henry": "harry hank", "ignacio": "nacho", "ivan": "vanya", "james": "jim jimmy jamie",
    "johannes": "hans hannes", "john": "jack johnny", "jose": "pepe", "josef": "sepp",
    "katarzyna": "kasia", "katharina": "kathi kathe", "lawrence": "larry",
    "malgorzata": "gosia", "margaret": "peggy meg maggie greta daisy", "mary": "molly polly",
    "michael": "mike mick micky misha", "mikhail": "misha", "nikolai": "kolya",
    "patricia": "tricia trish patsy", "richard": "dick rick ricky", "robert": "bob bobby",
    "sarah": "sally sadie", "theodore": "ted teddy", "theresa": "tess", "vladimir": "volodya vova",
    "william": "bill billy will liam", "wojciech": "wojtek",
}  # fmt: skip


def nicknames(notes: Squeezed, first: Squeezed, named: Counts) -> Counts:
    """The words of notes that are a short form of their row's first name, in a capital.

    Args:
        notes: The notes.
        first: The first names of each row.
        named: The words that are known to be names of their row's person.
    """
    sizes = notes.word_ends - notes.starts
    fits = (notes.kinds[notes.starts] & LOWER == 0) & (sizes >= _SHORTEST) & (sizes <= _LONGEST)
    fits[named] = False
    words = np.flatnonzero(fits)
    rows, starts = notes.rows[words], notes.starts[words]
    begin, end = first.row_ends[rows], first.row_ends[rows + 1]
    long = end - begin >= _SHORTEST
    words, rows, starts, begin, end = (each[long] for each in (words, rows, starts, begin, end))
    same = notes.hashes(starts, starts + _SHORTEST) == first.hashes(begin, begin + _SHORTEST)
    stop = starts + sizes[words]
    same |= notes.hashes(stop - _SHORTEST, stop) == first.hashes(end - _SHORTEST, end)
    hashes = notes.word_hashes[words]
    same[_custom().find(hashes)[0]] = True
    same &= ~is_ordinary(hashes)
    found = []
    columns = (words, rows, starts, stop)
    for word, row, at, end_at in zip(*(each[same].tolist() for each in columns), strict=True):
        codes = notes.codes[at:end_at].tolist()
        if _is_short(*("".join(map(chr, each)) for each in (codes, first.row_codes(row)))):
            found.append(word)
    return np.array(found, dtype=np.int64)


def _is_short(word: str, name: str) -> bool:
    if word in _CUSTOM.get(name, "").split():
        return True
    if word == name or word not in all_first():
        return False
    stems = {word.removesuffix(ending) for ending in _ENDINGS}
    stems |= {stem[:-1] for stem in stems if stem[-2:-1] == stem[-1:]}
    shorter = (stem for stem in stems if _SHORTEST <= len(stem) < len(name))
    return any(name.startswith(stem) or name.endswith(stem) for stem in shorter)


@lru_cache(maxsize=1)
def _custom() -> HashSet:
    return HashSet(runs_of(sorted({w for words in _CUSTOM.values() for w in words.split()})).hashes)
