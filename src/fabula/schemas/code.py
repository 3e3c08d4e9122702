"""Models that a text names, in a file of code or in a project of Django."""

from __future__ import annotations

import importlib
import os
import re
from pathlib import Path
from types import ModuleType
from typing import Any

from fabula.errors import PrerequisiteError, UsageError
from fabula.functions.named import permitted_module

DJANGO = "django:"
"""What stands before the module of a project's settings."""


def models_file(path: Path) -> ModuleType:
    """A file of models, run as it is where the user allows it.

    Raises:
        UsageError: Nobody allowed it, or running it fails.
    """
    try:
        return permitted_module(path)
    except ValueError as exc:
        raise UsageError(
            str(exc),
            code="usage.models",
            hint="a file of a package is named as `import` would name it: `shop.models:Base`",
        ) from exc


def django_models(settings: str) -> list[Any]:
    """The models of a Django project, by the module of its settings; `django:shop.settings`.

    Raises:
        PrerequisiteError: Django is not installed.
        UsageError: The project can't be set up.
    """
    module = settings.removeprefix(DJANGO)
    if not re.fullmatch(r"[\w.]+", module):
        raise UsageError(
            f"`{settings}` names no module of settings",
            code="usage.unknown-module",
            hint="write it as `django:shop.settings`, in the folder of `manage.py`",
        )
    try:
        django = importlib.import_module("django")
    except ImportError as exc:
        raise PrerequisiteError(
            "models of Django need the package `django`",
            code="prerequisite.package",
            hint="run Fabula where your project runs: `pip install fabula` there",
        ) from exc
    os.environ["DJANGO_SETTINGS_MODULE"] = module
    try:
        django.setup()
    except Exception as exc:  # whatever a project raises
        raise UsageError(
            f"`{module}` can't be set up: {type(exc).__name__}: {exc}",
            code="usage.unknown-module",
            hint="run it in the folder of `manage.py`",
        ) from exc
    return list(importlib.import_module("django.apps").apps.get_models(include_auto_created=True))
