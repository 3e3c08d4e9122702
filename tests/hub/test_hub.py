"""Datasets on the Hub: pushed in one commit with a card, and read back, by the official client."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet
import pytest
import yaml

import fabula as fb
from fabula.cli.main import main
from fabula.errors import SinkError, SourceError, UsageError
from fabula.io.sources import read_tables
from fabula.io.tables import as_table
from fabula.runs.dataset import Dataset
from tests.hub.conftest import TOKEN, Hub, Repo

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content:DeprecationWarning")  # the client's

SHOP = """
name: shop
description: A small shop | with a bar.
seed: 4
tables:
  customers:
    n: 40
    columns:
      id: {kind: key}
      country: {kind: choice, values: [AT, DE]}
    checks:
      - {kind: range, column: id, min: 1}
  orders:
    n: 90
    columns:
      id: {kind: key}
      customer_id: {kind: reference, to: customers.id}
"""
HOMES = pa.table({"n": [1, 2, 3], "text": ["a", None, "c"]})


def parquet(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pyarrow.parquet.write_table(table, sink)
    return sink.getvalue()


def everything(hub: Hub) -> str:
    return "".join(f"{repo.files}" for repo in hub.repos.values())


def test_a_run_is_pushed_with_a_card_and_read_back(
    hub: Hub, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("shop.yaml").write_text(SHOP)
    place = "hf://datasets/me/shop"
    assert main(["generate", "shop.yaml", "-o", place, "--license", "cc-by-4.0"]) == 0
    told = capsys.readouterr().err
    assert "Loaded into `hf://datasets/me/shop`: customers 40 · orders 90" in told
    assert "private · 2 Parquet files, card and manifest in one commit" in told
    repo = hub.repos["me/shop"]
    assert (repo.private, repo.commits) == (True, 2)
    card = repo.files["README.md"].decode()
    facts = yaml.safe_load(card.split("---")[1])
    assert facts["license"] == "cc-by-4.0"
    assert facts["size_categories"] == ["n<1K"]
    assert [config["config_name"] for config in facts["configs"]] == ["customers", "orders"]
    assert "| orders | 90 | 90 | 0 |" in card
    assert "seed 4" in card
    assert "| customers | `id` at least 1 | passed |" in card
    assert "not measured against gates" in card
    assert "A small shop \\| with a bar." in card
    manifest = json.loads(repo.files["manifest.json"])
    (file,) = manifest["tables"]["orders"]["files"]
    assert len(repo.files[file["path"]]) == file["bytes"]
    made = Dataset.open("out/shop-hf")
    back = {name: rows.to_table() for name, rows in read_tables(place).items()}
    assert back["orders"].equals(made["orders"])
    assert list(back) == ["customers", "orders"]
    assert TOKEN not in told + everything(hub) + json.dumps(dict(made.manifest))


@pytest.mark.slow
def test_the_official_library_loads_what_was_pushed(hub: Hub, tmp_path: Path) -> None:
    """Each table is a configuration, in a process that knows nothing of Fabula."""
    Dataset({"homes": HOMES, "pets": HOMES[:1]}).push_to_hub("me/homes", private=False)
    assert hub.repos["me/homes"].private is False
    program = """
