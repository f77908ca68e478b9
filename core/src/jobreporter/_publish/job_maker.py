"""From what a source knows of a job to a `Job`: defaults filled in, arguments captured and redacted."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Any

import msgspec

from jobreporter._capture.arguments import ArgumentCapture
from jobreporter._capture.bounds import HIGHEST, LOWEST
from jobreporter._capture.eraser import ESCAPES, Eraser
from jobreporter._capture.plain import brief
from jobreporter._capture.redaction import Redaction
from jobreporter._foreign.signatures import positional_names
from jobreporter._nearest import did_you_mean
from jobreporter._publish.fields import (
    CAPTURED,
    COUNTS,
    MOMENTS,
    OPTIONAL,
    OWN,
    TEXTS,
    UnfitError,
    argument_names,
    fitting,
)
from jobreporter._publish.identity import Identity
from jobreporter.events import Job

FIELDS = Job.__struct_fields__

#: What stands in fields that a job can't be without, where a source has nothing that fits.
LAST_RESORT: dict[str, Callable[[object], str]] = {
    "name": lambda found: brief(found, OWN),
    "source": lambda _found: "python",
}


class CapturedJob(msgspec.Struct, frozen=True, gc=False):
    """A job, and the values that were redacted in its arguments: its error must not show them either."""

    job: Job
    secrets: tuple[str, ...]
    redaction: Redaction


class JobMaker:
    """Makes jobs the way that the config's ``[capture]`` says."""

    def __init__(self, capture: ArgumentCapture) -> None:
        self._capture = capture
        self._harmless = capture.harmless
        self.identity = Identity()

    def forked(self) -> None:
        """This is another process now."""
        self.identity = Identity()

    def make(
        self, name: str, function: Callable[..., Any] | None, fields: dict[str, Any], *, strict: bool = True
    ) -> CapturedJob:
        """The job with these fields.

        function: the one that the job runs; its signature names the positional arguments, unless ``argument_names`` is
        among the fields. strict: whether a value that is none for its field is raised as a TypeError or ValueError;
        otherwise the field is left out. Raises TypeError for a field that no job has.
        """
        secrets: tuple[str, ...] = ()
        known = {"name": name, "source": "python", "worker": self.identity.worker, **fields}
        beside = known.pop("_beside", None)  # the environment of a command, whose words may hold a part of it
        names = known.pop("argument_names", None)
        if names is not None and not (type(names) is tuple and not names):
            names = _fitting_names(names, strict=strict)
        args, kwargs = known.get("args", ()), known.get("kwargs", {})
        # Not asked whether they are empty: an object of the program's own may raise.
        if not ((type(args) is tuple and not args) and (type(kwargs) is dict and not kwargs)):
            captured = self._capture(args, kwargs, names or positional_names(function))
            known["args"], known["kwargs"], secrets = captured.args, captured.kwargs, captured.secrets
            if beside is not None:
                known["args"] = self._capture.without(captured.args, beside)
        else:
            # Not the caller's own, though empty: they may fill up before the job is delivered.
            known["args"], known["kwargs"] = (), {}
        if issubclass(type(known.get("extra")), dict):
            known["extra"], secrets = self._capture.facts(known["extra"], secrets)
        if doubtful := _in_doubt(known):
            _fit(known, doubtful, strict=strict)
        job_id = known.get("id")
        if not job_id:
            job_id = known["id"] = self.identity.new_id()
        if not known.get("execution_id"):
            known["execution_id"] = f"{job_id}:{known.get('attempt', 1)}"
        if secrets or not self._harmless.issuperset((known["name"], known.get("queue"))):
            self._take_secrets_out(known, secrets)
        try:
            return CapturedJob(Job(**known), secrets, self._capture.redaction)
        except TypeError:
            raise _unknown_field(known) from None

    def _take_secrets_out(self, known: dict[str, Any], secrets: tuple[str, ...]) -> None:
        """Out of the names that a program may have made of a job's data, but no id: it is the same wherever it is told."""
        name, queue = known["name"], known.get("queue")
        if name not in self._harmless:
            known["name"] = self._capture.text(name)
        if queue is not None and queue not in self._harmless:
            known["queue"] = self._capture.text(queue)
        if secrets and (_may_hold(name, secrets) or _may_hold(queue, secrets)):
            eraser = Eraser(secrets)
            known["name"], known["queue"] = eraser.data(known["name"]), eraser.data(known.get("queue"))


def _in_doubt(known: dict[str, Any]) -> list[str]:  # noqa: C901 - a branch for each kind of value, and no call for any
    """The fields that have something else than nearly all have, in the order of how often. The table in `fields` has the rest."""
    doubtful = []
    for field, value in known.items():
        kind = type(value)
        if kind is str:
            if field in TEXTS and value.isascii() and len(value) <= OWN.text:
                continue
        elif value is None:
            if field in OPTIONAL:
                continue
        elif kind is float:
            if field in MOMENTS and isfinite(value):
                continue
        elif kind is int:
            if LOWEST <= value <= HIGHEST and (field == "priority" or (field in COUNTS and value > 0)):
                continue
        elif kind is dict if field == "extra" else field in CAPTURED:
            continue
        doubtful.append(field)
    return doubtful


def _fit(known: dict[str, Any], doubtful: list[str], *, strict: bool) -> None:
    """Have the fields that are in doubt hold what is right for them. A value that isn't is raised, or left out."""
    for field in known:
        if field not in FIELDS:
            raise _unknown_field(known)
    for field in doubtful:
        value = known.pop(field)
        if value is None and field not in LAST_RESORT:
            continue  # as if it were not given
        try:
            known[field] = fitting(field, value)
        except UnfitError as unfit:
            if strict:
                raise unfit.for_program("job ") from None
            if field in LAST_RESORT:
                known[field] = LAST_RESORT[field](value)


def _fitting_names(given: Any, *, strict: bool) -> tuple[str, ...]:
    try:
        return argument_names(given)
    except UnfitError as unfit:
        if strict:
            raise unfit.for_program("job ") from None
        return ()


def _may_hold(name: Any, secrets: tuple[str, ...]) -> bool:
    """Whether a name may hold a secret: a quick check, with which most names are done."""
    if type(name) is not str:
        return False
    return any(map(name.__contains__, secrets)) or any(map(name.__contains__, ESCAPES))


def _unknown_field(fields: dict[str, Any]) -> TypeError:
    unknown = next(field for field in fields if field not in FIELDS)
    hint = did_you_mean(unknown, FIELDS)
    return TypeError(f"a job has no field {unknown!r}{hint or '. It has ' + ', '.join(FIELDS)}")
