"""Words of real names and places that new ones must not have, told apart as a scan tells them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.privacy.notes.latin import spelling
from fabula.privacy.squeezed import Counts, Hashes, Squeezed


class RealWords:
    """The words of real names that some lists have, too.

    `O'Brien`, `OBRIEN` and `Obrien` are one word, and so are `Schröder`, `Schroder` and
    `Schroeder`; `McDonald` has the word `Donald`. Hashes of words are kept, and only of words in
    the lists, so that memory does not grow with the data.

    Args:
        listed: All names of the lists.
    """

    def __init__(self, listed: Iterable[str]) -> None:
        hashes, _ = _runs([text for name in listed for text in _spellings(name)])
        self._listed = np.unique(np.concatenate([hash_ for hash_, _ in hashes]))
        self._known = self._listed[:0]

    def add(self, texts: pa.Array, *, accounts: bool = False) -> None:
        """Take in real names, e-mails or places.

        Args:
            texts: The values; none is null.
            accounts: Whether they are e-mails or user names, which join words: `mbrown`, `annb`,
                `annabrown`.
        """
        words = pc.unique(pc.list_flatten(pc.split_pattern_regex(texts, r"[\s,-]+")))
        foreign = words.filter(pc.invert(pc.string_is_ascii(words))).to_pylist()
        spelled = [text for word in foreign for text in _spellings(word)]
        runs, _ = _runs([*words.to_pylist(), *spelled])
        found = [np.intersect1d(hashes, self._listed) for hashes, _ in runs]
        if accounts:
            found += self._joined(words.to_pylist())
        self._known = np.union1d(self._known, np.concatenate(found))

    def _joined(self, texts: Sequence[str]) -> Iterator[Hashes]:
        """The listed words of which a word consists: two, or one and an initial."""
        squeezed = Squeezed.of(texts)
        starts, ends = squeezed.starts, squeezed.word_ends
        for cut in range(1, int((ends - starts).max(initial=1))):
            longer = ends - starts > cut
            starts, ends = starts[longer], ends[longer]
            parts = squeezed.hashes(starts, starts + cut), squeezed.hashes(starts + cut, ends)
            listed = [np.isin(part, self._listed) for part in parts]
            single = cut == 1, ends - starts == cut + 1
            both = (listed[0] | single[0]) & (listed[1] | single[1])
            yield from (part[each & both] for part, each in zip(parts, listed, strict=True))

    def are_in(self, names: Sequence[str], *, whole: bool = False) -> NDArray[np.bool_]:
        """Which names share a word with real ones.

        Args:
            names: Names of the lists.
            whole: Whether all words of a name must be real ones.
        """
        spelled = [(row, text) for row, name in enumerate(names) for text in _spellings(name)]
        owners = np.array([row for row, _ in spelled], np.int64)
        ((words, of), (all_, of_all)), size = _runs([text for _, text in spelled])
        counts, shared = (
            np.bincount(rows, minlength=size) for rows in (of, of[np.isin(words, self._known)])
        )
        hit = (shared == counts) & (counts > 0) if whole else shared > 0
        hit[of_all[np.isin(all_, self._known)]] = True
        found = np.zeros(len(names), bool)
        found[owners[hit]] = True
        return found


def _runs(texts: Sequence[str]) -> tuple[list[tuple[Hashes, Counts]], int]:
    """The words of two letters and more, then the whole texts, each with its row; and the rows."""
    squeezed = Squeezed.of(texts)
    long = squeezed.word_ends - squeezed.starts > 1
    whole = squeezed.whole()
    full = np.flatnonzero(whole.lengths)
    runs = [(squeezed.word_hashes[long], squeezed.rows[long]), (whole.hashes[full], full)]
    return runs, len(texts)


def _spellings(name: str) -> list[str]:
    """A name as it is, without accents, and as ASCII spells it."""
    if name.isascii():
        return [name]
    parts = unicodedata.normalize("NFKD", name.casefold())
    plain = "".join(char for char in parts if not unicodedata.combining(char))
    return list(dict.fromkeys([name, plain, spelling(name) or name]))
