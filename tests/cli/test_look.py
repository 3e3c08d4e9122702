"""Verbs that look: show, kinds, schema, runs, doctor, models, keys."""

from __future__ import annotations

import json
import os
import stat

import pytest

from fabula.kinds import KINDS


def test_kinds_are_listed_and_explained(run):
    """All kinds with a sentence; one kind with parameters and an example."""
    listed = run("kinds")
    assert all(f"\n{kind} " in f"\n{listed.out}" for kind in KINDS)
    assert "balance: random | exact, default random" in run("kinds", "choice").out


def test_an_unknown_kind_names_the_nearest(run):
    """Exit 2 with a hint."""
    ended = run("kinds", "chioce")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.endswith("hint: did you mean `choice`?\n")
    assert f"`fabula kinds` lists all {len(KINDS)}" in run("kinds", "xxxxxxx").err


def test_the_schema_is_json(run):
    """Editors can read it."""
    schema = json.loads(run("schema").out)
    assert "tables" in schema["properties"]


def test_show_prints_a_profile_as_text_or_json(run, tmp_path):
    """Data goes to stdout in both forms."""
    (tmp_path / "x.csv").write_text("plan,age\nfree,3\nfree,4\npro,5\nfree,9\n")
    shown = run("show", "x.csv")
    assert (shown.code, shown.err) == (0, "")
    assert "free ▇▇▇▇▇▇▇▇ 75.0 %" in shown.out
    (table,) = json.loads(run("show", "x.csv", "--format", "json").out)
    assert (table["rows"], table["columns"][1]["high"]) == (4, 9)


def test_keys_are_kept_listed_and_forgotten_but_never_shown(run, tmp_path):
    """The key is read from stdin, kept in a file of mode 600, and never printed."""
    secret = "test-key-5151515151"
    ended = run("keys", "set", "openai", stdin=secret + "\n")
    assert (ended.code, ended.out) == (0, "")
    kept = tmp_path / "fabula-home" / "keys.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    listed = run("keys", "list")
    assert listed.out == "openai  stored by `fabula keys set`\n"
    assert run("keys", "rm", "openai").code == 0
    assert run("keys", "list").out == "no keys\n"
    assert secret not in "".join([ended.err, listed.out, listed.err])


def test_keys_that_can_not_be_kept_are_refused(run):
    """No key, an unknown provider, a key that was never there."""
    assert "error[keys.none]" in run("keys", "set", "openai").err
    assert "did you mean `openai`?" in run("keys", "set", "opnai", stdin="x\n").err
    assert run("keys", "rm", "openai").code == 2


def test_models_are_listed_with_what_they_need(run, monkeypatch):
    """A key in the environment is seen, by the name of its provider."""
    assert "needs OPENAI_API_KEY" in run("models", "list").out
    monkeypatch.setenv("OPENAI_API_KEY", "test-key")
    listed = run("models", "list").out
    assert "test-key" not in listed
    assert "https://api.openai.com/v1" in listed
    assert listed.count("has a key") == 1


def test_a_model_is_checked_by_asking_it(run):
    """The fake model answers; an unreachable server is an error of its own, exit 3."""
    assert run("models", "check", "fake").out.startswith("fake answers")
    assert run("models", "check", "gpt").code == 2


def test_an_unreachable_model_exits_with_3(run, monkeypatch):
    """Something outside is missing."""
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "test-key")
    ended = run("models", "check", "openai:any")
    assert ended.code == 3
    assert "127.0.0.1:9" in ended.err
    assert "test-key" not in ended.err


def test_only_the_embedded_model_is_fetched(run):
    """Other models are fetched by their own tools."""
    assert "error[usage.pull]" in run("models", "pull", "openai:gpt").err


def test_doctor_has_a_line_for_everything(run, monkeypatch):
    """ok, -- and !! lines; a refused endpoint makes it exit 3."""
    examined = run("doctor")
    assert examined.code == 0
    assert "ok python 3." in examined.out
    assert "-- embedded model not pulled: fabula models pull local" in examined.out
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:9")
    monkeypatch.setenv("GROQ_API_KEY", "test-key")
    examined = run("doctor")
    assert examined.code == 3
    assert "!! ollama at http://127.0.0.1:9/v1 (OLLAMA_HOST)" in examined.out
    assert "ok key for groq in GROQ_API_KEY" in examined.out
    assert "test-key" not in examined.out
    findings = json.loads(run("doctor", "--format", "json").out)
    assert {finding["state"] for finding in findings} == {"ok", "--", "!!"}


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_doctor_sees_a_home_that_can_not_be_written(run, monkeypatch, tmp_path):
    """A read-only home is wrong, and doctor says so."""
    home = tmp_path / "locked"
    home.mkdir(mode=0o500)
    monkeypatch.setenv("FABULA_HOME", str(home))
    assert "it can't be written" in run("doctor").out


def test_runs_without_runs_say_so(run):
    """An empty place and a missing one differ."""
    assert run("runs", "list").out == "no runs below `.`\n"
    assert run("runs", "list", "nowhere").code == 2
    assert "error[source.no-run]" in run("runs", "show", ".").err
