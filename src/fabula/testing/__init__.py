"""What users and Fabula's own tests need to test without a model or a key."""

from __future__ import annotations

from fabula.testing.calls import Call
from fabula.testing.contracts import (
    check_check_kind,
    check_column_kind,
    check_detector,
    check_metric,
    check_provider,
    check_synthesizer,
    check_text_detector,
    check_training_format,
)
from fabula.testing.output_contracts import check_destination, check_file_format
from fabula.testing.replies import Reply
from fabula.testing.server import ChatServer

__all__ = [
    "Call",
    "ChatServer",
    "Reply",
    "check_check_kind",
    "check_column_kind",
    "check_destination",
    "check_detector",
    "check_file_format",
    "check_metric",
    "check_provider",
    "check_synthesizer",
    "check_text_detector",
    "check_training_format",
]
