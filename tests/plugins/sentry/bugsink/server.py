"""A Bugsink on a free port of loopback, with SQLite in a folder of its own."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from tests.ports import free_port

#: Seconds that its start may take.
PATIENCE = 120.0

MAKE_PROJECT = """
from projects.models import Project
name = f"project-{Project.objects.count()}"
print("DSN", Project.objects.create(name=name, slug=name).dsn)
"""

MAKE_USER = """
from users.models import User
User.objects.create_superuser(username="USER", password="PASSWORD")
"""

TELL_ISSUE = """
from issues.models import Issue
print("ISSUE", Issue.objects.get(project_id=PROJECT, calculated_type="TYPE").id)
"""

TELL = """
import json
from events.models import Event
for event in Event.objects.filter(project_id=PROJECT).order_by("project_digest_order"):
    print("EVENT", json.dumps({
        "issue": str(event.issue.id),
        "title": event.issue.title(),
        "level": event.level,
        "transaction": event.transaction,
        "release": event.release,
        "environment": event.environment,
        "last_frame": event.last_frame_function,
        "data": json.loads(event.data),
    }))
"""


class Bugsink:
    """The server's processes: one that serves, and one for each question."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._bin = Path(sys.executable).parent
        self.port = free_port()
        self._run(
            "bugsink-create-conf",
            "--template=local",
            "--host=127.0.0.1",
            f"--port={self.port}",
            "-o",
            "bugsink_conf.py",
        )
        self._run("bugsink-manage", "migrate")
        self._run("bugsink-manage", "migrate", "--database=snappea")
        with (folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._bin / "gunicorn", f"--bind=127.0.0.1:{self.port}", "bugsink.wsgi"],
                **self._where(),
                stdout=log,
                stderr=log,
            )
        self._wait()

    def new_project(self) -> str:
        """The DSN of a project that has got nothing yet."""
        (dsn,) = self._ask(MAKE_PROJECT, "DSN")
        return dsn

    def events(self, dsn: str) -> list[dict[str, Any]]:
        """What it has stored for a project, in its order: of each event its issue, what it shows of it, and what it got."""
        project = int(dsn.rpartition("/")[2])
        return [json.loads(line) for line in self._ask(TELL.replace("PROJECT", str(project)), "EVENT")]

    def new_user(self) -> tuple[str, str]:
        """The name and the password of somebody who sees all projects."""
        name, password = "somebody", secrets.token_urlsafe()
        self._run("bugsink-manage", "shell", "-c", MAKE_USER.replace("USER", name).replace("PASSWORD", password))
        return name, password

    def issue(self, dsn: str, kind: str) -> str:
        """The address of the page of a project's issue whose error has this type."""
        program = TELL_ISSUE.replace("PROJECT", dsn.rpartition("/")[2]).replace("TYPE", kind)
        (found,) = self._ask(program, "ISSUE")
        return f"http://127.0.0.1:{self.port}/issues/issue/{found}/event/last/"

    def stop(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.wait(PATIENCE)

    def log(self) -> str:
        """What the server has said."""
        return (self._folder / "server.log").read_text()

    def _ask(self, program: str, word: str) -> list[str]:
        """What a program in Bugsink's own shell prints after this word."""
        lines = self._run("bugsink-manage", "shell", "-c", program).splitlines()
        return [line.removeprefix(f"{word} ") for line in lines if line.startswith(word)]

    def _run(self, command: str, *words: str) -> str:
        done = subprocess.run(
            [self._bin / command, *words],
            **self._where(),
            text=True,
            capture_output=True,
            check=False,
            timeout=PATIENCE,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def _where(self) -> dict[str, Any]:
        environment = os.environ | {"PYTHONPATH": str(self._folder), "DJANGO_SETTINGS_MODULE": "bugsink_conf"}
        return {"cwd": self._folder, "env": environment}

    def _wait(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            assert self._process.poll() is None, self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.1)  # between two tries, not in place of one

    def _answers(self) -> bool:
        try:
            urlopen(f"http://127.0.0.1:{self.port}/accounts/login/", timeout=10).close()
        except OSError:  # also where it takes too long
            return False
        return True