import datasets
print(datasets.get_dataset_config_names("me/homes"))
print(datasets.load_dataset("me/homes", "pets")["train"].to_list())
print(datasets.load_dataset("me/homes")["train"].num_rows)
"""
    settings = {"HF_HOME": str(tmp_path / "home"), "HF_HUB_DISABLE_XET": "1"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        check=False,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout.splitlines() == [
        "['homes', 'pets']",
        "[{'n': 1, 'text': 'a'}]",
        "3",
    ], done.stderr


def test_gates_of_an_evaluation_stand_in_the_card(hub: Hub) -> None:
    made = Dataset({"homes": pa.table({"a": [1, 2, 3] * 20})})
    measured = fb.evaluate(made, real=pa.table({"a": [1, 2, 4] * 20}), gates=["quality.shapes"])
    made.push_to_hub("me/homes", evaluation=measured)
    card = hub.repos["me/homes"].files["README.md"].decode()
    assert "| data | column shapes | ≥ 0.90 |" in card or "column shapes" in card
    assert "**failed**" in card


def test_a_dataset_that_holds_files_is_replaced_only_when_asked(hub: Hub) -> None:
    made = Dataset({"homes": HOMES})
    made.push_to_hub("me/homes")
    old = set(hub.repos["me/homes"].files)
    with pytest.raises(SinkError, match="holds 3 files") as refused:
        made.push_to_hub("me/homes")
    assert "--overwrite" in str(refused.value.hint)
    Dataset({"homes": HOMES[:1]}).push_to_hub("me/homes", overwrite=True)
    files = set(hub.repos["me/homes"].files)
    assert len(files) == len(old)
    assert len(files & old) == 3
    (rows,) = read_tables("hf://datasets/me/homes").values()
    assert rows.to_table().num_rows == 1


def test_rows_never_go_to_a_public_dataset_unless_asked(hub: Hub) -> None:
    hub.repos["me/open"] = Repo(private=False)
    with pytest.raises(SinkError, match="everybody can read") as refused:
        Dataset({"homes": HOMES}).push_to_hub("me/open")
    assert "--public" in str(refused.value.hint)
    assert hub.repos["me/open"].commits == 1


@pytest.mark.parametrize("step", ["preupload", "blobs", "commit"])
def test_a_push_that_fails_leaves_no_repository_and_no_token(
    hub: Hub, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    hub.fails = step
    with pytest.raises(SinkError) as refused:
        Dataset({"homes": HOMES}).push_to_hub("me/homes")
    assert hub.repos == {}
    assert TOKEN not in refused.value.message + str(refused.value.hint)


def test_a_push_needs_a_token_and_says_so_before_rows_are_made(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_TOKEN")
    Path("shop.yaml").write_text(SHOP)
    with pytest.raises(SinkError, match="needs a token") as refused:
        fb.generate("shop.yaml", output="hf://datasets/me/shop")
    assert "HF_TOKEN" in str(refused.value.hint)
    assert not Path("out").exists()
    assert hub.asked == []


def test_a_private_dataset_without_a_token_is_an_error_that_says_what_to_set(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.repos["me/secret"] = Repo(private=True)
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(SourceError, match="no such dataset, or it is not public") as refused:
        read_tables("hf://datasets/me/secret")
    assert "HF_TOKEN" in str(refused.value.hint)


def card_of(*configs: dict[str, Any]) -> bytes:
    return f"---\n{yaml.safe_dump({'configs': list(configs)})}---\n".encode()


LAYOUTS: dict[str, tuple[list[str], bytes | None, list[str]]] = {
    "one file": (["data/train-00000-of-00001.parquet"], None, ["homes"]),
    "splits": (["data/train-0.parquet", "data/test-0.parquet"], None, ["train", "test"]),
    "folders of splits": (["train/a.parquet", "test/a.parquet"], None, ["train", "test"]),
    "converted": (
        ["big/train/0000.parquet", "small/train/0000.parquet"],
        None,
        ["big", "small"],
    ),
    "tables": (["people.parquet", "pets.parquet"], None, ["people", "pets"]),
    "card": (
        ["x/1.parquet", "y/2.parquet"],
        card_of(
            {"config_name": "one", "data_files": "x/*.parquet"},
            {"config_name": "two", "data_files": [{"split": "train", "path": ["y/*.parquet"]}]},
        ),
        ["one", "two"],
    ),
    "card with splits": (
        ["x/1.parquet", "y/2.parquet"],
        card_of(
            {
                "config_name": "one",
                "data_files": [
                    {"split": "train", "path": "x/**"},
                    {"split": "test", "path": "y/2.parquet"},
                ],
            }
        ),
        ["train", "test"],
    ),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_datasets_of_others_are_read_by_card_or_by_name(hub: Hub, layout: str) -> None:
    """Splits are tables of their own: rows of training and test are never mixed."""
    names, card, tables = LAYOUTS[layout]
    files = {name: parquet(HOMES) for name in names}
    hub.repos["you/homes"] = Repo(
        private=False, files=files | ({"README.md": card} if card else {})
    )
    found = read_tables("hf://datasets/you/homes")
    assert sorted(found) == sorted(tables)
    assert all(rows.to_table().equals(HOMES) for rows in found.values())


def test_one_file_of_a_dataset_is_read_by_its_path(hub: Hub) -> None:
    files = {"a.csv": b"n,text\n1,007\n", "b.jsonl": b'{"n": 2}\n'}
    hub.repos["you/files"] = Repo(private=False, files=files)
    assert fb.infer("hf://datasets/you/files/a.csv").spec.tables["a"].columns.keys() == {
        "n",
        "text",
    }
    with pytest.raises(SourceError, match=r"holds no data file at `c\.csv`"):
        read_tables("hf://datasets/you/files/c.csv")


@pytest.mark.parametrize("place", ["hf://you/model", "hf://datasets/you", "hf://spaces/a/b"])
def test_an_address_of_another_form_says_how_to_write_it(hub: Hub, place: str) -> None:
    with pytest.raises(UsageError, match="not the address of a dataset") as refused:
        read_tables(place)
    assert "hf://datasets/USER/NAME" in str(refused.value.hint)
    assert hub.asked == []


def test_tables_become_datasets_of_the_official_library() -> None:
    made = fb.generate("name person.name, size choice S|M|L, age int 18..90", n=30, seed=3)
    given = made.to_hf()
    assert isinstance(given, datasets.Dataset)
    assert given.to_list() == made.to_dicts()
    several = Dataset({"a": HOMES, "b": HOMES[:1]}).to_hf()
    assert isinstance(several, datasets.DatasetDict)
    assert several["b"].to_list() == [{"n": 1, "text": "a"}]


FORMS: dict[str, Callable[[datasets.Dataset], Any]] = {
    "as it is": lambda given: given,
    "chosen rows": lambda given: given.select([2, 1, 0]).select([2, 1, 0]),
    "another format": lambda given: given.with_format("numpy"),
    "a stream": lambda given: given.to_iterable_dataset(),
}


@pytest.mark.parametrize("form", FORMS)
def test_datasets_of_the_official_library_are_sources(form: str) -> None:
    given = FORMS[form](datasets.Dataset.from_list(HOMES.to_pylist()))
    assert as_table(given).select(HOMES.column_names).equals(HOMES)


MOODS = datasets.Features(
    {
        "text": datasets.Value("string"),
        "mood": datasets.ClassLabel(names=["sad", "glad"]),
        "tags": datasets.Sequence(datasets.ClassLabel(names=["O", "PER"])),
    }
)
SAID = {"text": ["a", "b", "c"], "mood": [1, 0, -1], "tags": [[0, 1], [], [1]]}


def test_class_labels_are_read_by_their_names_here_and_on_the_hub(hub: Hub, tmp_path: Path) -> None:
    given = datasets.Dataset.from_dict(SAID, features=MOODS)
    given.to_parquet(tmp_path / "moods.parquet")
    files = {"data/train-0.parquet": (tmp_path / "moods.parquet").read_bytes()}
    hub.repos["you/moods"] = Repo(private=False, files=files)
    (there,) = read_tables("hf://datasets/you/moods").values()
    for rows in (as_table(given), as_table(there)):
        assert rows["mood"].to_pylist() == ["glad", "sad", None]
        assert rows["tags"].to_pylist() == [["O", "PER"], [], ["PER"]]


def test_columns_of_labels_become_numbers_with_names_where_that_is_asked() -> None:
    made = Dataset({"moods": pa.table({"text": ["a", "b"], "mood": ["sad", None]}), "homes": HOMES})
    given = made.to_hf(labels=["mood"])["moods"]
    assert given.features["mood"] == datasets.ClassLabel(names=["sad"])
    assert given["mood"][:] == [0, None]
    with pytest.raises(UsageError, match="no table has a column `moods`") as caught:
        made.to_hf(labels=["moods"])
    assert "mood" in str(caught.value.hint)
    with pytest.raises(UsageError, match="contains no texts"):
        made.to_hf("homes", labels=["n"])


def test_splits_of_a_dataset_dictionary_are_tables() -> None:
    given = datasets.Dataset.from_list(HOMES.to_pylist())
    both = datasets.DatasetDict({"train": given, "test": given.select([0])})
    assert {name: table.n for name, table in fb.infer(both).spec.tables.items()} == {
        "train": 3,
        "test": 1,
    }


DOCUMENTS = """
name: letters
seed: 4
tables:
  people:
    n: 3
    columns:
      id: {kind: key}
      recipient: {kind: person, field: name}
      letter: {kind: document, template: letter, format: [png, pdf], dpi: 40}
