"""Where the intake reads and writes."""

import os
from pathlib import Path

#: Everything lies below this folder.
HOME = Path(os.environ.get("INTAKE_HOME", "."))
INBOX = HOME / "inbox"
ARCHIVE = HOME / "archive"
REPORTS = HOME / "reports"
