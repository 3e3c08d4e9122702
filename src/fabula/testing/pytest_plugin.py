"""The pytest plug-in: rows and objects for a test, drawn from a seed that its name decides.

pytest loads this file in every run where Fabula is installed, so it imports nothing heavy.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from fabula.testing.filling import Filled
    from fabula.testing.rows import RowMaker

_SEED = pytest.StashKey[int]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--fabula-seed`."""
    parser.getgroup("fabula").addoption(
        "--fabula-seed",
        type=int,
        metavar="N",
        help="seed of the rows of all tests; by default each test's name decides",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the mark `fabula_seed`."""
    config.addinivalue_line("markers", "fabula_seed(n): the seed of a test's rows")


@pytest.fixture
def fabula_seed(request: pytest.FixtureRequest) -> int:
    """The seed of this test's rows: `--fabula-seed`, its mark, or a hash of its node id."""
    asked: int | None = request.config.getoption("--fabula-seed")
    mark = request.node.get_closest_marker("fabula_seed")
    marked = mark.args[0] if mark else zlib.crc32(request.node.nodeid.encode())
    seed = int(marked) if asked is None else asked
    request.node.stash[_SEED] = seed
    return seed


@pytest.fixture
def _row_maker(fabula_seed: int) -> RowMaker:
    from fabula.testing.rows import RowMaker

    return RowMaker(fabula_seed)


@pytest.fixture
def make_rows(_row_maker: RowMaker) -> Callable[..., list[Any]]:
    """Draw some objects of a class, or rows of a spec: `make_rows(Order, 3, status="paid")`."""
    return _row_maker.rows


@pytest.fixture
def make_row(_row_maker: RowMaker) -> Callable[..., Any]:
    """Draw one object of a class, or one row of a spec: `make_row(Order, status="paid")`."""
    return _row_maker.row


@pytest.fixture
def fabula_database() -> Any:
    """The database that `fill_database` fills; define it in `conftest.py`."""
    return None


@pytest.fixture
def fill_database(
    fabula_seed: int, fabula_database: Any
) -> Generator[Callable[..., Filled], None, None]:
    """Fill a database: `fill_database("shop.yaml", n={"customers": 20})`; undone after the test."""
    from fabula.testing.filling import Filler

    with Filler(fabula_database, fabula_seed) as filler:
        yield filler.fill


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the seed of a test that failed."""
    report = yield
    seed = item.stash.get(_SEED, None)
    if seed is not None and report.failed:
        said = f"seed {seed}; the same rows in another test: --fabula-seed {seed}"
        report.sections.append(("Fabula", said))
    return report
