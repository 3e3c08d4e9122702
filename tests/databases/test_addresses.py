"""Addresses of databases: whose machine they name, and where their passwords must not go."""

from __future__ import annotations

from pathlib import Path

import pytest

import fabula as fb
from fabula.databases.address import parse_address
from fabula.errors import SinkError, UsageError
from tests.databases.shop import SHOP


def test_another_machine_is_refused_without_its_name() -> None:
    address = "postgresql://dev:geheim@db.prod.example/shop"
    with pytest.raises(SinkError) as caught:
        fb.generate(SHOP, output=address)
    assert caught.value.code == "sink.remote"
    assert caught.value.message == "db.prod.example is not this machine"
    assert "--allow-remote db.prod.example" in str(caught.value.hint)
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://localhost/shop?hostaddr=10.0.0.7",
        "postgresql:///shop?host=db.example",
        "postgresql://localhost,db.example/shop",
        "mysql://u@192.168.3.4:3306/shop",
        "postgresql://[2001:db8::1]:5432/shop",
    ],
)
def test_no_form_of_an_address_hides_another_machine(address: str) -> None:
    with pytest.raises(SinkError) as caught:
        fb.generate(SHOP, output=address)
    assert caught.value.code == "sink.remote"


def test_a_password_is_in_no_message_and_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SinkError) as caught:
        fb.generate(SHOP, output="postgresql://dev:ge%40heim@127.0.0.1:1/shop?connect_timeout=2")
    assert not any(
        word in f"{caught.value}{caught.value.where}" for word in ("ge%40heim", "ge@heim")
    )
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.slow
def test_the_manifest_of_a_load_names_the_place_without_the_password(
    maria: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    data = fb.generate(SHOP, output=maria)
    assert data.manifest["destination"]["place"].startswith("mysql://dev@127.0.0.1")
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or b"p@ss" not in path.read_bytes()


def test_an_address_without_a_database_says_what_to_type() -> None:
    with pytest.raises(UsageError) as caught:
        fb.generate(SHOP, output="postgresql://localhost")
    assert caught.value.hint == "add its name: `postgresql://localhost/NAME`"


@pytest.mark.parametrize(
    "address", ["jdbc:postgresql://h/x", "snowflake://a/b", "mysql+pymysql://h/x"]
)
def test_addresses_of_others_leave_nothing_behind(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(fb.FabulaError, match="is an address, not a file or folder"):
        fb.generate("id key", n=3, output=address)
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_written_like_a_host_is_shown_as_it_is_typed() -> None:
    with pytest.raises(UsageError) as caught:
        parse_address("sqlite://x.db")
    assert "`sqlite:///x.db`" in str(caught.value.hint)
