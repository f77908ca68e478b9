"""What a message says of one incident: a text for each field that a template may name."""

from __future__ import annotations

import re
from typing import NamedTuple

from jobreporter import ErrorInfo, Frame, one_line
from jobreporter_history.store import Execution, Incident, Notice
from jobreporter_notify._message import Kind
from jobreporter_notify._times import Clockface, count, span

HAPPENINGS = {
    "opened": "New",
    "regressed": "Again",
    "worse": "Worse",
    "resolved": "Resolved",
    "missed": "Missed",
    "reminded": "Still failing",
}
KINDS: dict[str, Kind] = {"resolved": "good", "reminded": "doubtful"}

# Characters of one field; a phone shows some forty in a line.
_LONG, _SHORT = 160, 80
# Seconds by which a message may be later than it should without saying so.
_PUNCTUAL = 120.0
# What services take for a call to everybody or to somebody, for a tag of HTML, or for a link that is called something else
# than where it leads. A mark of no width within it has them print it. The @ of an address for mail stays as it is.
_MARKUP = re.compile(
    r"@(?=(everyone|here|channel|all|room)\b)|(?<!\w)@(?=[\w*])|<(?=[@!#/?A-Za-z])|\](?=[(\[:])", re.IGNORECASE
)


class Beside(NamedTuple):
    """What else a message is made of. waited: seconds that it has been held up on purpose."""

    clock: Clockface
    #: When one of the incident's jobs last succeeded.
    last_success: float | None
    #: The address of the page.
    page: str | None
    waited: float


def what(notice: Notice) -> str:
    """The incident in few words: ``Declined in shop.tasks.charge``."""
    incident = notice.incident
    if incident.kind == "missed":
        return safe(incident.job, _SHORT)
    return f"{safe(_title(incident), _SHORT)} in {safe(incident.job, _SHORT)}"


def _title(incident: Incident) -> str:
    last = incident.parts[-1] if len(incident.parts) > 1 else ""
    match incident.kind:
        case "tag":
            return last or incident.title
        case "timeout":
            return "Timeout"
        case "exit_code":
            return last if last.startswith("SIG") else f"Exit {last}".removesuffix(" unknown")
        case "worker_lost":
            return "Lost worker" if last == "unknown" else f"Lost worker ({last})"
        case _:
            return incident.title


def fields_of(notice: Notice, beside: Beside) -> dict[str, str]:
    """The texts of `FIELDS`."""
    incident = notice.incident
    sample = notice.sample
    execution = sample.execution if sample else None
    frame = innermost(sample.error) if sample and sample.error else None
    happening = notice.row.happening
    over = happening == "resolved"
    return {
        "happening": HAPPENINGS.get(happening, happening),
        "what": what(notice),
        "since": _since(notice, beside.clock),
        "place": "" if over or frame is None else safe(_place(frame), _LONG),
        "code": "" if over or frame is None else safe((frame.line or "").strip(), _LONG),
        "meaning": "" if over else _meaning(execution, happening, beside),
        "release": "" if over or happening == "missed" else _release(incident, execution),
        "late": _late(notice, beside),
        "link": "" if beside.page is None else f"{beside.page.rstrip('/')}/incidents/{incident.id}",
        "number": str(incident.id),
        "job": safe(incident.job, _LONG),
        "type": safe(incident.type, _LONG),
        "kind": incident.kind,
        "message": safe((execution.message if execution else None) or "", 300),
        "service": safe(incident.service, _SHORT),
        "environment": safe(incident.environment, _SHORT),
        "failed": f"{incident.failed:,}",
    }


def innermost(error: ErrorInfo) -> Frame | None:
    """The innermost call of the program's own code; of any code, where there is none of its own."""
    own = (frame for frame in reversed(error.frames) if frame.in_app)
    return next(own, error.frames[-1] if error.frames else None)


def safe(text: str, limit: int) -> str:
    """A job's text as a part of a line: it can't end the line, turn its direction around, call anybody, or forge a link."""
    return _MARKUP.sub(lambda found: found.group() + "\u200b", one_line(text, limit))


