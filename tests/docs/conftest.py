"""What builds the site is imported as docs/conf.py imports it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "docs"))
