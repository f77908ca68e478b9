"""What the worker does, whatever the job queue. Each function is given the file that it works on, below the inbox."""

import csv
import gzip
import hashlib
import json
import re
import time
from collections import Counter

from intake.invoices import total
from intake.places import ARCHIVE, HOME, INBOX, REPORTS
from jobreporter import Abort, Execution


class TotalsMissingError(Exception):
    """A month can't be closed before its invoices are totalled."""


def register(name: str) -> str:
    """Check a document in: archive it under its checksum. One whose content came before is skipped."""
    checksum = checksum_of(name)
    ARCHIVE.mkdir(exist_ok=True)
    try:
        with (ARCHIVE / checksum).open("xb") as copy:
            copy.write((INBOX / name).read_bytes())
    except FileExistsError:
        raise Abort("skipped") from None
    return checksum


def checksum_of(name: str) -> str:
    """What a document is archived under."""
    return hashlib.sha256((INBOX / name).read_bytes()).hexdigest()[:16]


def index_words(checksum: str) -> None:
    """Count the words of an archived document, for the search."""
    words = re.findall(r"[a-z]+", (ARCHIVE / checksum).read_text(encoding="utf-8").lower())
    REPORTS.mkdir(exist_ok=True)
    (REPORTS / f"{checksum}.words.json").write_text(json.dumps(Counter(words).most_common()), encoding="utf-8")


def total_invoices(name: str) -> None:
    """Check every line of a month's invoices and add them up per currency."""
    if execution := Execution.current():
        execution.tag(month=name.removesuffix(".csv"))
    totals = total(INBOX / name)
    REPORTS.mkdir(exist_ok=True)
    (REPORTS / f"{name}.totals.json").write_text(json.dumps(totals), encoding="utf-8")


def close_month(name: str) -> None:
    """Write a month's totals for the accountant. They may not be there yet: then it is tried again in a second."""
    totals_file = REPORTS / f"{name}.totals.json"
    if not totals_file.exists():
        raise TotalsMissingError(f"{name} has no totals yet")
    totals = json.loads(totals_file.read_text(encoding="utf-8"))
    with (REPORTS / f"closed-{name}").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("currency", "total"), *totals.items()])


def archive_log(name: str) -> None:
    """Compress an old log, and remove it once the copy is known to be good."""
    log = INBOX / name
    content = log.read_bytes()
    ARCHIVE.mkdir(exist_ok=True)
    packed = ARCHIVE / f"{name}.gz"
    packed.write_bytes(gzip.compress(content))
    if gzip.decompress(packed.read_bytes()) != content:
        raise OSError(f"{packed.name} does not hold what {name} held")
    log.unlink()


def remind(text: str) -> None:
    """Leave a note at the desk. Enqueued with an expiry: a reminder that comes too late is worse than none."""
    with (HOME / "desk.txt").open("a", encoding="utf-8") as desk:
        desk.write(text + "\n")


def proofread(name: str) -> int:
    """Read a document as slowly as people do. Returns how many words it has."""
    words = (INBOX / name).read_text(encoding="utf-8").split()
    time.sleep(max(60.0, 0.3 * len(words)))
    return len(words)