def _place(frame: Frame) -> str:
    file = "/".join(frame.filename.replace("\\", "/").split("/")[-2:])
    return f"{file}:{frame.lineno} in {frame.function.strip('<>')}"


def _since(notice: Notice, clock: Clockface) -> str:
    incident, row = notice.incident, notice.row
    failed = int(row.facts.get("failed", incident.failed))
    opened = clock.moment(incident.opened_at if incident.opened_at is not None else incident.first_seen)
    match row.happening:
        case "missed":
            return _missed(notice, clock)
        case "resolved":
            return _resolved(notice, clock, failed)
        case "worse":
            last, before = row.facts.get("last_hour", 0), row.facts.get("hour_before", 0)
            return f"{count(last, 'failure')} in the last hour, {before:,} in the one before. Since {opened}."
        case "regressed":
            resolved = (
                "" if incident.resolved_at is None else f", after it was resolved {clock.when(incident.resolved_at)}"
            )
            return f"Since {opened}{resolved}. {count(failed, 'failure')} in all."
        case "reminded":
            return f"Since {opened}: {count(failed, 'failure')}, the last {clock.when(incident.last_fail)}."
        case _:
            return (
                f"Failed {clock.when(incident.last_fail)}."
                if failed == 1
                else f"Since {opened}: {count(failed, 'failure')}."
            )


def _missed(notice: Notice, clock: Clockface) -> str:
    due = notice.sample.execution.scheduled_at if notice.sample else None
    times = "" if notice.incident.failed == 1 else f" {notice.incident.failed:,} runs were missed in all."
    return ("It has not run." if due is None else f"It was due {clock.when(due)} and has not run.") + times


def _resolved(notice: Notice, clock: Clockface, failed: int) -> str:
    incident, row = notice.incident, notice.row
    last = clock.when(incident.last_fail)
    if incident.kind == "missed":
        return f"It has run again. It was missed last {last}."
    match row.cause:
        case "by hand":
            release = row.facts.get("release")
            why = f"By hand, as fixed in {safe(str(release), _SHORT)}." if release else "By hand."
        case "calm":
            why = f"It has not failed since the last {last}."
        case "quiet":
            why = f"It has run without a failure since the last {last}."
        case _:
            # The keeper counts no more successes than it needs.
            enough = int(row.facts.get("successes", 1))
            many = f"At least {enough:,} successes" if enough > 1 else "It has succeeded"
            why = f"{many} since the last failure {last}."
    return f"{why} {count(failed, 'failure')} in all."


def _meaning(execution: Execution | None, happening: str, beside: Beside) -> str:
    said = []
    if execution is not None and happening != "missed":
        of = "" if execution.max_attempts is None else f" of {execution.max_attempts}"
        if execution.will_retry:
            when = "" if execution.retry_delay is None else f" in {span(execution.retry_delay)}"
            said.append(f"Will be tried again{when}, after attempt {execution.attempt}{of}.")
        elif execution.final and (execution.attempt > 1 or (execution.max_attempts or 1) > 1):
            said.append(f"Given up after attempt {execution.attempt}{of}.")
        elif execution.final:
            said.append("It is not tried again.")
    if beside.last_success is None:
        said.append("No success is known.")
    else:
        said.append(f"Last success {beside.clock.when(beside.last_success)}.")
    return " ".join(said)


def _release(incident: Incident, execution: Execution | None) -> str:
    release = execution.release if execution else None
    host = (execution.process or execution.worker or "").rpartition(":")[0] if execution else ""
    where = ", ".join(filter(None, (incident.service, incident.environment)))
    parts = [f"Release {release}" if release else "", where, f"on {host}" if host else ""]
    text = ", ".join(filter(None, parts))
    return safe(text[:1].upper() + text[1:], _LONG)


def _late(notice: Notice, beside: Beside) -> str:
    late = beside.clock.now - notice.row.at - beside.waited
    if late <= _PUNCTUAL:
        return ""
    by_now = (
        " By now it is resolved." if notice.incident.state == "resolved" and notice.row.happening != "resolved" else ""
    )
    return f"Late by {span(late)}: it could not be told before.{by_now}"
