"""What belongs to the process, and not to a reporter in it. Each case has a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import Any

from jobreporter.testing._reporter._base import ReporterCases

_STATE = """
import gc, json, locale, logging, os, signal, socket, sys, threading, time, warnings

def umask():
    mask = os.umask(0)
    os.umask(mask)
    return oct(mask)

def state():
    return {
        "environment": dict(os.environ),
        "folder": os.getcwd(),
        "umask": umask(),
        "locale": locale.setlocale(locale.LC_ALL),
        "time zone": time.tzname,
        "default timeout of sockets": socket.getdefaulttimeout(),
        "garbage collection": [gc.isenabled(), gc.get_threshold()],
        "recursion limit": sys.getrecursionlimit(),
        "switch interval": sys.getswitchinterval(),
        "sys.path": [*sys.path],
        "streams": [repr(sys.stdin), repr(sys.stdout), repr(sys.stderr)],
        "opener of urllib": opener(),
        "signals": [str(signal.getsignal(number)) for number in signal.valid_signals()],
        "excepthook": repr(sys.excepthook),
        "unraisablehook": repr(sys.unraisablehook),
        "thread excepthook": repr(threading.excepthook),
        # A vendor's filter for its own warnings is its own affair.
        "filters": [repr(each) for each in warnings.filters if each[2].__module__ == "builtins"],
        "root": [logging.root.level, repr(logging.root.handlers), repr(logging.root.filters), logging.raiseExceptions],
        # And so is a handler of its own logger.
        "handlers": sorted(n for n, l in logging.root.manager.loggerDict.items() if getattr(l, "handlers", ())
                           and not all(isinstance(h, logging.NullHandler) for h in l.handlers)
                           and n.partition(".")[0] in hosts),
        "logger class": repr(logging.getLoggerClass()),
        "factory": repr(logging.getLogRecordFactory()),
    }

def opener():
    # The first urlopen of a process makes one, which is as any other.
    request = sys.modules.get("urllib.request")
    found = getattr(request, "_opener", None)
    return None if found is None or handlers(found) == handlers(request.build_opener()) else handlers(found)

def handlers(opener):
    return sorted(type(each).__name__ for each in opener.handlers)

def connected(event, arguments):
    if event == "socket.bind" and arguments[1] == ("::1", 0):
        return  # urllib3's import asks whether there is IPv6
    if event in ("socket.connect", "socket.bind", "socket.getaddrinfo", "subprocess.Popen"):
        calls.append(f"{event} {arguments[1:]}")

def noted(seconds, sleep=time.sleep):
    if seconds and threading.current_thread().name in ("MainThread", lane):
        sleeps.append(f"{seconds:g} s")
    sleep(seconds)

calls = []
sleeps = []
time.sleep = noted
name, options = sys.argv[2], json.loads(sys.argv[3])
lane = f"jobreporter-{name}"
hosts = {"jobreporter", "asyncio", "concurrent"}
sys.addaudithook(connected)
logging.lastResort = logging.NullHandler()  # what it logs is no print
# What jobreporter itself, and a worker that enables a reporter, has loaded anyhow.
import importlib, jobreporter
from jobreporter.testing import make_event
before = state()
module, _, attribute = sys.argv[1].partition(":")
began = time.process_time()
found = importlib.import_module(module)
seconds = time.process_time() - began
at_import = [*calls, *(f"time.sleep {each}" for each in sleeps), *(thread.name for thread in threading.enumerate()[1:])]
sleeps.clear()
loaded = {module.partition(".")[0] for module in sys.modules}
for part in filter(None, attribute.split(".")):
    found = getattr(found, part)
dispatcher = jobreporter.Dispatcher({name: found}, config={"reporters": {name: options}})
for kind in ("started", "success", "aborted", "failure", "stopped"):
    dispatcher.publish(make_event(kind))
flushed = dispatcher.flush(20)
asleep = [*sleeps]
after = state()
dispatcher.close(10)
changed = {key: [before[key], after[key]] for key in before if before[key] != after[key]}
later = {module.partition(".")[0] for module in sys.modules} - loaded - sys.stdlib_module_names
print(json.dumps({"seconds": seconds, "at_import": at_import, "imported later": sorted(later), "asleep": asleep, "flushed": flushed, "changed": changed}), file=sys.__stdout__)
"""

#: Has the reporter deliver a failure, unless it is left out; and then does what the case says.
_PROGRAM = """
import importlib, json, logging, os, signal, sys
logging.basicConfig(filename=os.devnull)
if {own}:
    signal.signal(signal.SIGTERM, lambda *_: os._exit(7))
    sys.excepthook = lambda _type, value, _traceback: print("the program's own:", value, file=sys.stderr)
