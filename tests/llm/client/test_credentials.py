"""Keys: the environment first, then a file that only its owner reads."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from fabula.errors import UsageError
from fabula.llm.client.credentials import find_key, key_names, remove_key, set_key
from fabula.llm.client.user_dirs import home


def test_a_key_can_be_set_found_listed_and_removed() -> None:
    """The listing names providers, never keys."""
    assert key_names() == []
    set_key("openai", "  sk-1 \n")
    set_key("groq", "gsk-2")
    assert find_key("openai", ("OPENAI_API_KEY",)) == "sk-1"
    assert key_names() == ["groq", "openai"]
    assert remove_key("groq")
    assert not remove_key("groq")
    assert find_key("groq", ("GROQ_API_KEY",)) is None


def test_the_environment_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    set_key("gemini", "from the file")
    assert find_key("gemini", ("GEMINI_API_KEY", "GOOGLE_API_KEY")) == "from the file"
    monkeypatch.setenv("GOOGLE_API_KEY", "from-the-environment")
    assert find_key("gemini", ("GEMINI_API_KEY", "GOOGLE_API_KEY")) == "from-the-environment"


def test_only_the_owner_can_read_the_file() -> None:
    path = set_key("openai", "sk-1")
    assert path == home() / "keys.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("key", ["", "   ", "two\nlines", "with \x00", "clé"])
def test_what_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(UsageError):
        set_key("openai", key)


@pytest.mark.parametrize("text", ["{", "[]", '{"openai": 1}', ""])
def test_a_damaged_file_is_named_and_not_quoted(text: str) -> None:
    home().mkdir(parents=True)
    (home() / "keys.json").write_text(text)
    with pytest.raises(UsageError) as caught:
        find_key("openai", ())
    assert caught.value.code == "keys.damaged"
    assert caught.value.__cause__ is None


def test_home_follows_the_environment_and_the_platform(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FABULA_HOME", "~/somewhere")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert home() == tmp_path / "somewhere"
    monkeypatch.delenv("FABULA_HOME")
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert home() == tmp_path / "data" / "fabula"
    monkeypatch.delenv("XDG_DATA_HOME")
    assert home() == tmp_path / ".local/share/fabula"


@pytest.mark.parametrize("pasted", ["'sk-1'", '"sk-1"', "Bearer sk-1", " sk-1 "])
def test_what_is_pasted_along_with_a_key_is_left_out(
    pasted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Quotes of an env file, or the header's word."""
    monkeypatch.setenv("MY_KEY", pasted)
    assert find_key("openai", ("MY_KEY",)) == "sk-1"
