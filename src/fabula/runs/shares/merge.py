"""`fabula.merge`: the shares of a run as one run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fabula.errors import UsageError
from fabula.inference.resolve import SpecLike, resolve
from fabula.io.formats import as_format
from fabula.llm.cache.budget import Budget
from fabula.llm.cache.ledger import Ledger
from fabula.llm.session import models_of_run
from fabula.planning.documents import document_plans, model_of
from fabula.planning.plan import Plan
from fabula.planning.planner import make_plan
from fabula.render.cells import watched
from fabula.runs.belongings import STATE
from fabula.runs.dataset import Dataset
from fabula.runs.execute import execute
from fabula.runs.fingerprint import identity
from fabula.runs.options import RunOptions
from fabula.runs.settled import check_row_class, settled
from fabula.runs.shares.merging import Merging, check_complete, check_same, of_one_run
from fabula.runs.shares.record import Asked, Found, find_shares
from fabula.spec.loading import build_spec
from fabula.types import Path as PathLike
from fabula.types import ProgressLike


def merge(
    folders: PathLike | Sequence[PathLike],
    *,
    output: PathLike | None = None,
    spec: SpecLike | None = None,
    key_file: PathLike | None = None,
    overwrite: bool = False,
    max_rejects: float | int | None = None,
    progress: ProgressLike = None,
) -> Dataset:
    """Put the shares of a run together, and check what needs all rows.

    The files are those of a run on one machine, byte for byte. They are links to the files of the
    shares where the disk allows it, else copies; the shares stay. Replies that the shares paid for
    go to the ledger of this machine.

    Args:
        folders: The `output` of the shares, or the folders of single shares; one or several.
        output: The folder of the run; by default the folder of all shares.
        spec: The spec, where the shares could not note all of it: its classes, its secrets, or
            files by their full paths.
        key_file: The key that replaces the people of real files.
        overwrite: Replace another run in the folder.
        max_rejects: Lost rows that are accepted: a share below 1, or a number of rows.
        progress: Called with a table's name, its rows done and its rows asked.

    Raises:
        SourceError: A share is missing, unfinished, changed, there twice, or of another run.
        UsageError: The spec is needed, or is another one.
        CheckError: The data breaks a check; it stays where it was written.
        PartialRunError: More rows were lost than `max_rejects`.

    Examples:
        >>> import fabula as fb, tempfile
        >>> out = tempfile.mkdtemp()
        >>> for share in ("1/2", "2/2"):
        ...     _ = fb.generate("age int 18..90", n=100, seed=1, output=out, blocks=share)
        >>> fb.merge(out).num_rows
        100
    """
    places = (
        folders if isinstance(folders, Sequence) and not isinstance(folders, str) else [folders]
    )
    shares = find_shares([Path(place) for place in places])
    records = of_one_run(shares)
    like = records[0]
    place = _place(shares) if output is None else Path(output)
    plan = _plan(like.asked, spec, key_file)
    options = RunOptions(
        format=as_format(like.run["format"]),
        overwrite=overwrite,
        max_rejects=max_rejects,
        escape_formulas=bool(like.run.get("escape_formulas")),
        progress=watched(progress),
    )
    check_same(identity(plan, options.file_format, escape_formulas=options.escape_formulas), like)
    check_complete(plan, records)
    for found in shares:
        _keep_replies(found.folder / STATE / "ledger.sqlite")
    asks = any(model_of(each.spec) is not None for each in document_plans(plan.spec))
    budget = Budget(max_calls=None if asks else 0)  # replies about the shares' rows are all there
    with models_of_run(budget=budget) as open_model:
        dataset = execute(
            plan, options, output=place, open_model=open_model, merged=Merging(plan, shares)
        )
    check_row_class(plan.spec, dataset)
    return dataset


def _plan(asked: Asked, spec: SpecLike | None, key_file: PathLike | None) -> Plan:
    """The plan of the shares once more."""
    if spec is None and not asked.whole:
        raise UsageError(
            "the shares could not note all of their spec: a class, a secret or a full path",
            code="merge.needs-spec",
            hint=f"name it: `fabula merge {asked.output} --spec {asked.file or 'SPEC'}`",
        )
    wanted = build_spec(asked.spec) if spec is None else resolve(spec)
    ready = settled(wanted, asked.n, seed=asked.seed, key_file=key_file)
    return make_plan(ready, n=asked.n, seed=asked.seed, model=asked.model)


def _place(shares: Sequence[Found]) -> Path:
    """The folder that holds all shares."""
    homes = {found.folder.resolve().parent: found.folder.parent for found in shares}
    if len(homes) > 1:
        raise UsageError(
            "the shares lie in several folders",
            code="merge.output",
            hint="say where the run goes: `-o out`",
        )
    return next(iter(homes.values()))


def _keep_replies(path: Path) -> None:
    """Add the replies that a share paid for to the ledger of this machine."""
    if path.is_file():
        ledger = Ledger()
        try:
            ledger.take(path)
        finally:
            ledger.close()
