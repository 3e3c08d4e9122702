"""What a share tells of itself when it is done: `share.json`, written last, in its folder."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from fabula.errors import SourceError
from fabula.io.names import SHARE as SAMPLED
from fabula.io.names import check_shares
from fabula.io.places import write_json
from fabula.io.run_files import checked, read_object
from fabula.runs.belongings import RUN
from fabula.runs.fingerprint import public_spec
from fabula.runs.parts import PartRecord
from fabula.runs.shares.share import SHARE, Share, is_share
from fabula.spec.models import ModelLike
from fabula.spec.tables import DatasetSpec
from fabula.types import Size


@dataclass(frozen=True)
class Asked:
    """What a run was asked for, to plan it once more.

    Attributes:
        spec: The spec without secrets and folders of its machine.
        whole: Whether nothing else is needed to make its plan.
        n: Rows that override the spec's.
        seed: The seed that overrides the spec's.
        model: The model that replaces those of the spec.
        file: The file of the spec, if it has one.
        output: The folder that was named.
    """

    spec: Mapping[str, Any]
    whole: bool
    n: int | dict[str, int] | None
    seed: int | None
    model: str | None
    file: str | None
    output: str

    @classmethod
    def of(
        cls, spec: DatasetSpec, output: Path, *, n: Size, seed: int | None, model: ModelLike | None
    ) -> Asked:
        """What a call of `generate` asks for."""
        public = public_spec(spec)
        whole = public == spec.model_dump(mode="json", exclude_none=True)
        named = model is None or isinstance(model, str)
        return cls(
            spec=public,
            whole=whole and named and spec.source.row_class is None,
            n=dict(n) if isinstance(n, Mapping) else n,
            seed=seed,
            model=str(model) if named and model is not None else None,
            file=spec.source.file,
            output=str(output),
        )


@dataclass(frozen=True)
class ShareRecord:
    """A finished share.

    Attributes:
        number: Its number.
        of: Shares of the run.
        run: What `run.json` of the whole run says.
        versions: Everything that has a part in the bytes.
        asked: What the run was asked for.
        parts: Its parts.
        models: What was asked of each model.
        timings: When it started, and how long it took.
    """

    number: int
    of: int
    run: Mapping[str, Any]
    versions: Mapping[str, str]
    asked: Asked
    parts: tuple[PartRecord, ...]
    models: Mapping[str, Mapping[str, Any]]
    timings: Mapping[str, Any]

    @property
    def share(self) -> Share:
        """Which share it is."""
        return Share(self.number, self.of)

    def write(self, folder: Path) -> None:
        """Write the record; the share is done."""
        write_json(folder / SHARE, dataclasses.asdict(self))

    @classmethod
    def read(cls, folder: Path) -> ShareRecord | None:
        """The record in a folder; None where there is none.

        Raises:
            SourceError: It has a shape that no run writes.
        """
        path = folder / SHARE
        content = read_object(path)
        if content is None:
            return None
        return TypeAdapter(cls).validate_python(checked(path, content, cls))


@dataclass(frozen=True)
class Found:
    """A share's folder, and its record; None where it is not done."""

    folder: Path
    record: ShareRecord | None


def find_shares(folders: Iterable[Path]) -> list[Found]:
    """The shares in some folders: each is one itself, or holds some.

    Raises:
        SourceError: A folder has no share.
    """
    found: dict[Path, Found] = {}
    for folder in folders:
        inner = sorted(item for item in _entries(folder) if is_share(item.name))
        own = [folder] if (folder / SHARE).exists() or is_share(folder.name) else inner
        started = [place for place in own if (place / RUN).exists() or (place / SHARE).exists()]
        if not started and any(SAMPLED.match(item.name) for item in _entries(folder)):
            check_shares(folder, [item.name for item in _entries(folder)])
            raise SourceError(
                f"`{folder}` has all shares of a sample: they are one table as they are",
                code="merge.no-share",
                where=str(folder),
                hint=f"look at it with `fabula show {folder}`",
            )
        if not started:
            raise SourceError(
                f"`{folder}` has no share of a run",
                code="merge.no-share",
                where=str(folder),
                hint=f"make one: `fabula generate SPEC -o {folder} --blocks 1/4`",
            )
        for place in started:
            found.setdefault(place.resolve(), Found(place, ShareRecord.read(place)))
    return [*found.values()]


def _entries(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []
