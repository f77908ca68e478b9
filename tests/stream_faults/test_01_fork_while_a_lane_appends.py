"""Faults 1 and 32: a process forks while its lane appends, and ends; the child goes on with what it inherited."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from jobreporter._agent.ingest import Ingest
from jobreporter._stream.decode import decode
from jobreporter._stream.spool_reader import SegmentReader, segments
from jobreporter._system.clock import SYSTEM
from jobreporter.streams import StreamSettings

PROGRAM = """
import os, signal, sys, threading, time
from jobreporter import Dispatcher, Started
from jobreporter.testing import make_event, make_job

dispatcher = Dispatcher.from_config()
stop = threading.Event()
sent = 0

def publish():
    global sent
    while not stop.is_set():
        dispatcher.publish(make_event("started", job=make_job(id=f"{os.getpid()}-{sent}")))
        sent += 1
        if sent % 50 == 0:
            time.sleep(0)

publisher = threading.Thread(target=publish)
publisher.start()
while sent < 2000:
    pass
child = os.fork()
if child == 0:
    for number in range(200):
        dispatcher.publish(make_event("started", job=make_job(id=f"child-{number}")))
    done = dispatcher.flush(30)
    os.write(1, b"child %d\\n" % done)
    signal.pause()
stop.set()
publisher.join()
done = dispatcher.flush(30)
stats = dispatcher.stats()["stream"]
os.write(1, b"parent %d %d %d %d\\n" % (done, stats.handled, os.getpid(), child))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_01_and_32_what_was_acknowledged_to_either_is_there(engine_and_url: tuple[Any, str], tmp_path: Path) -> None:
    """The parent's events and the child's, each once, though the parent is killed while the child lives on."""
    engine, url = engine_and_url
    config = tmp_path / "jobreporter.toml"
    config.write_text(f'[stream]\nurl = "{url}"\nnamespace = "shop"\n')
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "JOBREPORTER_CONFIG": str(config)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert program.stdout is not None
    lines = sorted(program.stdout.readline().split() for _ in range(2))
    assert program.wait(60) == -signal.SIGKILL
    program.stdout.close()
    (_, child_done), (_, parent_done, handled, pid, child) = lines
    try:
        assert (child_done, parent_done) == ("1", "1")
        stream = engine.open(url, StreamSettings(namespace="shop"))
        folder = engine.spool_folder(url)
        if folder is not None:
            held = {
                name: [SegmentReader(folder, segment).is_held() for segment in files]
                for name, files in segments(folder).items()
            }
            # The child has inherited the parent's file, and a lock of the parent's is not among what it inherits.
            assert sorted(any(locks) for locks in held.values()) == [False, True]
            Ingest(folder, stream, SYSTEM, print).turn()
        entries = [e for number in range(stream.partitions) for e in stream.read(number, 0, 10**9).entries]
        found = [event.job.id for entry in entries for event in decode(entry.data).events]
        assert len(found) == len(set(found))
        assert sum(name.startswith(f"{pid}-") for name in found) == int(handled)
        assert sum(name.startswith("child-") for name in found) == 200
        stream.close()
    finally:
        os.kill(int(child), signal.SIGKILL)
