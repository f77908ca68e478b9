"""What `jobreporter new` makes, by the built wheel in a clean environment: all that it contains passes at once."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import urllib.request
from pathlib import Path
from typing import NamedTuple

import pytest

from jobreporter.testing import CommandLine, StandIn

from .clean_environment import CleanEnvironment, build_wheel
from .documents import ROOT, blocks

TUTORIAL = ROOT / "docs/tutorials/reporter.md"
TEMPLATES = ROOT / "core/src/jobreporter/_templates"

#: What is made, and with which words. Between them every file of every template is in one.
PROJECTS = {
    "jobreporter-my-pager": ("reporter", "my_pager"),
    "jobreporter-beacon": ("reporter", "beacon", "--async", "--command"),
    "jobreporter-kestrel": ("source", "kestrel"),
}
#: What README.md and the workflow of each have its author run.
COMMANDS = (
    ("ruff", "check"),
    ("ruff", "format", "--check"),
    ("mypy",),
    ("pytest", "-q"),
    ("jobreporter", "check"),
    ("jobreporter", "plugins", "--check", "."),
    ("python", "-m", "hatchling", "build"),
)
# Seconds for one of them on a machine that is busy with other things.
PATIENCE = 240.0


class Workshop(NamedTuple):
    """An environment with core's wheel and what an author needs, and the folder where the projects are."""

    clean: CleanEnvironment
    folder: Path
    #: The folder in which mypy keeps what it knows of the libraries, which it has to learn but once.
    cache: str = "mypy"

    def run(self, project: str, *words: str) -> str:
        """Run a command in a project, which must go well. Returns what it said."""
        cache = {"MYPY_CACHE_DIR": str(self.folder / self.cache)}
        environ = {"PYTHONWARNINGS": "default", "PATH": f"{self.clean.folder / 'bin'}:/usr/bin:/bin", **cache}
        done = self.clean.run(self.folder / project, *words, patience=PATIENCE, **environ)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def install(self, *projects: str) -> None:
        """Install projects from where they are."""
        pip = ("python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        folders = (word for name in projects for word in ("--editable", f"./{name}"))
        self.run(".", *pip, "--no-build-isolation", "--no-deps", *folders)


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """Every project is made there and installed; the environment takes longest, so that all share one."""
    folder = tmp_path_factory.mktemp("new")
    project = tomllib.loads((TEMPLATES / "reporter/pyproject.toml").read_text())
    wheel = build_wheel(ROOT / "core", folder / "core")
    # The last is what hatchling asks an installer for, to install a folder from where it is.
    workshop = Workshop(
        CleanEnvironment(folder / "venv", [wheel], *project["dependency-groups"]["dev"], "editables"), folder
    )
    for words in PROJECTS.values():
        workshop.run(".", "jobreporter", "new", *words)
    workshop.install(*PROJECTS)
    return workshop


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("project", PROJECTS)
def test_all_of_it_passes_as_it_is(workshop: Workshop, project: str, command: tuple[str, ...]) -> None:
    """Lint, types, tests, the config, readiness and build."""
    workshop.run(project, *command)


def test_the_oldest_tools_that_it_names_will_do(workshop: Workshop) -> None:
    """Of pytest, the type checker and all others, in an environment that has no newer ones."""
    project = "jobreporter-beacon"
    pyproject = tomllib.loads((workshop.folder / project / "pyproject.toml").read_text())
    oldest = [tool.replace(">=", "==") for tool in pyproject["dependency-groups"]["dev"]]
    assert all("==" in tool for tool in oldest)
    [wheel] = (workshop.folder / "core").glob("*.whl")
    clean = CleanEnvironment(workshop.folder / "oldest", [wheel], *oldest, "editables")
    aged = Workshop(clean, workshop.folder, cache="mypy of old")
    aged.install(project)
    for command in COMMANDS:
        aged.run(project, *command)


@pytest.mark.parametrize("kind", ["reporter", "reporter --async --command", "source"])
@pytest.mark.parametrize("name", ["ab", "a_name_of_thirty_characters_ok", "import", "print"])
def test_no_name_upsets_the_formatter(workshop: Workshop, kind: str, name: str) -> None:
    """The shortest and the longest: no line has to be broken in another way. Nor is a word of Python's own in the way."""
    into = f"{len(kind)}"
    workshop.run(".", "jobreporter", "new", *kind.split(), name, "--into", into)
    project = f"{into}/jobreporter-{name.replace('_', '-')}"
    workshop.run(project, "ruff", "check")
    workshop.run(project, "ruff", "format", "--check")


@pytest.mark.parametrize("more", [(), ("--async",)], ids=["plain", "async"])
def test_a_reporter_inside_an_application(workshop: Workshop, more: tuple[str, ...]) -> None:
    """The lines that are printed switch it on, and it passes the checks of a project."""
    app = f"app{len(more)}"
    package = workshop.folder / app / "shop"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    said = workshop.run(app, "jobreporter", "new", "reporter", "desk", "--in-app", "--into", "shop", *more)
    config = "\n".join(line.strip() for line in re.findall(r"^  .*", said, re.MULTILINE))
    assert 'use = "shop.desk_reporter:DeskReporter"' in config
    (workshop.folder / app / "jobreporter.toml").write_text(config)

    assert "desk  ok" in workshop.run(app, "jobreporter", "check")
    rules = str(workshop.folder / "jobreporter-my-pager/pyproject.toml")
    workshop.run(app, "ruff", "check", "--config", rules, "shop")
    workshop.run(app, "ruff", "format", "--check", "--config", rules, "shop")
    workshop.run(app, "mypy", "--strict", "shop")
    said = workshop.run(app, "jobreporter", "plugins", "desk")
    assert ("async   yes" in said) == bool(more)


def test_the_tutorial_leads_to_a_reporter(workshop: Workshop) -> None:
    """What is made there, and changed as it says, passes all checks, and rings for a command that fails alone."""
    listener, *files = blocks(TUTORIAL, "python")
    assert listener.file == "listen.py"
    workshop.run(".", "jobreporter", "new", "reporter", "bell")
    workshop.install("jobreporter-bell")
    project = workshop.folder / "jobreporter-bell"
    for block in files:
        assert (project / str(block.file)).exists()
        (project / str(block.file)).write_text(block.text)
    for command in COMMANDS:
        workshop.run("jobreporter-bell", *command)
    [shown] = blocks(TUTORIAL, "console")
    said = workshop.run("jobreporter-bell", "jobreporter", "plugins", "--check", ".")
    assert [line.rstrip() for line in said.splitlines()] == shown.text.splitlines()[1:]

    with StandIn() as somebody:
        config = project / "jobreporter.toml"
        config.write_text(config.read_text().replace("http://127.0.0.1:8000", somebody.url))
        for program in ("true", "false"):
            workshop.clean.run(
                project, "jobreporter", "exec", "--name", "backup", "--", program, PYTHONWARNINGS="default"
            )
    [rung] = blocks(TUTORIAL, "text")
    assert [f"{request.body.decode()}\n" for request in somebody.requests] == [rung.text]


def test_what_is_next_is_the_same_everywhere(tmp_path: Path) -> None:
    """The command, the tutorial and the readmes begin alike, with a pip that knows `--group`: a Python may bring an older one."""
    told = CommandLine(tmp_path).run("new", "reporter", "bell").stdout
    commands = [line.strip() for line in told.splitlines() if line.startswith("  ")]
    [shown] = [block.text for block in blocks(TUTORIAL, "sh") if "--group" in block.text]
    assert commands[: len(shown.splitlines())] == shown.splitlines()
    _, environment, install, *_ = commands
    assert "--upgrade-deps" in environment
    for readme in TEMPLATES.glob("*/README.md"):
        assert f"\n{environment}\n{install}\n" in readme.read_text()


def test_the_listener_of_the_tutorial_shows_what_comes(tmp_path: Path) -> None:
    """As it stands, at the address that a new project has in its config."""
    listener, *_ = blocks(TUTORIAL, "python")
    address = "http://127.0.0.1:8000/jobs"
    assert address in (TEMPLATES / "reporter/jobreporter.toml").read_text()
    assert '("127.0.0.1", 8000)' in listener.text
    program = listener.text.replace(
        'HTTPServer(("127.0.0.1", 8000), Listener).serve_forever()',
        'server = HTTPServer(("127.0.0.1", 0), Listener)\nprint(server.server_port, flush=True)\nserver.handle_request()',
    )
    (tmp_path / "listen.py").write_text(program)
    running = subprocess.Popen([sys.executable, "listen.py"], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    try:
        assert running.stdout is not None
        port = int(running.stdout.readline())
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/jobs", b'[{"text":"x"}]', timeout=30) as answer:
            assert answer.status == 204
        assert running.communicate(timeout=30)[0] == '[{"text":"x"}]\n'
    finally:
        running.kill()
        running.communicate()


def test_the_workflow_runs_what_is_run_here() -> None:
    """And so does the readme say."""
    for template in ("reporter", "source"):
        for document in (".github/workflows/ci.yml", "README.md"):
            text = (TEMPLATES / template / document).read_text()
            assert [" ".join(words) for words in COMMANDS if " ".join(words).removesuffix(" -q") not in text] == []


def test_the_two_pyprojects_differ_by_the_command_alone() -> None:
    """What a template replaces is the same but for what it is about."""
    for document, least in (("pyproject.toml", 3), ("README.md", 5)):
        base = (TEMPLATES / "reporter" / document).read_text().splitlines()
        with_command = (TEMPLATES / "reporter_command" / document).read_text().splitlines()
        assert [line for line in base if line not in with_command] == []
        assert len(with_command) >= len(base) + least
