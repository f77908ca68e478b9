"""How far one Redis and one agent carry: ``python benchmarks/scale.py [--quick]``; docs/scale.md is made of it.

It counts processor time, which does not depend on what else the machine does as much as time does. It starts a
redis-server of its own, which must be installed. With ``--quick`` everything is small, and nothing is kept.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from _rehearsal import rehearse
from _results import machine, versions
from _scale_page import tables, write
from _scale_results import Fleetwide, Scale, Shape, save
from _stream_events import events
from _stream_ours import ORIGIN, Drained, drain, opened, resolved, stream_config
from celery_worker import redis_server
from redis import Redis

from jobreporter import Event, LaneStats
from jobreporter._agent.presence import Agents
from jobreporter._stream.process import ProcessBeat
from jobreporter._system.clock import SYSTEM
from jobreporter.streams import Batch

#: Events that each shape is measured with, jobs of the rehearsal, and processes that live at once.
EVENTS, JOBS, PROCESSES = 60_000, 10_000, 1_000
QUICK = (3_000, 1_000, 100)


def by_job(ready: Sequence[Event]) -> Iterator[Sequence[Event]]:
    """As a worker appends that has one job at a time: its beginning, and what comes at its end."""
    for first in range(0, len(ready), 3):
        yield ready[first : first + 1]
        yield ready[first + 1 : first + 3]


def by(batch: int) -> Callable[[Sequence[Event]], Iterator[Sequence[Event]]]:
    return lambda ready: (ready[first : first + batch] for first in range(0, len(ready), batch))


SHAPES = {"a job at a time": by_job, "8": by(8), "64": by(64), "512": by(512)}


def main() -> None:
    parser = argparse.ArgumentParser(description="How far one Redis and one agent carry.")
    parser.add_argument("--quick", action="store_true", help="small, to see that it works; nothing is kept")
    quick = parser.parse_args().quick
    size, jobs, processes = QUICK if quick else (EVENTS, JOBS, PROCESSES)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with redis_server(folder, "--appendonly", "yes", "--auto-aof-rewrite-percentage", "0") as url:
            found = Scale(
                machine=machine(),
                versions=versions(),
                events=size,
                shapes={each: shape(split, url, size) for each, split in SHAPES.items()},
                fleet=fleetwide(url, folder, processes),
                rehearsal=rehearse(url, jobs),
            )
    print(tables(found))
    if not quick:
        save(found)
        write()


def shape(split: Callable[[Sequence[Event]], Iterator[Sequence[Event]]], url: str, size: int) -> Shape:
    """What an event takes when it is appended in this way."""
    redis: Any = Redis.from_url(url)
    ready = events(size // 3)
    count = len(ready)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        drained: dict[int, Drained] = {}
        for reporters in (6, 1):
            redis.flushdb()
            config = stream_config(folder, url, reporters)
            memory, written, used = in_memory(redis), redis.info()["aof_current_size"], served(redis)
            spent = append_all(config, ready, split)
            memory, written = in_memory(redis) - memory, redis.info()["aof_current_size"] - written
            appended, used = served(redis) - used, served(redis)
            heads = redis.hgetall("{jr:bench}:h")
            drained[reporters] = apart(config, count)
            serving = served(redis) - used
        config = stream_config(folder, None)
        append_all(config, ready, split)
        spool = sum(path.stat().st_size for path in (folder / "stream.db.d").iterdir())
        with_spool = apart(config, count)
    return Shape(
        worker=spent / count,
        append=appended / count,
        serve=serving / count,
        agent=drained[1].processor / count,
        agent_of_six=drained[6].processor / count / 6,
        memory=memory / count,
        data=sum(int(value) for name, value in heads.items() if name.endswith(b"b")) / count,
        written=written / count,
        spool=spool / count,
        agent_with_spool=with_spool.processor / count,
    )


def append_all(
    config: Path, ready: Sequence[Event], split: Callable[[Sequence[Event]], Iterator[Sequence[Event]]]
) -> float:
    """Returns seconds of this process' processor time."""
    producer = opened(config)
    producer.append(ready[:0])
    used = time.process_time()
    for part in split(ready):
        producer.append(part)
    used = time.process_time() - used
    producer.close()
    return used


def apart(config: Path, count: int) -> Drained:
    """An agent in a process of its own settles what waits."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(drain, (config, count))


def served(redis: Any) -> float:
    """Seconds of processor time that Redis' own thread has taken; the others only help."""
    said = redis.info("cpu")
    return float(said["used_cpu_user_main_thread"]) + float(said["used_cpu_sys_main_thread"])


def in_memory(redis: Any) -> int:
    return int(redis.info("memory")["used_memory"])


def fleetwide(url: str, folder: Path, count: int) -> Fleetwide:
    """What so many processes cost, each of which lives, is connected and has a job running."""
    redis: Any = Redis.from_url(url)
    redis.flushdb()
    stream = resolved(stream_config(folder, url)).open()
    ledger = {"stream": LaneStats(accepted=10**6, handled=10**6)}
    beat = ProcessBeat(role="worker", origin=ORIGIN, ledger=ledger).encoded()
    empty = in_memory(redis)
    producers = [os.urandom(8) for _ in range(count)]
    for producer in producers:
        stream.append(producer, [Batch(partition=0, first=1, last=1, events=0, data=b"")], beat)
    told = in_memory(redis)
    sides = [opened(stream_config(folder, url)) for _ in producers]
    for side, (started, *_) in zip(sides, triples(count), strict=True):
        side.append([started])
    clients = [Redis.from_url(url) for _ in producers]
    before = in_memory(redis)
    for client in clients:
        client.ping()
    connected = in_memory(redis)
    agents = Agents(b"agent", SYSTEM)
    myself = ProcessBeat(role="agent", origin=ORIGIN)
    looked = taken(lambda: agents.look(stream.beats(), myself))
    executions = taken(stream.open_executions)
    running = redis.memory_usage("{jr:bench}:o", samples=0)
    for side in sides:
        side.close()
    stream.close()
    return Fleetwide(
        processes=count,
        producer=(told - empty) / count,
        connection=(connected - before) / count,
        open_execution=running / count,
        look_at_producers=looked,
        look_at_executions=executions,
    )


def triples(count: int) -> Iterator[Sequence[Event]]:
    ready = events(count)
    return (ready[first : first + 3] for first in range(0, len(ready), 3))


def taken(look: Callable[[], object]) -> float:
    """Seconds of processor time, of the least of five."""
    found = []
    for _ in range(5):
        used = time.process_time()
        look()
        found.append(time.process_time() - used)
    return min(found)


if __name__ == "__main__":
    main()
