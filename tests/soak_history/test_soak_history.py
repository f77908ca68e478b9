"""The audit that each run ends with. The runs themselves are for `nox -s soak -- --history`: chance decides what they meet."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

import jobreporter_history
from jobreporter import Dispatcher

from .audit import Evidence, audit
from .journal import Entry
from .plan import Plan
from .recorder import Recorded
from .stored import Incident, Row, Stored, stored
from .troubles import Kill


def test_a_seed_has_the_same_dice_again() -> None:
    """What each decides follows from the seed and its name."""
    plan = Plan(seed=42, engine="sqlite", seconds=1)
    other = Plan(seed=43, engine="sqlite", seconds=1)
    assert plan.dice("celery").random() == plan.dice("celery").random()
    assert len({plan.dice("celery").random(), plan.dice("rq").random(), other.dice("celery").random()}) == 3


def entry(what: str, at: float, execution: str = "", pid: int = 11, **more: object) -> Entry:
    here = {"what": what, "at": at, "pid": pid, "parent": 10, "group": 10, "execution": execution}
    return msgspec.convert({**here, **more}, Entry)


def journal_of(execution: str, ending: str, at: float, pid: int = 11) -> list[Entry]:
    """A job that has run."""
    began = entry("began", at, execution, pid, job=f"job of {execution}", source="rq", ending=ending)
    return [began, entry("ends", at + 0.1, execution, pid), entry("over", at + 0.2, execution, pid)]


def delivered(*executions: str) -> Entry:
    return entry("delivered", 150.0, begun=list(executions), ended=list(executions))


def row(execution: str, at: float, **more: object) -> Row:
    said = {"execution": execution, "job": f"job of {execution}", "name": "shop.charge", "source": "rq", "at": at}
    said |= {"outcome": "success", "why": None, "final": False, "will_retry": None, "duration": 0.1}
    return msgspec.convert({**said, "is_own": True, "incident": None, "message": None, **more}, Row)


def recorded(execution: str, at: float, **more: object) -> Recorded:
    said = {"kind": "success", "pid": 11, "job": f"job of {execution}", "outcome": "success", "duration": 0.1}
    return msgspec.convert({**said, "execution": execution, "at": at, **more}, Recorded)


FAILED = {"outcome": "failure", "why": "exception", "final": True, "will_retry": False}
ROWS = [row("a", 100.2), row("b", 101.2, incident="1f", **FAILED)]
RECORDED = [recorded("a", 100.2), recorded("b", 101.2, **FAILED)]
JOURNAL = [*journal_of("a", "success", 100.0), *journal_of("b", "card", 101.0)]
INCIDENT = Incident(
    fingerprint="1f",
    parts=("shop.charge", "Declined"),
    failed=1,
    final=1,
    first_seen=101.2,
    last_fail=101.2,
    last_final=101.2,
    in_cells=(1, 1),
    seq=1,
    logged=(1,),
)
STORED = Stored(rows=ROWS, live=[], incidents=[INCIDENT], complaints=[])
#: Nothing is wrong.
CALM = Evidence(journal=JOURNAL, recorded=RECORDED, stored=STORED)


def complaints(**changes: object) -> str:
    """What is wrong with the calm evidence, changed."""
    return "; ".join(audit(msgspec.structs.replace(CALM, **changes)))


def with_store(*, journal: object = JOURNAL, kills: object = (), away: object = (), **changes: object) -> str:
    """What is wrong where the store has something else."""
    return complaints(journal=journal, kills=kills, away=away, stored=msgspec.structs.replace(STORED, **changes))


def test_the_audit_finds_nothing_where_nothing_is_wrong() -> None:
    """Everything that ran is a row, once."""
    assert complaints() == ""
    assert complaints(journal=[*JOURNAL, delivered("a", "b")], claimed=set()) == ""


def test_the_audit_finds_what_is_missing() -> None:
    """A row has to be there where the end was delivered, or its process was not killed, or was not for long enough."""
    missing = {"rows": ROWS[1:]}
    assert "ran in a process that nobody killed, and is no row: 1" in with_store(**missing)
    for kill in (Kill(105.0, 11), Kill(105.0, 10, group=True), Kill(105.0, 10), Kill(99.9, 10)):
        assert with_store(kills=[kill], **missing) == ""
    assert "its end is delivered, and is no row: 1" in with_store(
        journal=[*JOURNAL, delivered("a")], kills=[Kill(200.0, 11)], away=[(0, 300)], **missing
    )
    late = {"kills": [Kill(115.0, 11)], **missing}
    assert "was over for 10 seconds before its process was killed, and is no row: 1" in with_store(**late)
    assert with_store(away=[(90.0, 95.0)], **late) == ""
    begun = entry("delivered", 100.1, begun=["a"])
    assert "its beginning is delivered, and is nowhere: 1" in with_store(
        journal=[*JOURNAL, begun], kills=[Kill(101, 11)], **missing
    )


def test_the_audit_finds_what_is_too_many() -> None:
    """Rows come once, of executions that ran; what has ended doesn't run."""
    assert "a row twice: 1" in with_store(rows=[*ROWS, ROWS[0]])
    assert "a row of its own, and never ran: 1" in with_store(rows=[*ROWS, row("c", 102.0)])
    assert "both running and ended: 1" in with_store(live=["a"])
    assert "running, and never began: 1" in with_store(live=["c"])
    assert "own outcomes recorded twice: 1" in complaints(recorded=[*RECORDED, RECORDED[0]])
    lost = [*JOURNAL, entry("lost", 103.0, lost=3)]
    assert "lost while the store was there: 1" in complaints(journal=lost)
    assert with_store(journal=lost, rows=ROWS[1:], away=[(95.0, 102.0)]) == ""
    assert complaints(stored=msgspec.structs.replace(STORED, complaints=["no sum"])) == "no sum"


