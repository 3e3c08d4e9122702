"""What a call of `generate` needs to make a share: which one, where, and from what."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fabula.errors import UsageError
from fabula.planning.plan import Plan
from fabula.runs.belongings import STATE
from fabula.runs.dataset import Dataset
from fabula.runs.execute import OpenModel
from fabula.runs.options import RunOptions
from fabula.runs.records import is_file
from fabula.runs.shares.making import execute_share
from fabula.runs.shares.record import Asked
from fabula.runs.shares.share import Share
from fabula.spec.models import ModelLike
from fabula.spec.tables import DatasetSpec
from fabula.types import Path as PathLike
from fabula.types import Size


@dataclass(frozen=True)
class Sharing:
    """One share of a run that is made in a folder."""

    share: Share
    output: Path
    asked: Asked

    @classmethod
    def of(
        cls,
        blocks: str | None,
        spec: DatasetSpec,
        output: Path | None,
        *,
        n: Size,
        seed: int | None,
        model: ModelLike | None,
        key_file: PathLike | None,
    ) -> Sharing | None:
        """The share that `blocks` names; None where the whole run is made.

        Raises:
            UsageError: It names none, `output` is not a folder, or real files need a key that
                all shares have.
        """
        if blocks is None:
            return None
        share = Share.read(blocks)
        if output is None or is_file(output):
            raise UsageError(
                "a share of a run is written to a folder, as files, and has no report",
                code="usage.blocks",
                hint="write the shares to `out`, then `fabula merge out`",
            )
        if any(table.source for table in spec.tables.values()):
            _check_key(key_file)
        return cls(share, output, Asked.of(spec, output, n=n, seed=seed, model=model))

    def ledgers(self, *, fresh: bool) -> dict[str, Any]:
        """The ledger that the share pays into, and that of share 0, which it knows.

        With `fresh` its own replies are forgotten.
        """
        own, first = (
            share.folder(self.output) / STATE / "ledger.sqlite"
            for share in (self.share, Share(0, self.share.of))
        )
        if fresh:
            own.unlink(missing_ok=True)
        return {"ledger": own, "known": [first] if self.share.number and first.exists() else []}

    def execute(self, plan: Plan, options: RunOptions, open_model: OpenModel) -> Dataset:
        """Make the share."""
        return execute_share(
            plan,
            self.share,
            options,
            output=self.output,
            asked=self.asked,
            open_model=open_model,
        )


def _check_key(key_file: PathLike | None) -> None:
    """Make sure that shares can agree on what replaces real people."""
    from fabula.privacy.secret import VARIABLE, Secret  # a heavy import, when needed

    if not Secret.find(Path(key_file) if key_file else None).kept:
        raise UsageError(
            "the shares of a run that masks real files need one key",
            code="share.key",
            hint=f"`fabula mask --new-key people.key`, then add `--key-file people.key` or set"
            f" {VARIABLE}",
        )
