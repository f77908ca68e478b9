"""A history with something of everything, hostile texts among it."""

from __future__ import annotations

from msgspec.structs import replace

from jobreporter import Origin
from jobreporter.schedules import Schedule
from jobreporter.testing import make_error
from jobreporter_history._schedules.watch import Watch

from .executions import failed, new_job, succeeded
from .sessions import Running as Session

#: What tries to get out of wherever it is written: of HTML, of a terminal, of the direction of the text.
HOSTILE = "<script>alert(1)</script>\"'></pre><svg onload=alert(1)>\u202e\x1b[31m[/]{{7*7}}"
NEW = Origin(service="shop", environment="production", release="2.4.1", host="web-1", pid=7, version="0.1.0")


SCHEDULES = (
    Schedule(name="charge", job="shop.tasks.charge_card", every=3600.0),
    Schedule(name="n" * 64, job=HOSTILE, cron="*/5 * * * *", timezone="Europe/Berlin"),
)


def fill(url: str, now: float) -> None:
    """Two days of three queues, with hostile texts among them."""
    session = Session(url, now=now)
    for number in range(120):
        at = now - 60 - number * 1200
        [started, success, stopped] = succeeded(at, 0.2 + number % 7, queue="mail")
        session.take([started, replace(success, tags={"customer": "acme"} if number % 3 else {}), stopped])
        if number % 9 == 0:
            job = new_job(name="shop.tasks.charge_card", max_attempts=4, kwargs={"amount": 12900}, queue="default")
            error = make_error("requests.exceptions.ReadTimeout", "HTTPSConnectionPool(host='api.example'): timed out")
            session.take(
                failed(
                    at, 10.0, job=job, event={"error": error, "will_retry": number > 60, "tags": {"customer": "globex"}}
                ),
                NEW,
            )
    root = new_job(name="hooks.deliver", id="0123456789abcdef", source="dramatiq", queue="webhooks")
    child = new_job(name="crm.push", parent_id=root.id, root_id=root.id, source="rq", queue="high")
    session.take(succeeded(now - 50, 2.0, job=root))
    session.take(failed(now - 40, 1.0, job=child, event={"will_retry": False}))
    evil = new_job(name=HOSTILE, queue=HOSTILE, args=(HOSTILE, "=cmd()"), id=f"=x/../{HOSTILE}")
    odd = {"error": make_error("shop.Odd", f"=cmd() {HOSTILE}\n" * 5), "tags": {"note": HOSTILE, HOSTILE: "1"}}
    session.take(failed(now - 30, 1.0, job=evil, event=odd))
    session.take(succeeded(now - 20, 5.0, name="media.transcode")[:1])
    session.take(succeeded(now - 20, 5.0, name="media.long_job." + "x" * 200)[1:])
    assert session.write()
    Watch(session.database, SCHEDULES, NEW).look(now)
    session.tick()
    session.tick(5)
    session.close()
