"""Key files, keyed hashes and the cipher."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from fabula.errors import PrerequisiteError, SinkError, SourceError
from fabula.privacy.ff1 import FF1
from fabula.privacy.secret import Secret, new_key

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_KEY = "2B7E151628AED2A6ABF7158809CF4F3C"
_KEY_192 = f"{_KEY}EF4359D8D580AA4F"
_KEY_256 = f"{_KEY_192}7F036D6F04FC6A94"
_DECIMAL_TWEAK, _LETTER_TWEAK = "39383736353433323130", "3737373770717273373737"


@pytest.mark.parametrize(
    ("key", "tweak", "plain", "cipher"),
    [
        (_KEY, "", "0123456789", "2433477484"),
        (_KEY, _DECIMAL_TWEAK, "0123456789", "6124200773"),
        (_KEY, _LETTER_TWEAK, "0123456789abcdefghi", "a9tv40mll9kdu509eum"),
        (_KEY_192, "", "0123456789", "2830668132"),
        (_KEY_192, _DECIMAL_TWEAK, "0123456789", "2496655549"),
        (_KEY_192, _LETTER_TWEAK, "0123456789abcdefghi", "xbj3kv35jrawxv32ysr"),
        (_KEY_256, "", "0123456789", "6657667009"),
        (_KEY_256, _DECIMAL_TWEAK, "0123456789", "1001623463"),
        (_KEY_256, _LETTER_TWEAK, "0123456789abcdefghi", "xs8a0azh2avyalyzuwd"),
    ],
)
def test_ff1_gives_the_samples_of_nist(key: str, tweak: str, plain: str, cipher: str) -> None:
    radix = 36 if len(plain) > 10 else 10
    middle = len(plain) // 2
    halves = [np.array([int(part, radix)], np.uint64) for part in (plain[:middle], plain[middle:])]
    left, right = FF1(bytes.fromhex(key), bytes.fromhex(tweak)).encrypt(
        *halves, (radix**middle, radix ** (len(plain) - middle)), radix=radix, signs=len(plain)
    )
    assert (
        _written(int(left[0]), radix, middle) + _written(int(right[0]), radix, len(plain) - middle)
        == cipher
    )


def _written(number: int, radix: int, signs: int) -> str:
    return "".join(_DIGITS[number // radix**at % radix] for at in range(signs - 1, -1, -1))


def test_domains_below_a_million_are_refused_by_the_cipher() -> None:
    number = np.zeros(1, np.uint64)
    with pytest.raises(ValueError, match="no domain"):
        FF1(bytes(32)).encrypt(number, number, (999, 1000), signs=6)


def test_a_new_key_is_readable_by_its_owner_alone_and_is_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "k"
    secret = new_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert Secret.of_file(path) == secret
    assert secret.key.hex() not in repr(secret)
    with pytest.raises(SinkError, match="never replaced"):
        new_key(path)


def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    new_key(tmp_path / "k")
    (tmp_path / "k").chmod(0o640)
    with pytest.raises(SourceError) as caught:
        Secret.of_file(tmp_path / "k")
    assert caught.value.hint == f"chmod 600 {tmp_path / 'k'}"


@pytest.mark.parametrize("text", ["", "password", "fabula-mask-key-1 00ff", "a b c"])
def test_a_file_that_is_no_key_is_refused_without_being_quoted(tmp_path: Path, text: str) -> None:
    path = tmp_path / "k"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    with pytest.raises(SourceError, match="is not a key file") as caught:
        Secret.of_file(path)
    assert not text or text not in str(caught.value)


def test_a_missing_key_file_names_the_command_that_makes_one(tmp_path: Path) -> None:
    with pytest.raises(PrerequisiteError) as caught:
        Secret.of_file(tmp_path / "none")
    assert caught.value.hint == f"fabula mask --new-key {tmp_path / 'none'}"


def test_hashes_depend_on_key_and_purpose_and_on_nothing_else() -> None:
    values = pa.array(["a", "b", None, "a"])
    one, other = Secret(bytes(32)), Secret(bytes([1] * 32))
    first = one.digests(values, "p")
    assert (first[0] == first[3]).all()
    assert not (first[0] == first[1]).all()
    assert (one.digests(values.slice(1), "p") == first[1:]).all()
    assert not (one.digests(values, "q") == first).all(1).any()
    assert not (other.digests(values, "p") == first).all(1).any()


@pytest.mark.slow
def test_names_emails_and_dates_need_no_extra() -> None:
    code = (
        "import sys; sys.modules['cryptography'] = None\n"
        "import fabula as fb\n"
        "t = {'name': ['Ann Smith', 'Bob Jones', 'Eve Brown'] * 4,"
        " 'email': [f'a{n}@x.test' for n in range(12)], 'born': ['1980-01-02'] * 12}\n"
        "m = fb.mask(t, columns={'name': 'replace: name', 'born': 'shift'}).table\n"
        "print(m['email'][0].as_py() != 'a0@x.test')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"
