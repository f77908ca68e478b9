"""From what a source knows of a job to a `Job`: defaults filled in, arguments captured and redacted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from jobreporter._capture.arguments import ArgumentCapture
from jobreporter._capture.plain import plain
from jobreporter._capture.signatures import positional_names
from jobreporter._identity import Identity
from jobreporter._nearest import did_you_mean
from jobreporter.events import Job

FIELDS = Job.__struct_fields__


class CapturedJob(NamedTuple):
    """A job, and the values that were redacted in its arguments: its error must not show them either."""

    job: Job
    secrets: tuple[str, ...]


class JobMaker:
    """Makes jobs the way that the config's ``[capture]`` says."""

    def __init__(self, capture: ArgumentCapture) -> None:
        self._capture = capture
        self.identity = Identity()

    def forked(self) -> None:
        """This is another process now."""
        self.identity = Identity()

    def make(self, name: str, function: Callable[..., Any] | None, fields: dict[str, Any]) -> CapturedJob:
        """The job with these fields.

        function: the one that the job runs; its signature names the positional arguments, unless ``argument_names`` is
        among the fields. Raises TypeError for a field that no job has.
        """
        secrets: tuple[str, ...] = ()
        argument_names = fields.pop("argument_names", ())
        if fields.get("args") or fields.get("kwargs"):
            names = argument_names or (positional_names(function) if function is not None else ())
            captured = self._capture(fields.get("args", ()), fields.get("kwargs", {}), names)
            fields["args"], fields["kwargs"], secrets = captured.args, captured.kwargs, captured.secrets
        else:
            # Not the caller's own, though empty: they may fill up before the job is delivered.
            fields["args"], fields["kwargs"] = (), {}
        if fields.get("extra"):
            fields["extra"] = plain(fields["extra"])
        job_id = fields.setdefault("id", None) or self.identity.new_id()
        fields["id"] = job_id
        fields.setdefault("execution_id", f"{job_id}:{fields.get('attempt', 1)}")
        fields.setdefault("source", "python")
        fields.setdefault("worker", self.identity.worker)
        try:
            return CapturedJob(Job(name=name, **fields), secrets)
        except TypeError:
            raise _unknown_field(fields) from None


def _unknown_field(fields: dict[str, Any]) -> TypeError:
    unknown = next(field for field in fields if field not in FIELDS)
    hint = did_you_mean(unknown, FIELDS)
    return TypeError(f"a job has no field {unknown!r}{hint or '. It has ' + ', '.join(FIELDS)}")
