"""Secrets: what a server sends back is redacted; what is kept is closed to others."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from base64 import b64encode, urlsafe_b64encode
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from fabula.cli.main import main
from fabula.errors import FabulaError
from fabula.llm.cache.ledger import Ledger
from fabula.llm.client.permission import check_sent, grant
from fabula.llm.client.redaction import Redactor
from fabula.testing import ChatServer, Reply

CANARY = 'sk-CANARY-/7f3a"9/>~'
WRITTEN = {
    "plain": str.encode,
    "json": lambda text: json.dumps({"echo": text}).encode(),
    "json in json": lambda text: json.dumps({"echo": json.dumps([text])}).encode(),
    "json in json in json": lambda text: json.dumps([json.dumps([json.dumps(text)])]).encode(),
    "json with slashes": lambda text: json.dumps([text]).replace("/", r"\/").encode(),
    "base64": lambda text: b64encode((text + " and more").encode()),
    "base64 of addresses": lambda text: urlsafe_b64encode((text + " and more").encode()),
    "base64 without padding": lambda text: urlsafe_b64encode(text.encode()).rstrip(b"="),
    "address": lambda text: quote(text, safe="").encode(),
    "query": lambda text: quote_plus(text).encode(),
    "hexadecimal": lambda text: text.encode().hex().encode(),
}


@pytest.mark.parametrize("before", ["", "x", "xy", "user:", "Bearer "])
@pytest.mark.parametrize("form", WRITTEN)
def test_a_secret_is_found_in_every_form(before: str, form: str) -> None:
    body = WRITTEN[form](before + CANARY)
    shown = Redactor([CANARY])(b"before " + body + b" after")
    assert b"***" in shown
    assert b"CANARY" not in shown
    assert body not in shown


def test_short_words_and_other_text_stay() -> None:
    body = b'{"text": "all is well, ab"}'
    assert Redactor(["ab", "", "not there"])(body) == body


@pytest.mark.parametrize("where", ["key", "header", "literal header", "login", "query"])
def test_a_good_reply_that_echoes_a_secret_is_kept_without_it(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CANARY_KEY", "sk-CANARY-123456")
    monkeypatch.setenv("FABULA_HOME", str(tmp_path / "home"))
    echoed = (
        b64encode(b"user:sk-CANARY-123456").decode() if where == "login" else "sk-CANARY-123456"
    )
    with ChatServer([f'{{"rows": [{{"a": "{echoed}"}}]}}'] * 9) as server:
        url = server.url
        model = {"name": "m", "base_url": url}
        if where == "key":
            model["api_key_env"] = "CANARY_KEY"
        elif where == "header":
            model["headers"] = {"X-Mine": "${CANARY_KEY}"}
        elif where == "literal header":
            model["headers"] = {"Authorization": "Bearer sk-CANARY-123456"}
        elif where == "query":
            model["base_url"] = f"{url}?api-key=sk-CANARY-123456"
        else:
            model["base_url"] = url.replace("://", "://user:sk-CANARY-123456@")
        spec = {"models": {"default": model}, "tables": {"t": {"n": 1, "columns": {
            "a": {"kind": "llm"}}}}}  # fmt: skip
        Path("s.json").write_text(json.dumps(spec))
        main(["generate", "s.json", "-o", "out"])
    kept = [path for path in Path("out").rglob("*") if path.is_file()]
    kept += [path for path in Path("home").rglob("*") if path.is_file()]
    assert any(b"***" in path.read_bytes() for path in kept)
    assert not [path for path in kept if echoed.encode() in path.read_bytes()]


@pytest.mark.parametrize(
    "status",
    [200, 400, 401, pytest.param(429, marks=pytest.mark.slow), 500],  # a busy server is waited for
)
def test_no_part_of_a_reply_shows_a_secret(
    status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Headers and other fields than the text are quoted in errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CANARY_KEY", CANARY)
    monkeypatch.setenv("FABULA_HOME", str(tmp_path / "home"))
    headers = dict.fromkeys(("Retry-After", "Location", "X-Request-Id"), CANARY)
    with ChatServer([Reply(CANARY, CANARY, status, headers, error=CANARY)] * 9) as server:
        model = {"name": "m", "base_url": server.url, "api_key_env": "CANARY_KEY", "timeout": 2}
        tables = {"t": {"n": 1, "columns": {"a": {"kind": "llm"}}}}
        Path("s.json").write_text(json.dumps({"models": {"default": model}, "tables": tables}))
        main(["generate", "s.json", "-o", "out"])
    told = capsys.readouterr()
    assert "CANARY" not in told.out + told.err.replace("CANARY_KEY", "")
    kept = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert not [text for text in kept if CANARY[:12].encode() in text]


def test_the_ledger_and_its_folder_are_closed_to_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o755)
    monkeypatch.setenv("FABULA_HOME", str(home))
    Ledger(home / "ledger.sqlite").close()
    assert home.stat().st_mode & 0o777 == 0o700
    assert (home / "ledger.sqlite").stat().st_mode & 0o777 == 0o600


ENDLESS = """
import signal, sys, time
for number in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_DFL)  # whatever the shell that runs the tests ignores
signal.signal(signal.SIGINT, signal.default_int_handler)
from fabula.cli import main as cli
def slow(words, talk):
    print("ready", flush=True)
    time.sleep(30)