target, name, options = sys.argv[1:]
if {reporting}:
    module, _, attribute = target.partition(":")
    found = importlib.import_module(module)
    for part in filter(None, attribute.split(".")):
        found = getattr(found, part)
    import jobreporter
    from jobreporter.testing import make_event
    dispatcher = jobreporter.Dispatcher({{name: found}}, config={{"reporters": {{name: json.loads(options)}}}})
    dispatcher.publish(make_event("failure", will_retry=False))
    {flush}
{then}
"""
_FLUSH = "assert dispatcher.flush(20)"
_KILLED = "os.kill(os.getpid(), signal.SIGTERM)"
_RAISES = "raise LookupError('nobody catches this')"


class HostCases(ReporterCases):
    """Imports, signal handlers, hooks, the environment, logging, and the end of the process."""

    def test_it_leaves_its_host_as_it_was(self) -> None:
        """Importing it starts nothing, asks no network and is quick; running it imports no package and changes nothing.

        That is: signal handlers, hooks, the environment, the working directory, the logging tree, warning filters, the
        locale, the default timeout of sockets, and whatever else a process has once. A package that is imported on the
        lane may meet another thread's import in a deadlock. Nor does it print: stdout is the program's own, which another
        program may read. Nor does it sleep, while its next events wait.
        """
        done = self._python(_STATE)
        assert done.returncode == 0, done.stderr
        *printed, last = done.stdout.splitlines()
        for stream, text in {"stdout": "\n".join(printed), "stderr": done.stderr}.items():
            assert not text, f"it prints to {stream}: log with logging.getLogger('jobreporter.NAME') instead\n{text}"
        found = json.loads(last)
        assert not found["at_import"], f"its import should only define things, and did this: {found['at_import']}"
        later = found["imported later"]
        assert not later, f"packages that it imports only when it runs: {later}; import them at the top of its module"
        assert found["flushed"], "a flush of one event of each kind takes longer than 20 s"
        assert not found["asleep"], (
            f"it sleeps where its next event waits: {found['asleep']}; raise TryAgain(after=seconds)"
        )
        changed = [f"{what}: {before} before, {after} now" for what, (before, after) in found["changed"].items()]
        assert not changed, "\n".join(["it changes what belongs to the whole process:", *changed])
        assert found["seconds"] <= self.import_seconds, f"its import takes {found['seconds']:.2f} s of the processor"

    def test_a_killed_process_dies_of_the_signal(self) -> None:
        """SIGTERM ends it at once: whoever waits for it sees the signal, and it says nothing."""
        self._assert_ends(self._ends(_KILLED, own=False), (-signal.SIGTERM, ""))

    def test_the_programs_own_handler_is_asked(self) -> None:
        """A handler for SIGTERM that the program had before decides how it ends."""
        self._assert_ends(self._ends(_KILLED, own=True), (7, ""))

    def test_an_error_that_nobody_catches_is_the_programs_own(self) -> None:
        """The exit status and every line on stderr are those of the same program without the reporter."""
        for own in (False, True):
            without = self._ends(_RAISES, own=own, reporting=False)
            assert without[0] == 1
            assert "nobody catches this" in without[1]
            self._assert_ends(self._ends(_RAISES, own=own), without)

    def test_it_reports_to_the_end(self) -> None:
        """What a program publishes last, without a flush, is delivered while it exits, and it exits well."""
        self._assert_ends(self._ends("", own=False, flush=""), (0, ""))
        assert self.stand_in.taken or not self.stand_in.requests, (
            "what was published last has not arrived: flush in reporter_flush"
        )

    @staticmethod
    def _assert_ends(found: tuple[int, str], expected: tuple[int, str]) -> None:
        """The end of a program is its own: exit status and stderr are those that it has without the reporter."""
        if found != expected:
            raise AssertionError(
                "it changes how its program ends: leave signal handlers, hooks and exit handlers to the program\n"
                f"exit status {found[0]} in place of {expected[0]}; on stderr: {found[1] or 'nothing'}\n"
                f"in place of: {expected[1] or 'nothing'}"
            )

    def _ends(self, then: str, *, own: bool, reporting: bool = True, flush: str = _FLUSH) -> tuple[int, str]:
        """The exit status of a program, and what it says on stderr.

        own: whether it has a handler and a hook of its own. reporting: whether it has the reporter at all.
        """
        done = self._python(_PROGRAM.format(own=own, then=then, reporting=reporting, flush=flush or "pass"))
        return done.returncode, done.stderr

    def _python(self, program: str) -> subprocess.CompletedProcess[str]:
        options: dict[str, Any] = self.options()
        # sentry-sdk imports eventlet where it is installed, and that has something to say.
        command = [sys.executable, "-Wignore:::sentry_sdk.utils", "-c", program, self.use, self.name]
        environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        return subprocess.run(  # noqa: S603 - a test runs what it wrote
            [*command, json.dumps(options)],
            env=environ,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
