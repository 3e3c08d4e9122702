"""What users and Fabula's own tests need to test without a model or a key.

Each part is imported when it is first used: pytest loads the plug-in of this package in every run.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fabula.testing.calls import Call
    from fabula.testing.contracts import (
        check_check_kind,
        check_column_kind,
        check_detector,
        check_metric,
        check_provider,
        check_synthesizer,
        check_training_format,
    )
    from fabula.testing.factories import Factory
    from fabula.testing.output_contracts import check_destination, check_file_format
    from fabula.testing.replies import Reply
    from fabula.testing.rows import RowMaker
    from fabula.testing.server import ChatServer

__all__ = [
    "Call",
    "ChatServer",
    "Factory",
    "Reply",
    "RowMaker",
    "check_check_kind",
    "check_column_kind",
    "check_destination",
    "check_detector",
    "check_file_format",
    "check_metric",
    "check_provider",
    "check_synthesizer",
    "check_training_format",
]

_HOMES = {
    "Call": "calls",
    "ChatServer": "server",
    "Factory": "factories",
    "Reply": "replies",
    "RowMaker": "rows",
    "check_destination": "output_contracts",
    "check_file_format": "output_contracts",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module `{__name__}` has no attribute `{name}`")
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'contracts')}"), name)
