"""Text vectors on this machine: static word vectors that need no key and no network.

The vectors and the tokenizer lie in the wheel of `wordllama`. They are read from there directly,
since importing that package sets up the root logger, and it looks for missing files on the network.
The extra `texts` brings the wheel where there is one for the machine; elsewhere the two files are
pulled once. A text's vector is the mean of its tokens' vectors, as that package has it.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fabula.errors import PrerequisiteError
from fabula.llm.client.user_dirs import home
from fabula.llm.providers.wheel_files import not_pulled, pull_files, say

if TYPE_CHECKING:
    import pyarrow as pa
    from tokenizers import Tokenizer

NAME = "wordllama"
"""The local embedding's name in options and reports."""
DIMENSIONS = 256

WHEEL = "wordllama==0.4.0.post1"
_WEIGHTS, _TOKENS = "l2_supercat_256.safetensors", "l2_supercat_tokenizer_config.json"
FILES = {
    _WEIGHTS: "64b47a2dc493cb8e85944076601189739852d7b64e0e1eedcb1937a251cd9fd5",
    _TOKENS: "93248f2a9ec36c7b35f700a033d5f36228aae48db61aee31007fa49062cdeb68",
}
"""The digest of each file that is pulled."""
_CHUNK = 2_048
_AT_ONCE = 256  # their token vectors take some ten megabytes at once

Vectors = NDArray[np.float32]


def embed_locally(texts: Sequence[str], *, weights: Vectors | None = None) -> Vectors:
    """A unit vector for each text, in order; a text without words has the zero vector.

    `weights` says how much each token of the vocabulary counts.

    Raises:
        PrerequisiteError: The extra `texts` is not installed.
    """
    tokenizer, words = _model()
    made = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
    for start in range(0, len(texts), _AT_ONCE):
        chunk = list(texts[start : start + _AT_ONCE])
        tokens = [each.ids for each in tokenizer.encode_batch_fast(chunk, add_special_tokens=False)]
        lengths = np.array([len(each) for each in tokens])
        filled = np.flatnonzero(lengths)
        if len(filled):
            flat = np.concatenate([tokens[at] for at in filled])
            starts = np.concatenate([[0], np.cumsum(lengths[filled])[:-1]])
            vectors = words[flat] if weights is None else words[flat] * weights[flat][:, None]
            sums = np.add.reduceat(vectors, starts, axis=0)
            made[start + filled] = sums / np.linalg.norm(sums, axis=1, keepdims=True)
    return made


def document_counts(texts: Sequence[str]) -> NDArray[np.int64]:
    """How many of the texts have each token of the vocabulary.

    Raises:
        PrerequisiteError: The extra `texts` is not installed.
    """
    tokenizer, words = _model()
    counts = np.zeros(len(words), dtype=np.int64)
    for start in range(0, len(texts), _AT_ONCE):
        chunk = list(texts[start : start + _AT_ONCE])
        for each in tokenizer.encode_batch_fast(chunk, add_special_tokens=False):
            counts[np.unique(each.ids).astype(np.int64)] += 1
    return counts


def embed_halved(texts: pa.Array) -> NDArray[np.float16]:
    """The vectors of many texts in half the memory, with an error below a thousandth."""
    made = np.empty((len(texts), DIMENSIONS), dtype=np.float16)
    for start in range(0, len(texts), _CHUNK):
        made[start : start + _CHUNK] = embed_locally(texts.slice(start, _CHUNK).to_pylist())
    return made


def pull_words() -> Path:
    """Make sure that the vectors and the tokenizer are on this machine; gives their folder.

    Raises:
        PrerequisiteError: The registry can't be reached, or a file is not the expected one.
    """
    folder = home() / "models"
    if any(not (folder / name).is_file() for name in FILES):
        say("pulling word vectors (20 MB, once) ...")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            pull_files(WHEEL, FILES, folder, name=NAME, built=True)
        except OSError as problem:
            raise not_pulled(NAME, str(problem)) from problem
    return folder


@cache
def _model() -> tuple[Tokenizer, Vectors]:
    """The tokenizer, and the vector of each of its tokens."""
    # Its threads keep tens of megabytes each, and warn in every process that forks.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        from safetensors import safe_open
        from tokenizers import Tokenizer
    except ImportError as exc:
        raise PrerequisiteError.for_extra(
            "texts", needed_by="an embedding on this machine"
        ) from exc

    found = importlib.util.find_spec(NAME)
    if found is None or found.origin is None:
        weights = tokens = pull_words()
    else:
        weights = Path(found.origin).with_name("weights")
        tokens = weights.with_name("tokenizers")
    tokenizer = Tokenizer.from_file(str(tokens / _TOKENS))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    tokenizer.model._resize_cache(0)  # it keeps whole texts, tens of megabytes, and seldom hits
    with safe_open(weights / _WEIGHTS, framework="numpy") as file:
        words = file.get_tensor("embedding.weight").astype(np.float32)
    return tokenizer, words