cli._run = slow
sys.exit(cli.main(["generate", "x"]))
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_command_that_is_told_to_end_ends_like_ctrl_c(number: signal.Signals) -> None:
    command = [sys.executable, "-c", ENDLESS]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(number)
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert b"stopped" in errors


@pytest.mark.slow
def test_a_killed_container_leaves_a_run_that_goes_on(tmp_path: Path) -> None:
    """SIGTERM in the middle of a run: nothing lost, and the line that says how to continue."""
    code = "import sys; from fabula.cli.main import main; sys.exit(main(sys.argv[1:]))"
    words = ["generate", "a int 1..5, b uniform, c pattern /[a-z]{20}/", "-n", "30000000"]
    run = [sys.executable, "-c", code, *words, "-o", str(tmp_path / "out")]
    with subprocess.Popen(run, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        until = time.monotonic() + 60
        while not list(tmp_path.glob("out/*/part-*.parquet")) and time.monotonic() < until:
            time.sleep(0.05)
        process.terminate()
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"nothing lost" in errors
    assert b"run the same command to continue" in errors


def spec_for(url: str, **model: object) -> dict[str, object]:
    tables = {"t": {"n": 1, "columns": {"a": {"kind": "llm"}}}}
    return {"models": {"default": {"name": "m", "base_url": url, **model}}, "tables": tables}


@pytest.mark.parametrize(
    "model",
    [{"api_key_env": "CANARY"}, {"headers": {"X-A": "${CANARY}"}},
     {"headers": {"X-A": "a ${CANARY} b"}}],
)  # fmt: skip
@pytest.mark.parametrize("host", ["evil.invalid", "10.0.0.1", "127.0.0.1.evil.invalid"])
def test_a_secret_goes_to_a_strangers_host_only_when_its_user_says_so(
    model: dict[str, object], host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FABULA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CANARY", "sk-CANARY-123456")
    Path("s.json").write_text(json.dumps(spec_for(f"http://{host}:1/v1", **model)))
    assert main(["generate", "s.json", "-o", "out"]) == 2
    assert f"the spec sends $CANARY to {host}" in (told := capsys.readouterr().err)
    assert "--allow-env CANARY" in told
    assert main(["plan", "s.json"]) == 0
    assert f"sends $CANARY to {host}" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize(("answer", "code"), [("y", 3), ("n", 2), ("", 2)])
def test_a_person_at_a_terminal_is_asked_once(answer: str, code: int, tmp_path: Path) -> None:
    """The answer yes is remembered; no answer is no. Behind the question nobody listens."""
    spec = spec_for("http://h.invalid:1/v1", api_key_env="CANARY", timeout=1)
    (tmp_path / "s.json").write_text(json.dumps(spec))
    command = "import sys; from fabula.cli.main import main; sys.exit(main(sys.argv[1:]))"
    words = [sys.executable, "-c", command, "generate", "s.json", "-o", "out"]
    told = []
    for _ in range(2):
        near, far = pty.openpty()
        own = {"FABULA_HOME": str(tmp_path / "home"), "CANARY": "sk-CANARY-123456"}
        with subprocess.Popen(
            words, stdin=far, stderr=far, stdout=far, cwd=tmp_path, env={**os.environ, **own}
        ) as process:
            os.close(far)
            os.write(near, f"{answer}\n".encode())
            text = b""
            with suppress(OSError):  # how a terminal ends whose other side is closed
                while piece := os.read(near, 4096):
                    text += piece
        os.close(near)
        told.append(text.decode())
        assert process.returncode == code, told
    question = "the spec sends $CANARY to h.invalid; allow it from now on? [y/N]"
    assert question in told[0]
    assert (question in told[1]) is (answer != "y")
    assert ("--allow-env CANARY" in told[0]) is (answer != "y")


def test_a_permission_is_remembered_for_one_host_and_one_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FABULA_HOME", str(tmp_path))
    grant(["A"])
    check_sent("a.invalid", ["A"])
    grant([])
    check_sent("a.invalid", ["A"])
    for host, name in (("b.invalid", "A"), ("a.invalid", "B")):
        with pytest.raises(FabulaError, match="--allow-env"):
            check_sent(host, [name])
    assert (tmp_path / "allowed.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "api.openai.com", ""])
def test_this_machine_and_providers_are_taken_for_granted(host: str) -> None:
    grant([])
    check_sent(host, ["A"])
