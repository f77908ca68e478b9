"""The job queue of the intake. The worker is started with ``huey_consumer intake.jobs.huey``."""

import logging
import os
from pathlib import Path

from huey import SqliteHuey

from jobreporter.sources.huey import attach

#: Everything that the intake reads and writes lies below this folder.
HOME = Path(os.environ.get("INTAKE_HOME", "."))
INBOX = HOME / "inbox"
ARCHIVE = HOME / "archive"
REPORTS = HOME / "reports"

huey = SqliteHuey("intake", filename=str(HOME / "intake.db"), store_intermediate_errors=False)

# The one line that it takes. A process that only enqueues starts nothing: the reporters run in the worker.
attach(huey)

# The built-in reporter `log` writes through stdlib logging, and what shows is the application's choice, as always.
log = logging.getLogger("jobreporter")
log.setLevel("INFO")
log.addHandler(logging.StreamHandler())
log.propagate = False
