"""Text vectors on this machine: static word vectors that need no key and no network.

The vectors and the tokenizer are in the wheel of `wordllama` (extra `texts`). They are read
directly, since importing that package configures the root logger and looks for missing files on the
network. A text's vector is the mean of its tokens' vectors, as in that package.
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

if TYPE_CHECKING:
    import pyarrow as pa
    from tokenizers import Tokenizer

NAME = "wordllama"
"""The local embedding's name in options and reports."""
DIMENSIONS = 256

_WEIGHTS = "weights/l2_supercat_256.safetensors"
_TOKENS = "tokenizers/l2_supercat_tokenizer_config.json"
_CHUNK = 2_048
_AT_ONCE = 256  # their token vectors take some ten megabytes at once

Vectors = NDArray[np.float32]


def embed_locally(texts: Sequence[str]) -> Vectors:
    """A unit vector for each text, in order; a text without words has the zero vector.

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
            sums = np.add.reduceat(words[flat], starts, axis=0)
            made[start + filled] = sums / np.linalg.norm(sums, axis=1, keepdims=True)
    return made


def embed_halved(texts: pa.Array) -> NDArray[np.float16]:
    """The vectors of many texts in half the memory, with an error below a thousandth."""
    made = np.empty((len(texts), DIMENSIONS), dtype=np.float16)
    for start in range(0, len(texts), _CHUNK):
        made[start : start + _CHUNK] = embed_locally(texts.slice(start, _CHUNK).to_pylist())
    return made


@cache
def _model() -> tuple[Tokenizer, Vectors]:
    """The tokenizer, and the vector of each of its tokens."""
    found = importlib.util.find_spec("wordllama")
    if found is None or found.origin is None:
        raise PrerequisiteError.for_extra("texts", needed_by="an embedding on this machine")
    # Its threads take tens of megabytes each, and warn in every forking process.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from safetensors import safe_open
    from tokenizers import Tokenizer

    folder = Path(found.origin).parent
    tokenizer = Tokenizer.from_file(str(folder / _TOKENS))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    tokenizer.model._resize_cache(0)  # it stores whole texts (tens of megabytes) and rarely hits
    with safe_open(folder / _WEIGHTS, framework="numpy") as file:
        words = file.get_tensor("embedding.weight").astype(np.float32)
    return tokenizer, words
