"""What a worker makes of a config, and that nobody else reads it."""

from __future__ import annotations

from jobreporter.testing._source._base import SourceCases, same
from jobreporter.testing._source._meanings import FAILED, SUCCEEDED

#: A config that no worker may start with.
UNUSABLE = "[reporters.recorder]\nuse = 7\n"

#: Two reporters, of which one can't be loaded.
HALF_BROKEN = """
[reporters.recorder]
use = "jobreporter.testing:FileRecorder"
path = "{path}"

[reporters.broken]
use = "no_such_module:reporter"
"""

#: Two reporters, of which one hangs for as long as the case lasts.
HALF_STUCK = """
[dispatcher]
exit_timeout = 0.5

[reporters.recorder]
use = "jobreporter.testing:FileRecorder"
path = "{path}"

[reporters.stuck]
use = "jobreporter.testing._source._stuck:Stuck"

[reporters.stuck.lane]
timeout = "1h"
"""


class ConfigCases(SourceCases):
    """What holds for every kind of worker, and can't be left out."""

    def test_a_process_that_only_enqueues_starts_nothing(self) -> None:
        """It has the one thread that it began with, and a config that can't be used doesn't concern it."""
        same(self.bench(UNUSABLE).send("success"), "threads: 1", "What a process says that only enqueues.")

    def test_a_config_that_cannot_be_used(self) -> None:
        """It ends the worker at its start, with the error on stderr and before any job."""
        bench = self.bench(UNUSABLE)
        bench.send("success")
        bench.start()

        assert bench.wait() != 0, "a worker whose config can't be used ended as if all were well"
        said = bench.what_the_worker_said()
        assert "[reporters.recorder]" in said, f"the worker doesn't name the table of the config that is wrong:\n{said}"
        same(bench.calls(), [], "What was reported.")

    def test_a_config_that_breaks_while_the_worker_runs(self) -> None:
        """It never ends a worker later, not even one that is replaced."""
        bench = self.bench()
        bench.send("success")
        bench.start(max_jobs=1)
        bench.wait_for_stops({"success": 1})
        (bench.folder / "jobreporter.toml").write_text(UNUSABLE, encoding="utf-8")
        bench.send("exception")
        bench.wait_for_stops({"exception": 1})
        bench.stop()

        same(bench.executions("exception"), [FAILED], "The job after the config broke.")

    def test_a_reporter_that_cannot_be_loaded(self) -> None:
        """It is told, once; jobs do not notice, and neither does the reporter beside it."""
        bench = self.bench(HALF_BROKEN)
        bench.send("success")
        bench.start()
        bench.wait_for_stops({"success": 1})
        bench.stop()

        same(bench.executions("success"), [SUCCEEDED], "The job.")
        said = bench.what_the_worker_said()
        same(said.count("reporter 'broken' is broken"), 1, f"How often the worker says that it is broken.\n{said}")

    def test_a_reporter_that_hangs(self) -> None:
        """Jobs don't wait for it: a source that flushes after each of them does."""
        bench = self.bench(HALF_STUCK)
        names = ("success", "exception", "skipped")
        bench.send(*names)
        bench.start()
        bench.wait_for_stops(dict.fromkeys(names, 1))
        bench.stop()

        for name in names:
            self.check(bench, name, name)
