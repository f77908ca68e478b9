"""Draws the panels of the Grafana dashboard over six hours of ``working_day.py``, without a Grafana.

The day's events go through the real reporter, whose page is read every half minute of that day. promtool makes a database
of what was read, and a real Prometheus answers what each panel asks.
"""

from __future__ import annotations

import itertools
import json
import math
import random
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from stand_ins import free_port
from working_day import HOUR, LENGTH, PATIENCE, WORK, executions

from jobreporter import Dispatcher
from jobreporter_prometheus import PrometheusReporter
from jobreporter_prometheus.__main__ import shipped
from jobreporter_prometheus._clock import Clock

#: Seconds between two looks at the page, and between two points of a line.
EVERY, STEP = 30.0, 120.0
SHOWN = 6 * HOUR
#: What Grafana puts in for them, at that pace.
INTERVALS = {"$__rate_interval": "4m", "$__range": "6h"}
#: Grafana divides its width by this, and a panel's height is in units of so many inches.
COLUMNS, UNIT, WIDTH = 24, 0.36, 13.0
PAPER, PANEL, INK, FAINT = "#111217", "#181b1f", "#ccccdc", "#6e7079"
COLOURS = ["#73bf69", "#f2cc0c", "#8ab8ff", "#ff780a", "#f2495c", "#b877d9", "#5794f2", "#ffb357"]
STATES = {"green": "#73bf69", "red": "#f2495c"}
MOST_ROWS = 7
#: Inches that a letter of a legend takes, and the mark before it; and of a panel's height, what a line of it takes.
LETTER, MARK, LINE = 0.046, 0.42, 0.047


