"""`fabula schema`: prints the JSON Schema of specs."""

from __future__ import annotations

import json

import typer

from fabula.cli.options import verb


@verb()
def schema() -> None:
    """Print the JSON Schema of specs, for editors."""
    from fabula.io.formats import written_formats
    from fabula.spec.schema import json_schema

    typer.echo(json.dumps(json_schema(written_formats()), indent=2, ensure_ascii=False))
