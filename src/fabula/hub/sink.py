"""A dataset on the Hub as a destination: files, card and manifest in one commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from huggingface_hub import CommitOperationAdd, CommitOperationDelete
from huggingface_hub.errors import RepositoryNotFoundError

from fabula.errors import SinkError, UsageError
from fabula.hub.card import card
from fabula.hub.repository import Repository
from fabula.io.destinations import Blocks, Incoming, Loading
from fabula.io.places import write_json
from fabula.io.run_files import MANIFEST
from fabula.io.staging import record_of, staged
from fabula.media.places import MEDIA

DATA, CARD = "data", "README.md"
_OTHERS = (".gitattributes",)
"""Files that the Hub itself puts into a new repository."""


class HubSink:
    """A dataset on the Hub that was named, ready to be pushed."""

    def __init__(self, place: str, loading: Loading) -> None:
        self._repository, self._loading = Repository.at(place), loading
        self._record: Mapping[str, Any] = {}
        self._parent: str | None = None
        self._files: list[str] = []
        self._media: Mapping[str, Path] = {}
        if self._repository.path or self._repository.revision:
            raise UsageError(
                f"`{place}` names a part of a dataset, and all of it is pushed",
                code="usage.address",
                hint=f"write `{self._repository.place}`",
            )

    @property
    def place(self) -> str:
        """The address."""
        return self._repository.place

    def keep_record(self, manifest: Mapping[str, Any]) -> None:
        """Take the run's manifest; see `KeepsRecord`."""
        self._record = manifest

    def keep_files(self, files: Mapping[str, Path]) -> None:
        """Take the files that columns name; see `KeepsFiles`."""
        self._media = files

    def check(self, tables: Sequence[Incoming]) -> None:
        """Refuse a dataset that is there, or one that everybody can read; see `Sink`.

        Raises:
            SinkError: The dataset holds files, is public, or can't be reached.
        """
        del tables
        with self._repository.failures(SinkError):
            api = self._repository.api
            if not api.token:
                raise SinkError(
                    "a push to the Hub needs a token",
                    code="sink.hub",
                    where=self.place,
                    hint="set HF_TOKEN to a token that may write:"
                    " https://huggingface.co/settings/tokens",
                )
            try:
                info = self._repository.info()
            except RepositoryNotFoundError:
                self._parent, self._files = None, []
                return
        self._parent = info.sha
        self._files = [file.rfilename for file in info.siblings or () if file.rfilename]
        if not (info.private or self._loading.public):
            raise SinkError(
                f"everybody can read `{self.place}`",
                code="sink.public",
                where=self.place,
                hint="pass --public if you mean it, or make the dataset private",
            )
        held = [name for name in self._files if name not in _OTHERS]
        if held and not self._loading.overwrite:
            raise SinkError(
                f"`{self.place}` holds {len(held):,} files, such as `{held[0]}`",
                code="sink.exists",
                where=self.place,
                hint="pass --overwrite to replace its data and its card, or push to another name",
            )

    def load(self, tables: Sequence[Incoming], rows: Blocks) -> Mapping[str, Any]:
        """Push every table in one commit; see `Sink`.

        Raises:
            SinkError: The Hub refuses something; it is as it was.
        """
        self.check(tables)
        api, name, is_new = self._repository.api, self._repository.name, self._parent is None
        with TemporaryDirectory(prefix="fabula-push-") as folder:
            root = Path(folder)
            files = list(staged(tables, rows, root))
            named = {"license": self._loading.license} if self._loading.license else {}
            record = record_of({**self._record, **named}, tables, files, folder=f"{DATA}/")
            write_json(root / MANIFEST, record)
            text = card(record, {table.name: table.schema for table in tables}, name)
            (root / CARD).write_text(text, encoding="utf-8")
            old = [file for file in self._files if file.startswith((f"{DATA}/", f"{MEDIA}/"))]
            new = [*(f"{DATA}/{file.name}" for file in files), *self._media]
            paths = [*(file.path for file in files), *self._media.values()]
            operations: list[Any] = [CommitOperationDelete(file) for file in old if file not in new]
            operations += [
                CommitOperationAdd(there, str(path)) for there, path in zip(new, paths, strict=True)
            ]
            operations += [CommitOperationAdd(each, str(root / each)) for each in (CARD, MANIFEST)]
            with self._repository.failures(SinkError):
                if is_new:
                    api.create_repo(name, repo_type="dataset", private=not self._loading.public)
                try:
                    done = api.create_commit(
                        name,
                        operations,
                        commit_message="Synthetic data made by Fabula",
                        repo_type="dataset",
                        parent_commit=self._parent,
                    )
                except BaseException:
                    if is_new:
                        api.delete_repo(name, repo_type="dataset", missing_ok=True)
                    raise
        media = f"{len(self._media):,} media files, " if self._media else ""
        seen = "public" if self._loading.public else "private"
        return {
            "commit": done.oid,
            "lines": [
                f"{seen} · {len(files):,} Parquet files, {media}card and manifest in one commit"
            ],
        }
