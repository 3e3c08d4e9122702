"""The tables of a dataset on the Hub as sources.

The files are downloaded into the Hub's own cache when rows are asked for, each at the commit that
was listed. Which files are a table is said by the dataset's card, else by their names.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pyarrow as pa

from fabula.errors import SourceError
from fabula.hub.repository import Repository
from fabula.io.formats import is_data, table_name
from fabula.io.frames import with_labels
from fabula.io.sources import read_parts

if TYPE_CHECKING:
    import pyarrow.dataset as ds

_SPLITS = {
    "train": "train|training",
    "test": "test|testing|eval|evaluation",
    "validation": "validation|valid|val|dev",
}
_SPLIT = {
    name: re.compile(rf"(^|[^a-z])({words})($|[^a-z])", re.IGNORECASE)
    for name, words in _SPLITS.items()
}
_GLOB = re.compile(r"\*\*/?|\*|\?|\{[^}]*\}|\[[^]]*\]|[^*?{\[]+|.")


def tables_at(place: str) -> dict[str, Callable[[], pa.Table | ds.Dataset]]:
    """What reads each table of a dataset: each of its configurations and splits.

    Raises:
        SourceError: There is no such dataset, or it has no file of data.
    """
    repository = Repository.at(place)
    with repository.failures(SourceError):
        info = repository.info()
    names = [file.rfilename for file in info.siblings or ()]
    path = repository.path
    if path:
        within = [name for name in names if name == path or name.startswith(f"{path}/")]
        tables = _by_path(within, PurePosixPath(path).stem)
    else:
        card = info.card_data.to_dict() if info.card_data else {}
        configs = card.get("configs")
        own = repository.name.partition("/")[2]
        tables = _by_card(configs, names, own) if configs else _by_name(names, own)
    if not tables:
        raise SourceError(
            f"`{repository.place}` holds no data file{f' at `{path}`' if path else ''}",
            code="source.empty",
            where=repository.place,
            hint=f"name a file of it, or try `{repository.place}@refs/convert/parquet`",
        )
    return {
        name: partial(_read, repository, str(info.sha), files) for name, files in tables.items()
    }


def _by_card(
    configs: Iterable[Mapping[str, Any]], names: list[str], own: str
) -> dict[str, list[str]]:
    """The files of each split of each configuration that the card lists."""
    found: dict[tuple[str, str], list[str]] = {}
    for config in configs:
        called = str(config.get("config_name") or "default")
        folder = str(config.get("data_dir") or "")
        wanted = config.get("data_files") or (f"{folder}/**" if folder else "**")
        splits: list[Any] = wanted if isinstance(wanted, list) else [wanted]
        if not all(isinstance(split, Mapping) for split in splits):
            splits = [{"split": "train", "path": splits}]
        for split in splits:
            paths = split.get("path")
            patterns = [paths] if isinstance(paths, str) else list(paths or ())
            files = [name for name in names if any(_fits(name, each) for each in patterns)]
            data = sorted(filter(is_data, files))
            if data:
                found[called, str(split.get("split") or "train")] = data
    return _named(found, own)


def _by_name(names: list[str], own: str) -> dict[str, list[str]]:
    """Files by the split that their names hold; else as in any folder."""
    data = sorted(filter(is_data, names))
    splits = {
        name: next((s for s, form in _SPLIT.items() if form.search(name)), "") for name in data
    }
    if not data or not all(splits.values()):
        return _by_path(data, own)
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name, split in splits.items():
        outer = [
            part
            for part in PurePosixPath(name).parent.parts
            if part != "data" and not _SPLIT[split].fullmatch(part)
        ]
        found["/".join(outer), split].append(name)
    return _named(found, own)


def _named(found: Mapping[tuple[str, str], list[str]], own: str) -> dict[str, list[str]]:
    """Tables called by what tells them apart: the configuration, the split, or both."""
    configs, splits = ({key[side] for key in found} for side in (0, 1))
    if len(found) == 1:
        return {own: next(iter(found.values()))}
    return {
        "_".join(
            unquote(part).replace("/", "_")
            for part, several in ((config, len(configs) > 1), (split, len(splits) > 1))
            if several and part
        ): files
        for (config, split), files in found.items()
    }


def _by_path(names: Iterable[str], own: str) -> dict[str, list[str]]:
    """Each file as a table; files that are called parts are one."""
    data = [name for name in names if is_data(name)]
    if len(data) > 1 and all(
        re.match(r"part[-_.]?\d|\d+\.|.*-\d+-of-\d+", PurePosixPath(n).name) for n in data
    ):
        return {own: data}
    return {table_name(PurePosixPath(name)): [name] for name in data}


def _fits(name: str, pattern: str) -> bool:
    """Whether a file's name fits a pattern of a card."""
    parts = []
    for piece in _GLOB.findall(pattern.removeprefix("./")):
        if piece.startswith("**"):
            parts.append(".*")
        elif piece in ("*", "?"):
            parts.append(f"[^/]{'*' if piece == '*' else ''}")
        elif piece[0] == "{":
            parts.append(f"({'|'.join(map(re.escape, piece[1:-1].split(',')))})")
        else:
            parts.append(piece if piece[0] == "[" and len(piece) > 1 else re.escape(piece))
    return re.fullmatch("".join(parts), name) is not None


def _read(repository: Repository, commit: str, names: Iterable[str]) -> pa.Table | ds.Dataset:
    """The rows of files, which are downloaded first where the cache lacks them."""
    with repository.failures(SourceError):
        paths = [
            Path(
                repository.api.hf_hub_download(
                    repository.name, name, repo_type="dataset", revision=commit
                )
            )
            for name in names
        ]
    rows = read_parts(paths)
    labelled = b"ClassLabel" in (rows.schema.metadata or {}).get(b"huggingface", b"")
    if not labelled:
        return rows
    return with_labels(rows if isinstance(rows, pa.Table) else rows.to_table())
