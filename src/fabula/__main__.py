"""`python -m fabula` is the command `fabula`."""

import sys

from fabula.cli.main import main

sys.exit(main())
