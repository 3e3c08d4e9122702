"""How each check of whole tables is evaluated, in a module of the check's name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fabula.checks.data import Data
from fabula.checks.results import CheckResult
from fabula.extensions import Register
from fabula.spec.tables import DatasetSpec


@dataclass(frozen=True)
class Evaluation:
    """How a check is evaluated.

    Attributes:
        result: How the check does, given the spec, the data, the table's name and the check.
        rows_to_drop: Numbers of the rows, from 0, without which the check holds, where rows can
            be dropped.
    """

    result: Callable[[DatasetSpec, Data, str, Any], CheckResult]
    rows_to_drop: Callable[[DatasetSpec, Data, str, Any], NDArray[np.int64]] | None = None


EVALUATIONS: Register[Evaluation] = Register("evaluation", home="fabula.checks.kinds")
"""The evaluation of each check that is not a rule of single rows, by the check's kind."""
