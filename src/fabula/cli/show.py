"""`fabula show`: profiles a data file, a folder of files or a run."""

from __future__ import annotations

import dataclasses
import shutil
import sys
from pathlib import Path

from fabula.cli.arguments import Printed, print_as
from fabula.cli.options import verb


@verb()
def show(path: Path, *, form: Printed = "table") -> None:
    """Profile a data file or a run.

    Shows types, missing and distinct values, and the spread of values.

    Options:
        path: A data file, a folder of them, a run's folder, or a picture, document, recording or
            video.
        form: How the profile is printed.
    """
    from fabula.reports.media_file import is_media

    if is_media(path):
        from fabula.reports.media_file import media_facts, media_text

        facts = media_facts(path)
        print_as(form, media_text(path, facts), facts)
        return
    from fabula.reports.profile import profile
    from fabula.reports.profile_text import profiles_text

    profiles = profile(path)
    room = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    text = profiles_text(profiles, room=room)
    print_as(form, text, [dataclasses.asdict(item) for item in profiles])
