"""Extras: which optional packages each brings, and the error where one of them is missing."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import metadata

from fabula.errors import PrerequisiteError

_PACKAGES = {
    "PIL": "pillow",
    "docx": "python-docx",
    "google": "protobuf",
    "opentelemetry": "opentelemetry-sdk",
    "sklearn": "scikit-learn",
}
"""Packages whose modules have another name."""


@cache
def extras() -> Mapping[str, tuple[str, ...]]:
    """The packages that each extra brings on this machine, without the extra `all`."""
    from packaging.requirements import Requirement  # its parser takes 10 ms to load

    needed = [Requirement(each) for each in metadata.requires("fabula") or ()]
    names = metadata.metadata("fabula").get_all("Provides-Extra") or ()
    return {
        extra: tuple(
            each.name
            for each in needed
            if each.marker
            and each.marker.evaluate({"extra": extra})
            and not each.marker.evaluate({"extra": ""})
        )
        for extra in names
        if extra != "all"
    }


def missing_extra(error: ImportError, *, needed_by: str) -> PrerequisiteError | None:
    """The error that names the extra of a package that is not installed; None for other ones."""
    from packaging.utils import canonicalize_name

    module = (error.name or "").partition(".")[0]
    package = canonicalize_name(_PACKAGES.get(module, module))
    for extra, packages in extras().items():
        if package in map(canonicalize_name, packages):
            return PrerequisiteError.for_extra(extra, needed_by=needed_by)
    return None
