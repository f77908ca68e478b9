"""Takes the picture of a report in Bugsink: ``nox -s bugsink -- --picture``.

A real worker of Huey does the intake's jobs, and the one that fails for good is opened in a browser.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from tests.browser import launched, opened

from .server import Bugsink

ROOT = Path(__file__).parents[4]
EXAMPLES = ROOT / "examples"
PICTURE = ROOT / "docs" / "pictures" / "sentry.png"
WIDTH, HEIGHT = 1280, 1240
PATIENCE = 60.0
CONFIG = """
[context]
service = "intake"
environment = "production"
release = "2026.11.4"

[reporters.sentry]
dsn = "{dsn}"

[reporters.sentry.when]
attempts = "final"
"""


def main() -> None:
    sys.path.insert(0, str(EXAMPLES))
    with tempfile.TemporaryDirectory(prefix="jobreporter-picture-") as name:
        folder = Path(name)
        (folder / "bugsink").mkdir()
        server = Bugsink(folder / "bugsink")
        try:
            dsn = server.new_project()
            work(folder / "home", dsn, server)
            take(server.issue(dsn, "InvoiceError"), server.new_user())
        finally:
            server.stop()


def work(home: Path, dsn: str, server: Bugsink) -> None:
    """Have a worker do the jobs until the one that fails has been reported."""
    from queues import QUEUES
    from stage import enqueue, lay_out

    home.mkdir()
    lay_out(home)
    queue = QUEUES["huey"]
    enqueue(home, queue)
    config = home / "jobreporter.toml"
    config.write_text(CONFIG.format(dsn=dsn))
    environment = {"INTAKE_HOME": str(home), "PYTHONPATH": str(EXAMPLES), "JOBREPORTER_CONFIG": str(config)}
    worker = queue.start_worker(home, environment)
    try:
        deadline = time.monotonic() + PATIENCE
        while not server.events(dsn):
            assert time.monotonic() < deadline, (home / "worker.log").read_text()
            time.sleep(0.1)
        worker.send_signal(queue.leave)
        worker.communicate(timeout=PATIENCE)
    finally:
        worker.kill()
        worker.wait()


def take(address: str, user: tuple[str, str]) -> None:
    """A picture of the page that Bugsink shows of an issue."""
    with launched() as browser, opened(browser, viewport={"width": WIDTH, "height": HEIGHT}) as (page, _):
        page.goto(address)  # which asks first who one is
        for field, value in zip(("username", "password"), user, strict=True):
            page.locator(f"input[name={field}]").fill(value)
        page.get_by_role("button", name="Login").click()
        page.wait_for_url(f"{address}**")
        page.get_by_text("raise InvoiceError").first.wait_for()
        page.get_by_title("Ignore").get_by_role("button").click()  # that there is no mail server
        page.get_by_text("Email is not set up").wait_for(state="detached")
        page.screenshot(path=PICTURE)


if __name__ == "__main__":
    main()
