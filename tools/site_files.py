"""A hook of the documentation site: examples that pages link to become files of the site."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
_SHIM = "https://unpkg.com/iframe-worker/shim"
_REFERENCE_BOOST = 0.002
_FOLDERS = ("examples", "src/fabula/templates")
_EXAMPLE = re.compile(rf"\]\((?:\.\./)+(?:{'|'.join(_FOLDERS)})/([^)]+\.(?:py|yaml))\)")


def on_files(files: Files, config: Any) -> Files:
    """Add the examples, as text that a browser shows."""
    for folder in _FOLDERS:
        for path in (ROOT / folder).rglob("*"):
            name = f"sources/{path.relative_to(ROOT / folder)}.txt"
            if path.suffix in (".py", ".yaml") and files.get_file_from_path(name) is None:
                files.append(File.generated(config, name, content=path.read_text("utf-8")))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Lead links to an example, which lies outside the documentation, to the copy in the site.

    The reference has each word many times and in its titles, which the search counts a
    thousandfold: it is listed after the guides.
    """
    if page.file.src_uri.startswith("reference/"):
        page.meta["search"] = {"boost": _REFERENCE_BOOST}
    up = "../" * page.file.src_uri.count("/")
    return _EXAMPLE.sub(rf"]({up}sources/\1.txt)", markdown)


def on_post_build(config: Any) -> None:
    """Take the search's helper for pages on the disk from the site, not from the network."""
    site = Path(config.site_dir)
    for path in site.rglob("*.html"):
        up = "../" * (len(path.relative_to(site).parts) - 1)
        html = path.read_text(encoding="utf-8")
        path.write_text(html.replace(_SHIM, f"{up}javascripts/worker.js"), encoding="utf-8")
