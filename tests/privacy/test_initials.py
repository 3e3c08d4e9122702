"""Names with initials: new ones are abbreviated likewise, in their column and in notes."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
import pytest

import fabula as fb
from fabula.privacy.secret import new_key

FORMS = {
    "Sophia H.": r"\S{2,} \w\.",
    "S Hall": r"\w \S{2,}",
    "S. Hall": r"\w\. \S{2,}",
    "Hall, S.": r"\S{2,}, \w\.",
    "S. H.": r"\w\. \w\.",
    "Mr. S. Hall": r"M\w+\. \w\. \S{2,}",
    "M. Hall": r"\w\. \S{2,}",
    "Élise Ö.": r"\S{2,} \w\.",
    "Sophia Hall": r"\S{2,} \S{2,}",
}


@pytest.fixture
def key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same key in every run: other people may have the initials of the old ones by chance."""
    monkeypatch.setattr("fabula.privacy.secret.secrets.token_bytes", bytes)
    new_key(tmp_path / "mask.key")
    return tmp_path / "mask.key"


def test_initials_stay_initials_also_in_notes(key: Path) -> None:
    names = list(FORMS)
    notes = [f"{name} was here" for name in names]
    table = pa.table({"customer_id": range(len(names)), "name": names, "note": notes})
    columns = {"name": "replace: name", "note": "notes: confirmed"}
    new = fb.mask(table, columns=columns, key_file=key, locale="en").table
    for form, old, name, note in zip(FORMS.values(), names, *new.columns[1:], strict=True):
        assert re.fullmatch(form, str(name)), name
        assert str(name) != old
        assert str(note) == f"{name} was here"


def test_a_name_with_an_initial_is_the_same_person_in_the_e_mail(key: Path) -> None:
    names = [f"{first} {last}." for first in ("Ann", "Bo", "Cy") for last in "BCDEFGH"]
    emails = [f"user{n}@mail.example" for n in range(len(names))]
    table = pa.table({"customer_id": range(len(names)), "name": names, "email": emails})
    new = fb.mask(table, columns={"name": "replace: name"}, key_file=key, locale="en").table
    for name, email in zip(*new.columns[1:], strict=True):
        first, last = str(name).casefold().rstrip(".").split(" ")
        account = re.findall("[a-z]+", str(email).partition("@")[0])
        assert account[0].startswith(first[0])
        assert last in "".join(account)
