"""The generated part of docs/scale.md: ``python benchmarks/_scale_page.py`` makes it from docs/scale.json."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from _outage import LONGEST_PAUSE, WINDOW, Costs, Fleet, simulate
from _page import told
from _scale_results import FILE, Scale, Shape, load

PAGE = FILE.with_suffix(".md")
_GENERATED = re.compile(r"(?<=<!-- generated -->\n).*(?=<!-- end of generated -->)", re.DOTALL)
#: How the workers of the example append: each has a job at a time, and is idle in between.
EXAMPLE = "a job at a time"
WORKERS, REPORTERS = 1_000, 6
#: Seconds between two looks of an agent at the producers, and at the open executions.
LOOKS = (10 / 3, 5.0)


def write() -> None:
    PAGE.write_text(page(PAGE.read_text(), load()))


def page(text: str, scale: Scale) -> str:
    """The page with what is generated in it as of these results. What people wrote around that stays."""
    return _GENERATED.sub(lambda _: f"\n{tables(scale)}\n\n", text)


def tables(scale: Scale) -> str:
    parts = [
        told(scale.machine, scale.versions),
        "### What an event takes",
        table(
            (
                "appended",
                "worker",
                "Redis, append",
                "Redis, a reporter",
                "agent",
                "agent, one of six",
                "agent, out of a spool",
            ),
            times(scale),
        ),
        table(("appended", "Redis' memory", "of `max_bytes`", "append-only file", "spool"), sizes(scale)),
        "### What one of each carries",
        table(
            (
                "appended",
                "one Redis, 1 reporter",
                f"one Redis, {REPORTERS} reporters",
                "one agent, 1 reporter",
                f"one agent, {REPORTERS} reporters",
            ),
            carried(scale),
        ),
        "### What many processes take",
        table(("what", "formula", "takes"), fleet(scale)),
        "### A vendor that is down for an hour",
        table(("what", "formula", "comes to"), outage(scale)),
        "### The same in small",
        rehearsal(scale),
    ]
    return "\n\n".join(parts)


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    names = list(head)
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def times(scale: Scale) -> Iterator[list[str]]:
    for name, each in scale.shapes.items():
        taken = (each.worker, each.append, each.serve, each.agent, each.agent_of_six, each.agent_with_spool)
        yield [name, *map(microseconds, taken)]


def sizes(scale: Scale) -> Iterator[list[str]]:
    for name, each in scale.shapes.items():
        yield [name, *(f"{size:,.0f} B" for size in (each.memory, each.data, each.written, each.spool))]


def carried(scale: Scale) -> Iterator[list[str]]:
    for name, each in scale.shapes.items():
        yield [
            name,
            *map(
                rate,
                (
                    redis_carries(each, 1),
                    redis_carries(each, REPORTERS),
                    1 / each.agent,
                    1 / (REPORTERS * each.agent_of_six),
                ),
            ),
        ]


def redis_carries(shape: Shape, reporters: int) -> float:
    """Events a second that keep one core of Redis busy."""
    return 1 / (shape.append + reporters * shape.serve)


def fleet(scale: Scale) -> Iterator[list[str]]:
    many = scale.fleet
    yield ["a worker's sign of life and numbers, Redis' memory", "measured", f"{many.producer:,.0f} B"]
    yield ["a connection, Redis' memory", "measured", f"{many.connection:,.0f} B"]
    yield ["an execution that runs, Redis' memory", "measured", f"{many.open_execution:,.0f} B"]
    each = many.producer + many.connection + many.open_execution
    yield [f"{WORKERS:,} workers with a job each, Redis' memory", f"{WORKERS:,} x {each:,.0f} B", size(WORKERS * each)]
    factor = WORKERS / many.processes
    share = factor * (many.look_at_producers / LOOKS[0] + many.look_at_executions / LOOKS[1])
    formula = (
        f"{milliseconds(factor * many.look_at_producers)} every {LOOKS[0]:.1f} s"
        f" + {milliseconds(factor * many.look_at_executions)} every {LOOKS[1]:.0f} s"
    )
    yield [f"an agent's looks at {WORKERS:,} workers, of one core", formula, f"{share:.1%}"]


def outage(scale: Scale) -> Iterator[list[str]]:
    shape = scale.shapes[EXAMPLE]
    asked = Fleet()
    costs = Costs(memory=shape.memory, data=shape.data, written=shape.written, agent=shape.agent)
    found = simulate(asked, costs)
    small = simulate(asked._replace(max_bytes=256e6), costs)
    comes = asked.events_per_second
    yield ["events that come in a second", f"{asked.jobs_per_second:,.0f} jobs x 3", f"{comes:,.0f}"]
    busy = comes * (shape.append + REPORTERS * shape.serve)
    yield [
        "Redis meanwhile, of one core",
        f"{comes:,.0f} x ({microseconds(shape.append)} + {REPORTERS} x {microseconds(shape.serve)})",
        f"{busy:.0%}",
    ]
    agents = comes * REPORTERS * shape.agent_of_six
    yield [
        f"agents meanwhile, {REPORTERS} reporters, cores",
        f"{comes:,.0f} x {REPORTERS} x {microseconds(shape.agent_of_six)}",
        f"{agents:.2f}",
    ]
    yield [
        "events that wait at the end",
        f"{comes:,.0f} x ({asked.outage:,} s + {LONGEST_PAUSE} s)",
        f"{found.waiting:,.0f}",
    ]
    yield ["Redis' memory", f"{found.waiting:,.0f} x {shape.memory:,.0f} B", size(found.memory)]
    yield ["`max_bytes` that is needed", f"{found.waiting:,.0f} x {shape.data:,.0f} B", size(found.data)]
    yield ["expired with that", "", f"{found.expired:,.0f}"]
    yield ["expired with the default of 256 MB", "what is beyond it", f"{small.expired:,.0f}"]
    kept = small.waiting / comes
    yield [
        "how long the default of 256 MB lasts",
        f"256 MB / ({comes:,.0f} x {shape.data:,.0f} B)",
        f"{kept / 60:.1f} min",
    ]
    yield [
        "written to the append-only file in the hour",
        f"{comes * asked.outage:,.0f} x {shape.written:,.0f} B",
        size(comes * asked.outage * shape.written),
    ]
    yield [
        "disk, since Redis rewrites that file when it has doubled",
        f"3 x {size(found.memory)}",
        size(3 * found.memory),
    ]
    yield [
        "one agent carries, for this reporter",
        f"1 / {microseconds(shape.agent)}",
        f"{1 / shape.agent:,.0f} a second",
    ]
    yield [
        "until nothing waits",
        f"{LONGEST_PAUSE} s + {found.waiting:,.0f} / ({1 / shape.agent:,.0f} - {comes:,.0f})",
        f"{found.drain / 60:.1f} min",
    ]
    yield ["events that are lost", "accepted - handled", f"{round(found.accepted - found.handled):,}"]
    yield ["duplicates, no agent killed", "a flush that is put off is the same flush", "0"]
    yield ["duplicates for each agent that is killed, at most", "a window", f"{WINDOW:,}"]


def rehearsal(scale: Scale) -> str:
    was = scale.rehearsal
    return (
        f"{was.events:,} events came while the vendor was down; one agent was killed then, and another one while it made"
        f" that good.\nOf these events {was.lost:,} were lost, and {was.duplicates:,} came twice, where {WINDOW:,} may."
        f"\nThe agent had {size(was.agent_memory)} of memory in use, whatever waited."
    )


def microseconds(seconds: float) -> str:
    return f"{seconds * 1e6:.3g} us"


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1e3:.3g} ms"


def rate(number: float) -> str:
    return f"{float(f'{number:.3g}'):,.0f}/s"


def size(number: float) -> str:
    for unit, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if number >= unit:
            return f"{number / unit:.3g} {name}"
    return f"{number:.0f} B"


if __name__ == "__main__":
    write()
