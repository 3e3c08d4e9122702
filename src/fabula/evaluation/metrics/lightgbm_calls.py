"""LightGBM by its C interface: its Python package imports scikit-learn and pandas, for seconds.

The calls are those of `LightGBM/include/LightGBM/c_api.h`, and give what `lightgbm.train` and
`predict` give.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from ctypes import byref, c_char_p, c_double, c_int, c_int32, c_int64, c_void_p
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fabula.errors import PrerequisiteError

_FLOAT32, _FLOAT64 = 0, 1
_ROW_MAJOR = 1
_NAMES = ("lib_lightgbm.so", "lib_lightgbm.dylib", "lib_lightgbm.dll")
_PLACES = ("lib", "bin", ".", "..")

Matrix = NDArray[np.float64]


class LightgbmError(RuntimeError):
    """LightGBM refuses something; the message is its own."""


def boosted(
    train: Matrix,
    labels: NDArray[Any],
    test: Matrix,
    *,
    settings: Mapping[str, Any],
    rounds: int,
    weights: NDArray[Any] | None = None,
) -> Matrix:
    """Predictions for `test` of trees that were fitted on `train`.

    Args:
        train: Rows to learn from.
        labels: Their answers.
        test: Rows to predict.
        settings: LightGBM's parameters, of the data and of the trees.
        rounds: Trees, or trees of each class.
        weights: How much each row counts.

    Raises:
        ImportError: LightGBM is not installed.
        LightgbmError: It refuses the rows or parameters.
    """
    told = " ".join(f"{name}={_value(value)}" for name, value in settings.items()).encode()
    with _data(train, told) as data:
        _set(data, "label", labels)
        if weights is not None:
            _set(data, "weight", weights)
        with _trees(data, told) as trees:
            finished = c_int(0)
            for _ in range(rounds):
                _call("BoosterUpdateOneIter", trees, byref(finished))
                if finished.value:
                    break
            return _predicted(trees, test)


@contextmanager
def _data(rows: Matrix, told: bytes) -> Iterator[c_void_p]:
    rows, made = np.ascontiguousarray(rows, np.float64), c_void_p()
    _call(
        "DatasetCreateFromMat", _pointer(rows), c_int(_FLOAT64), c_int32(rows.shape[0]),
        c_int32(rows.shape[1]), c_int(_ROW_MAJOR), c_char_p(told), None, byref(made),
    )  # fmt: skip
    try:
        yield made
    finally:
        _call("DatasetFree", made)


@contextmanager
def _trees(data: c_void_p, told: bytes) -> Iterator[c_void_p]:
    made = c_void_p()
    _call("BoosterCreate", data, c_char_p(told), byref(made))
    try:
        yield made
    finally:
        _call("BoosterFree", made)


def _set(data: c_void_p, name: str, values: NDArray[Any]) -> None:
    """Give rows their labels or weights."""
    plain = np.ascontiguousarray(values, np.float32)
    field = c_char_p(name.encode())
    _call("DatasetSetField", data, field, _pointer(plain), c_int(len(plain)), c_int(_FLOAT32))


def _predicted(trees: c_void_p, rows: Matrix) -> Matrix:
    rows = np.ascontiguousarray(rows, np.float64)
    classes, length = c_int(0), c_int64(0)
    _call("BoosterGetNumClasses", trees, byref(classes))
    made = np.empty((len(rows), classes.value))
    if not len(rows):
        return made if classes.value > 1 else made[:, 0]
    _call(
        "BoosterPredictForMat", trees, _pointer(rows), c_int(_FLOAT64), c_int32(rows.shape[0]),
        c_int32(rows.shape[1]), c_int(_ROW_MAJOR), c_int(0), c_int(0), c_int(-1),
        c_char_p(b"num_threads=1"), byref(length), made.ctypes.data_as(ctypes.POINTER(c_double)),
    )  # fmt: skip
    return made if classes.value > 1 else made[:, 0]


def _call(name: str, *arguments: Any) -> None:
    library = _library()
    if getattr(library, f"LGBM_{name}")(*arguments):
        library.LGBM_GetLastError.restype = c_char_p
        raise LightgbmError(library.LGBM_GetLastError().decode(errors="replace"))


@cache
def _library() -> ctypes.CDLL:
    """The library of the installed package."""
    spec = find_spec("lightgbm")
    if spec is None or spec.origin is None:
        raise ImportError("No module named 'lightgbm'", name="lightgbm")
    home = Path(spec.origin).parent
    found = [
        file for place in _PLACES for name in _NAMES if (file := home / place / name).is_file()
    ]
    if found:
        try:
            return ctypes.cdll.LoadLibrary(str(found[0]))
        except OSError as exc:  # slim Linux images and new Macs lack OpenMP
            raise PrerequisiteError(
                f"lightgbm can't be loaded: {exc}",
                code="prerequisite.library",
                hint="if OpenMP is missing: `apt-get install libgomp1` or `brew install libomp`",
            ) from exc
    package: Any = import_module("lightgbm.basic")  # it lies elsewhere, and the package knows where
    library: ctypes.CDLL = package._LIB
    return library


def _pointer(values: NDArray[Any]) -> c_void_p:
    return values.ctypes.data_as(c_void_p)


def _value(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)
