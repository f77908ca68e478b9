"""What was secret in a job is in nothing that a reporter sends, writes, logs or prints."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from jobreporter import Abort
from jobreporter.testing._reporter._base import ReporterCases
from jobreporter.testing._waiting import PATIENCE

_CANARY = "canary-7f3a9c"


class SecretCases(ReporterCases):
    """A canary in arguments, and in the error that quotes them."""

    def test_it_shows_no_secret(self, caplog: Any, capfd: Any) -> None:
        """Neither on the wire, nor in its files, its log lines, or on stdout and stderr."""
        caplog.set_level("DEBUG")
        dispatcher = self.dispatch()
        arguments = {"password": _CANARY, "deep": [{"token": _CANARY}]}
        with suppress(ConnectionError), dispatcher.begin("a", kwargs=arguments):
            raise ConnectionError(f"can't reach postgres://shop:{_CANARY}@db/shop with {_CANARY}")
        with dispatcher.begin("b", args=(f"https://ann:{_CANARY}@host/",)):
            raise Abort("skipped")
        assert dispatcher.flush(PATIENCE)
        assert dispatcher.close(PATIENCE)
        assert _CANARY not in caplog.text
        out, err = capfd.readouterr()
        assert _CANARY not in out + err
        for request in self.stand_in.requests:
            assert _CANARY.encode() not in request.body, request.path
            assert _CANARY not in request.path + str(request.headers)
        for path in self.folder.rglob("*"):
            assert not path.is_file() or _CANARY.encode() not in path.read_bytes(), path
