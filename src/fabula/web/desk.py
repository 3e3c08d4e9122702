"""The specs of an opened folder: read, checked, saved, and made into runs of that folder.

Nothing outside the folder is written, and a file that changed meanwhile is not replaced.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fabula.errors import SinkError, SourceError, UsageError
from fabula.io.names import file_stem
from fabula.io.places import write_text
from fabula.io.run_files import MANIFEST
from fabula.llm.client.permission import granted
from fabula.spec.writing import SCHEMA_FILE
from fabula.web.jobs import Run, Worker

ENDINGS = (".yaml", ".yml", ".json")
MOST_BYTES = 1 << 20
PREVIEW_ROWS = 20
_LOOKED_AT = 1 << 16
_TABLES = re.compile(r'(^|[{,])\s*"?tables"?\s*:', re.MULTILINE)
_MOST_RUNS = 4
"""Runs under way at once."""


def is_spec(path: Path) -> bool:
    """Whether a file, and no link, may be a spec: by its ending, and by `tables:` in its text."""
    if path.suffix.lower() not in ENDINGS or path.is_symlink() or not path.is_file():
        return False
    if path.name == SCHEMA_FILE or path.name.endswith(MANIFEST):  # they name tables as well
        return False
    try:
        with path.open(encoding="utf-8") as file:
            start = file.read(_LOOKED_AT)
            return not start.lstrip().startswith("[") and _TABLES.search(start) is not None
    except (OSError, ValueError):
        return False


@dataclass
class Desk:
    """What can be edited and run.

    Attributes:
        folder: The opened folder.
        file: The spec that was opened, if one was.
        runs: Runs that were started here, by their part of an address.
    """

    folder: Path
    file: Path | None = None
    runs: dict[str, Run] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._worker = Worker()

    @property
    def specs(self) -> dict[str, Path]:
        """The spec files of the folder, by their parts of an address."""
        found = [self.file] if self.file else sorted(filter(is_spec, self.folder.iterdir()))
        return {hashlib.blake2b(path.name.encode(), digest_size=6).hexdigest(): path
                for path in found}  # fmt: skip

    def path(self, key: str) -> Path:
        """The file of a spec.

        Raises:
            UsageError: There is none.
        """
        specs = self.specs
        if key not in specs:
            raise UsageError("there is no such spec in this folder", code="view.place",
                             hint="go back to the first page")  # fmt: skip
        return specs[key]

    def read(self, key: str) -> tuple[str, str]:
        """The text of a spec, and its version.

        Raises:
            SourceError: The file can't be read, or is too large to edit here.
        """
        path = self.path(key)
        try:
            raw = path.read_bytes()
            text = raw.decode("utf-8-sig")
        except (OSError, ValueError) as exc:
            raise SourceError(f"`{path}` can't be read: {exc}", code="source.unreadable") from exc
        if len(raw) > MOST_BYTES:
            raise SourceError(f"`{path}` is too large to edit here", code="view.too-large",
                              hint="open it in an editor of your own")  # fmt: skip
        return text.replace("\r\n", "\n"), hashlib.sha256(raw).hexdigest()

    def save(self, key: str, text: str, version: str) -> str:
        """Write a spec where it still is as it was read; the new version.

        Raises:
            SinkError: Somebody else changed it meanwhile, or it can't be written.
        """
        path = self.path(key)
        if self.read(key)[1] != version:
            raise SinkError(
                f"`{path.name}` was changed elsewhere since this page read it",
                code="view.changed",
                hint="copy your text, then load the page again",
            )
        write_text(path, text)
        return self.read(key)[1]

    def check(self, key: str, text: str) -> Mapping[str, Any]:
        """What a text would make (`result`), or what is wrong with it (`error`)."""
        return self._worker.ask(self._job("check", key, text))

    def preview(self, key: str, text: str, model: str) -> Mapping[str, Any]:
        """A few rows of every table as cells, or what is wrong."""
        job = self._job("preview", key, text) | {"n": PREVIEW_ROWS, "model": model}
        return self._worker.ask(job)

    def start(
        self, key: str, *, n: int | Mapping[str, int] | None, model: str, max_cost: float | None
    ) -> str:
        """Start a run of a saved spec; its part of an address.

        Raises:
            UsageError: Too many are under way.
        """
        self._check_room()
        job = self._job("generate", key, self.read(key)[0]) | {
            "n": n, "model": model, "max_cost": max_cost, "output": str(self._free(key)),
        }  # fmt: skip
        return self._add(Run(job, key))

    def again(self, number: str) -> str:
        """Continue a run that was stopped or failed, in its folder.

        Raises:
            UsageError: There is no such run, it is under way, or too many are.
        """
        run = self.run(number)
        if run.state == "running":
            raise UsageError("the run is under way", code="view.running")
        self._check_room()
        return self._add(Run(run.job, run.spec))

    def run(self, number: str) -> Run:
        """A run that was started here.

        Raises:
            UsageError: There is none.
        """
        if number not in self.runs:
            raise UsageError("there is no such run", code="view.place", hint="look at all runs")
        return self.runs[number]

    def close(self) -> None:
        """Stop what is under way."""
        self._worker.close()
        for run in self.runs.values():
            run.close()

    def _add(self, run: Run) -> str:
        number = str(len(self.runs) + 1)
        self.runs[number] = run
        return number

    def _check_room(self) -> None:
        if sum(run.state == "running" for run in self.runs.values()) >= _MOST_RUNS:
            raise UsageError(f"{_MOST_RUNS} runs are under way", code="view.too-many",
                             hint="wait for one of them, or stop it")  # fmt: skip

    def _job(self, what: str, key: str, text: str) -> dict[str, Any]:
        variables, code = granted()
        return {"do": what, "file": str(self.path(key)), "text": text,
                "variables": variables, "code": code}  # fmt: skip

    def _free(self, key: str) -> Path:
        """A folder for a run that no other one has: `out/shop`, then `out/shop-2`."""
        base = self.folder if self.folder.name == "out" else self.folder / "out"
        stem = file_stem(self.path(key).stem)
        taken = {run.job["output"] for run in self.runs.values()}
        names = (stem if number == 1 else f"{stem}-{number}" for number in itertools.count(1))
        places = (base / name for name in names)
        return next(place for place in places if not place.exists() and str(place) not in taken)