"""


def test_documents_are_pushed_with_their_rows(hub: Hub, tmp_path: Path) -> None:
    pytest.importorskip("typst", reason="needs the extra `media`")
    Path("letters.yaml").write_text(DOCUMENTS)
    data = fb.generate("letters.yaml", output=tmp_path / "run")
    data.push_to_hub("me/letters")
    files = hub.repos["me/letters"].files
    for path in data["letter"].to_pylist():
        assert files[path] == (tmp_path / "run" / path).read_bytes()
    assert "media/people/letter/truth-00000.jsonl" in files
    assert "| people.letter | media/people/letter/ | png, pdf | 6 |" in files["README.md"].decode()
    shrunk = fb.generate("letters.yaml", n=2, output=tmp_path / "less")
    shrunk.push_to_hub("me/letters", overwrite=True)
    kept = [name for name in hub.repos["me/letters"].files if name.endswith(".png")]
    assert sorted(kept) == sorted(shrunk["letter"].to_pylist())
    pictures = data.to_hf()
    assert pictures.column_names == ["id", "recipient", "letter"]
    assert pictures[0]["letter"].size[0] > 100


@pytest.mark.parametrize("form", ["wav", "flac", "mp3"])
def test_recordings_open_as_audio(tmp_path: Path, form: str) -> None:
    spec = f"""
fabula: 1
tables: {{calls: {{n: 2, columns: {{id: {{kind: key}}, said: {{kind: choice, values: [Hello]}},
  call: {{kind: speech, text: said, model: fake, voice: a, format: {form}}}}}}}}}
"""
    given = fb.generate(spec, output=tmp_path / "run").to_hf()
    assert isinstance(given.features["call"], datasets.Audio)
    (row,) = given.cast_column("call", datasets.Audio(decode=False)).select([0])
    assert Path(row["call"]["path"]).name == f"0000000.{form}"


def test_a_place_for_rows_alone_says_where_the_documents_stay(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pytest.importorskip("typst", reason="needs the extra `media`")
    (tmp_path / "letters.yaml").write_text(DOCUMENTS)
    data = fb.generate(tmp_path / "letters.yaml", output=tmp_path / "run")
    data.write(tmp_path / "letters.sqlite")
    assert "gets the paths in `people.letter`, not the files" in caplog.text
    assert str(tmp_path / "run") in caplog.text


def test_a_document_that_was_changed_is_not_pushed(hub: Hub, tmp_path: Path) -> None:
    pytest.importorskip("typst", reason="needs the extra `media`")
    (tmp_path / "letters.yaml").write_text(DOCUMENTS)
    data = fb.generate(tmp_path / "letters.yaml", output=tmp_path / "run")
    (tmp_path / "run" / data["letter"][0].as_py()).write_bytes(b"another")
    with pytest.raises(SourceError, match="changed"):
        data.push_to_hub("me/letters")
    assert "me/letters" not in hub.repos
