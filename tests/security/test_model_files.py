"""Model files from strangers: each array, header and size is damaged in turn."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import fabula as fb
from fabula.cli.main import main
from fabula.errors import FabulaError
from fabula.synthesizers.synthesizer import Synthesizer

MODELS = ["boosted", "copula", "mixture"]
Members = dict[str, bytes]


def members_of(path: Path) -> Members:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(path: Path, members: Mapping[str, bytes]) -> None:
    """A model file whose checksums fit what is in it, as anybody can write one."""
    about = json.loads(members["model.json"])
    rest = {name: data for name, data in members.items() if name != "model.json"}
    about["sha256"] = {name: hashlib.sha256(data).hexdigest() for name, data in rest.items()}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model.json", json.dumps(about))
        for name, data in rest.items():
            archive.writestr(name, data)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Members]:
    rng = np.random.default_rng(1)
    size = rng.gamma(2.0, 30.0, 400)
    rows = pa.table(
        {
            "size": size,
            "rooms": np.rint(size / 20).astype(int),
            "kind": rng.choice(["flat", "house", "farm"], 400),
            "seen": np.datetime64("2024-01-01") + rng.integers(0, 300, 400),
        }
    )
    made = {}
    for model in MODELS:
        path = tmp_path_factory.mktemp(model) / "m.fabula"
        fb.fit(rows, model=model, seed=1).save(path)
        made[model] = members_of(path)
    return made


def ends_well(path: Path) -> None:
    """The file is sampled, or refused by an error of ours; the process continues either way."""
    with suppress(FabulaError):
        Synthesizer.load(path).sample(50)


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def damaged_arrays(array: np.ndarray) -> list[np.ndarray]:
    """An array whose first, middle or last number is an extreme, or that has another form."""
    kind = array.dtype
    if kind.kind in "iu":
        extremes = [np.iinfo(kind).max, np.iinfo(kind).min, np.iinfo(kind).max // 2]
    else:
        extremes = [np.inf, -np.inf, np.nan] if kind.kind == "f" else [array.flat[0]]
    found = []
    for at in {0, array.size // 2, array.size - 1} if array.size else ():
        for value in extremes:
            changed = array.copy()
            changed.flat[at] = value
            found.append(changed)
    return [*found, array[:0], array[: len(array) // 2], np.repeat(array, 2, axis=0),
            array.astype(np.float32), array.reshape(-1, 1, 1), np.full_like(array, 0)]  # fmt: skip


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("model", MODELS)
def test_no_changed_array_ends_the_process(
    fitted: dict[str, Members], model: str, tmp_path: Path
) -> None:
    members, path = fitted[model], tmp_path / "m.fabula"
    for name, data in members.items():
        if name.endswith(".npy"):
            for changed in damaged_arrays(np.load(io.BytesIO(data))):
                write(path, {**members, name: npy(changed)})
                ends_well(path)


@pytest.mark.parametrize("name", ["roots", "link", "forests", "sizes", "order"])
def test_a_number_that_leads_out_of_the_trees_is_refused(
    fitted: dict[str, Members], name: str, tmp_path: Path
) -> None:
    """Compiled code follows these numbers without a look; a wrong one ended the process."""
    member = f"model/{name}.npy"
    array = np.load(io.BytesIO(fitted["boosted"][member]))
    array.flat[0] = np.iinfo(array.dtype).max
    write(tmp_path / "m.fabula", {**fitted["boosted"], member: npy(array)})
    with pytest.raises(FabulaError, match="does not fit the rest of it"):
        Synthesizer.load(tmp_path / "m.fabula")


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("model", MODELS)
def test_no_flipped_byte_of_a_header_ends_the_process(
    fitted: dict[str, Members], model: str, tmp_path: Path
) -> None:
    members, path = fitted[model], tmp_path / "m.fabula"
    rng = np.random.default_rng(2)
    for name, data in members.items():
        for at in rng.integers(0, min(len(data), 400), 6):
            changed = bytearray(data)
            changed[at] ^= int(rng.integers(1, 256))
            if name != "model.json":
                write(path, {**members, name: bytes(changed)})
                ends_well(path)


HEADERS = [
    "{'descr': '<f8', 'fortran_order': False, 'shape': (100000000000,), }",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }",
    "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (2**40,), }",
    "{'descr': '<f8', 'shape': (1,)",
    "(" * 3000,
    "",
]


@pytest.mark.parametrize("header", HEADERS)
def test_a_header_that_claims_too_much_is_refused(
    fitted: dict[str, Members], header: str, tmp_path: Path
) -> None:
    text = (header + "\n").encode()
    data = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + bytes(8)
    members = fitted["boosted"]
    write(tmp_path / "m.fabula", {**members, "model/roots.npy": data})
    with pytest.raises(FabulaError, match="can't be read as a synthesizer"):
        Synthesizer.load(tmp_path / "m.fabula")


@pytest.mark.slow
def test_an_archive_that_unpacks_to_gigabytes_is_refused(
    fitted: dict[str, Members], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bomb.fabula"
    write(path, fitted["boosted"])
    with (
        zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive,
        archive.open("model/more.npy", "w", force_zip64=True) as member,
    ):
        for _ in range(1_100):
            member.write(bytes(1 << 20))
    assert main(["sample", str(path), "-n", "3", "-o", str(tmp_path / "rows.csv")]) == 2
    assert "unpacked it has more than" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("key", "value"),
    [("version", "x"), ("version", None), ("columns", 5), ("columns", []),
     ("card", {}), ("card", 5), ("model", "no"), ("model", 5), ("exact", [5]), ("format", [])],
)  # fmt: skip
def test_an_odd_description_of_a_model_is_one_clear_error(
    fitted: dict[str, Members], key: str, value: object, tmp_path: Path
) -> None:
    about = json.loads(fitted["boosted"]["model.json"])
    text = json.dumps({**about, key: value}).encode()
    write(tmp_path / "m.fabula", {**fitted["boosted"], "model.json": text})
    with pytest.raises(FabulaError):
        Synthesizer.load(tmp_path / "m.fabula").sample(3)