def take_dashboard(folder: Path, picture: Path) -> None:
    """Draw it. folder: for what is needed meanwhile. Exits where Prometheus is not installed."""
    server, promtool = shutil.which("prometheus"), shutil.which("promtool")
    if server is None or promtool is None:
        sys.exit("There is no prometheus here (Debian: apt install prometheus)")
    now = time.time()
    read = folder / "read.txt"
    with read.open("w") as file:
        file.writelines(pages(now))
        file.write("# EOF\n")
    blocks = folder / "blocks"
    make = [promtool, "tsdb", "create-blocks-from", "openmetrics", str(read), str(blocks)]
    subprocess.run(make, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - Prometheus' own
    with answering(server, folder, blocks) as address:
        draw(json.loads(shipped("dashboard"))["panels"], address, now).savefig(picture, dpi=90)


def pages(now: float) -> Iterator[str]:
    """What the reporter's page says every half minute, each line with its time."""
    chance = random.Random(12)  # noqa: S311 - nothing secret: the same day each time
    told = [event for work in WORK for each in executions(work, chance, now) for event in each.events]
    told.sort(key=lambda event: event.at)
    at = now - LENGTH

    class OfThatDay(PrometheusReporter):
        clock = Clock(monotonic=lambda: at, now=lambda: at)

    port = free_port()
    context = {"service": "intake", "environment": "production"}
    config = {"context": context, "reporters": {"prometheus": {"port": port}}}
    with Dispatcher({"prometheus": OfThatDay}, config=config) as dispatcher:
        events = iter(told)
        event = next(events, None)
        while at < now:
            at += EVERY
            while event is not None and event.at <= at:
                dispatcher.publish(event)
                event = next(events, None)
            assert dispatcher.flush(PATIENCE)
            for line in ask(f"http://127.0.0.1:{port}/metrics").decode().splitlines():
                if not line.startswith("#"):
                    yield f"{line} {at:.0f}\n"


@contextmanager
def answering(program: str, folder: Path, blocks: Path) -> Iterator[str]:
    """The address of a Prometheus that answers from these blocks, and scrapes nobody."""
    address = f"127.0.0.1:{free_port()}"
    config = folder / "prometheus.yml"
    config.write_text("scrape_configs: []\n")
    options = [f"--config.file={config}", f"--storage.tsdb.path={blocks}", f"--web.listen-address={address}"]
    server = subprocess.Popen([program, *options], stderr=subprocess.DEVNULL)  # noqa: S603 - Prometheus itself
    try:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                ask(f"http://{address}/-/ready")
                break
            except (urllib.error.URLError, ConnectionError):
                assert time.monotonic() < deadline, "Prometheus does not come up"
                time.sleep(0.05)
        yield f"http://{address}"
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()


def ask(url: str) -> bytes:
    """What stands at an address of this machine."""
    with urllib.request.urlopen(url, timeout=PATIENCE) as answer:  # noqa: S310 - http, and on loopback
        return bytes(answer.read())


def draw(panels: Sequence[dict[str, Any]], address: str, now: float) -> Figure:
    """The panels where the dashboard has them, without the rows of panels that nothing is known for."""
    mpl.rcParams.update(
        {"font.size": 8, "text.color": INK, "axes.edgecolor": FAINT, "xtick.color": FAINT, "ytick.color": FAINT}
    )
    panels = panels[: next(index for index, each in enumerate(panels) if each["title"] == "Agents")]
    height = max(each["gridPos"]["y"] + each["gridPos"]["h"] for each in panels)
    figure = Figure(figsize=(WIDTH, height * UNIT), facecolor=PAPER)
    for panel in panels:
        place = panel["gridPos"]
        left, top = place["x"] / COLUMNS, 1 - place["y"] / height
        width, tall = place["w"] / COLUMNS, place["h"] / height
        if panel["type"] == "row":
            figure.text(left + 0.006, top - tall / 2, panel["title"], fontsize=10, weight="bold", va="center")
            continue
        frame = figure.add_axes(
            (left + 0.003, top - tall + 0.1 / height, width - 0.006, tall - 0.2 / height), facecolor=PANEL
        )
        frame.set(xticks=[], yticks=[])
        frame.spines[:].set_color("#2c2f35")
        frame.set_title(panel["title"], loc="left", fontsize=8, weight="bold", y=1, pad=-12, x=0.02)
        DRAW[panel["type"]](frame, panel, address, now)
    return figure


def result(panel: dict[str, Any], address: str, target: dict[str, Any], **when: float) -> list[dict[str, Any]]:
    """What Prometheus answers to one of a panel's questions, about all jobs."""
    query = target["expr"]
    for name, length in INTERVALS.items():
        query = query.replace(name, length)
    query = re.sub(r"\$(service|environment|source|queue|name)", ".*", query)
    path = "query_range" if "start" in when else "query"
    answer = json.loads(ask(f"{address}/api/v1/{path}?{urllib.parse.urlencode({'query': query, **when})}"))
    found: list[dict[str, Any]] = answer["data"]["result"]
    return found


def stat(frame: Axes, panel: dict[str, Any], address: str, now: float) -> None:
    """A number."""
    [target] = panel["targets"]
    found = result(panel, address, target, time=now)
    value = float(found[0]["value"][1]) if found else math.nan
    steps = panel["fieldConfig"]["defaults"].get("thresholds", {}).get("steps", [{"color": "green", "value": None}])
    colour = next(step["color"] for step in reversed(steps) if step["value"] is None or value >= step["value"])
    text = shown(value, panel) if found else "No data"
    frame.text(0.5, 0.42, text, fontsize=20, ha="center", va="center", color=STATES[colour], transform=frame.transAxes)


def timeseries(frame: Axes, panel: dict[str, Any], address: str, now: float) -> None:
    """Lines, and what each stands for."""
    drawn = list(answers(panel, address, now))
    columns = max(1, int(WIDTH * panel["gridPos"]["w"] / COLUMNS / (LETTER * longest(drawn) + MARK)))
    below = 0.14 + LINE * math.ceil(len(drawn) / columns)
    lines = frame.inset_axes((0.09, below, 0.88, 0.82 - below), facecolor=PANEL)
    hours = [(STEP * number - SHOWN) / HOUR for number in range(int(SHOWN / STEP) + 1)]
    for (name, points), colour in zip(drawn, itertools.cycle(COLOURS), strict=False):
        lines.plot(hours, points, label=name, linewidth=1, marker=".", markersize=1.5, color=colour)
    lines.spines[:].set_visible(False)
    lines.grid(color="#2c2f35", linewidth=0.5)
    lines.set_xlim(-SHOWN / HOUR, 0)
    lines.set_ylim(bottom=0)
    lines.xaxis.set_major_formatter(lambda hours, _: "now" if hours == 0 else f"{hours:.0f} h")
    lines.yaxis.set_major_formatter(lambda value, _: shown(value, panel))
    lines.tick_params(length=0, labelsize=7)
    if drawn:
        legend = lines.get_legend_handles_labels()
        frame.legend(*legend, loc="lower left", ncols=columns, fontsize=6, frameon=False, labelcolor=INK)
    else:
        lines.text(0.5, 0.5, "No data", ha="center", color=FAINT, transform=lines.transAxes)


def answers(panel: dict[str, Any], address: str, now: float) -> Iterator[tuple[str, list[float]]]:
    """The lines of a panel: what each is called, and its points, with gaps where there is none."""
    begin = round(now - SHOWN)
    for target in panel["targets"]:
        for found in result(panel, address, target, start=begin, end=begin + SHOWN, step=STEP):
            values = {round(at): float(value) for at, value in found["values"]}
            points = [values.get(round(begin + STEP * number), math.nan) for number in range(int(SHOWN / STEP) + 1)]
            yield called(target.get("legendFormat", ""), found["metric"]), points


def longest(drawn: Sequence[tuple[str, object]]) -> int:
    """The letters of the longest name."""
    return max((len(name) for name, _ in drawn), default=0)


def called(template: str, labels: dict[str, str]) -> str:
    """What a line is called: ``{{job}} p95``."""
    return re.sub(r"\{\{(\w+)\}\}", lambda name: labels.get(name[1], ""), template)


def table(frame: Axes, panel: dict[str, Any], address: str, now: float) -> None:
    """The first rows."""
    [target] = panel["targets"]
    rows = result(panel, address, target, time=now)[:MOST_ROWS]
    for index, found in enumerate(rows):
        height = 0.78 - index * 0.11
        frame.text(0.02, height, found["metric"].get("job", ""), va="center", transform=frame.transAxes)
        value = shown(float(found["value"][1]), panel)
        frame.text(0.98, height, value, ha="right", va="center", transform=frame.transAxes)


DRAW = {"stat": stat, "timeseries": timeseries, "table": table}


def shown(value: float, panel: dict[str, Any]) -> str:
    """A number in the panel's unit."""
    defaults = panel["fieldConfig"]["defaults"]
    unit = defaults.get("unit")
    if unit == "percentunit":
        return f"{value:.1%}"
    if unit == "s":
        return (
            f"{value / HOUR:.1f} h" if value >= HOUR else f"{value / 60:.1f} min" if value >= 60 else f"{value:.3g} s"
        )
    if unit == "short":
        return f"{value:,.0f}" if defaults.get("decimals") == 0 or value == round(value) else f"{value:.3g}"
    return f"{value:.2g}/s"