def test_the_audit_finds_what_a_row_says_otherwise() -> None:
    """The journal knows how a job was told to end, and the recorder what its events said."""
    failed = row("a", 100.2, incident="1f", **FAILED)
    assert "ended otherwise than it was told to: 1" in with_store(rows=[failed, ROWS[1]])
    for other in (row("a", 100.3), row("a", 100.2, duration=0.2), row("a", 100.2, final=True)):
        assert "a row that says otherwise than the recorder: 1" in with_store(rows=[other, ROWS[1]])
    assert "a row of another job: 1" in with_store(rows=[row("a", 100.2, job="b"), ROWS[1]])
    assert "and was not recorded: 1" in complaints(recorded=RECORDED[1:])


def test_the_audit_finds_lost_workers_that_nobody_told_of() -> None:
    """Who has started a process that is killed has to tell, if it lives on; RQ finds the others in the end."""
    cut_off = [*JOURNAL, entry("began", 110.0, "c", 12, job="job of c", source="rq", ending="success")]
    kill = Kill(110.01, 12, parent=10)
    assert "who started that did not tell: 1" in complaints(journal=cut_off, kills=[kill])
    assert complaints(journal=cut_off, kills=[kill, Kill(115.0, 10)]) == ""
    assert complaints(journal=[*cut_off, entry("ends", 110.05, "c", 12)], kills=[kill]) == ""
    told = [*RECORDED, recorded("c", 110.02, pid=13, outcome="failure", why="worker_lost")]
    assert "who started that did not tell: 1" in complaints(journal=cut_off, kills=[kill], recorded=told)
    assert complaints(journal=cut_off, kills=[kill, Kill(112.0, 13, parent=10)], recorded=told) == ""
    whole = [Kill(110.01, 10, group=True)]
    assert complaints(journal=cut_off, kills=whole) == ""
    assert "of RQ's, and without an end: 1" in complaints(journal=cut_off, kills=whole, claimed=set())
    assert complaints(journal=cut_off, kills=whole, claimed={"c"}) == ""
    lost = row("c", 110.5, outcome="failure", why="worker_lost", is_own=False, incident="1g", final=True)
    told = recorded("c", 110.5, kind="failure", outcome="failure", why="worker_lost", exit_status=-9, pid=10)
    incident = msgspec.structs.replace(INCIDENT, fingerprint="1g", first_seen=110.5, last_fail=110.5, last_final=110.5)
    stored = msgspec.structs.replace(STORED, rows=[*ROWS, lost], incidents=[INCIDENT, incident])
    assert complaints(journal=cut_off, kills=[kill], recorded=[*RECORDED, told], stored=stored) == ""


def test_the_audit_finds_incidents_that_do_not_add_up() -> None:
    """Each cause has one incident, each incident one cause, and its sums are what its rows say."""
    assert "belongs to no incident: 1" in with_store(rows=[ROWS[0], row("b", 101.2, **FAILED)])
    third = [row("c", 102.2, incident="1f", **FAILED), *journal_of("c", "stock", 102.0)]
    more = {"recorded": [*RECORDED, recorded("c", 102.2, **FAILED)], "journal": [*JOURNAL, *third[1:]]}
    found = complaints(stored=msgspec.structs.replace(STORED, rows=[*ROWS, third[0]]), **more)
    assert "one incident of several causes: 1" in found
    assert "incident ('shop.charge', 'Declined') says" in found
    same = {**more, "journal": [*JOURNAL, *journal_of("c", "card", 102.0)]}
    elsewhere = msgspec.structs.replace(third[0], incident="1g")
    found = complaints(stored=msgspec.structs.replace(STORED, rows=[*ROWS, elsewhere]), **same)
    assert "one cause, and several incidents: 1" in found
    assert "failures without one: 1" in found
    for name, value in (("failed", 2), ("last_final", None), ("in_cells", (2, 1)), ("logged", (2,))):
        wrong = msgspec.structs.replace(INCIDENT, **{name: value})
        assert "incident ('shop.charge', 'Declined')" in with_store(incidents=[wrong])


def test_a_store_is_read_and_looked_through(tmp_path: Path) -> None:
    """As at the end of each run, which is hours after the last one."""
    url = f"sqlite://{tmp_path}/history.db"
    config = {"reporters": {"history": {"store": url}}}
    with Dispatcher({"history": jobreporter_history.HistoryReporter}, config=config) as dispatcher:
        with dispatcher.begin("shop.charge", source="rq"):
            pass
        with pytest.raises(ZeroDivisionError), dispatcher.begin("shop.charge", source="rq"):
            raise ZeroDivisionError
        running = dispatcher.begin("shop.ship", source="rq")
        assert dispatcher.flush(10)
        found = stored(url)
        running.stop()
    assert (found.complaints, sorted(each.outcome for each in found.rows)) == ([], ["failure", "success"])
    assert (len(found.live), len(found.incidents)) == (1, 1)
