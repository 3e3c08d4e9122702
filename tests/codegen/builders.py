"""Programs as a model might write them, and ways to ask for them over HTTP."""

from __future__ import annotations

from typing import Any

import fabula as fb
from fabula.codegen.running import ProgramOptions, Ran, run_program
from fabula.codegen.targets import wanted_of
from fabula.runs.dataset import Dataset
from fabula.sandbox.run import Limits
from fabula.spec.tables import ModelSpec
from fabula.testing import ChatServer

HOUSING = (
    "100 rows of housing data: id (incrementing), house size (m^2), house price, location, "
    "number of bedrooms"
)
COLUMNS = ["id", "house size (m^2)", "house price", "location", "number of bedrooms"]
QUICK = Limits(seconds=10.0, output=1 << 20)

HEAD = "import numpy as np\nimport pandas as pd\n"
BODY = """\
np.random.seed(42)
rooms = np.random.randint(1, 6, size=100)
size = 30 * rooms + np.random.normal(20, 5, size=100)
columns = {
    "id": range(1, 101),
    "house size (m^2)": size.round(1),
    "house price": (size * 3_000).round(2),
    "location": np.random.choice(["Wien", "Graz", "Linz"], size=100),
    "number of bedrooms": rooms,
}
"""
GOOD = HEAD + BODY + "df = pd.DataFrame(columns)\n"


def indented(code: str) -> str:
    """Code one level deeper."""
    return "".join(f"    {line}" for line in code.splitlines(keepends=True))


def fenced(code: str, language: str = "python") -> str:
    """A reply as models write them: prose, one block, prose."""
    return (
        "I assume that larger houses cost more.\n\n"
        f"```{language}\n{code}```\n\nThe program seeds numpy, so it repeats."
    )


def ran(source: str, limits: Limits = QUICK) -> Ran:
    """One run of a program for the table of houses."""
    return run_program(source, wanted_of(HOUSING), ProgramOptions(limits=limits))


def at(server: ChatServer, **settings: Any) -> ModelSpec:
    """The settings of a model at a scripted server."""
    return ModelSpec(name="m", base_url=server.url, **settings)


def made(server: ChatServer, request: Any = HOUSING, n: Any = None, **wanted: Any) -> Dataset:
    """What a program by that server's model makes."""
    return fb.program(request, n, model=at(server), **{"limits": QUICK, **wanted})
