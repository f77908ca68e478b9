"""What can be done with this repository. Every session makes its own environment; `nox -s NAME` runs one."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2025.5"

ROOT = Path(__file__).parent
CORE = nox.project.load_toml(ROOT / "core" / "pyproject.toml")
PYTHONS = nox.project.python_versions(CORE)
#: The version of Python that runs nox.
RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"

#: core with all of its extras: every source comes with its queue.
EXTRAS = CORE["project"]["optional-dependencies"]
EVERY_SOURCE = f"./core[{','.join(EXTRAS)}]"

#: The folders of the plugins by name. One with a pyproject.toml is a distribution; nothing else lists them.
PLUGINS = {path.parent.name: path.parent for path in sorted(ROOT.glob("plugins/*/pyproject.toml"))}

nox.options.sessions = ["lint", "typing", "tests"]
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_venv = "yes"
nox.options.download_python = "never"
# An interpreter that isn't there is passed over, also in CI. The one that runs nox always is there, and runs all tests.
nox.options.error_on_missing_interpreters = False

#: The job queues whose own tests are run with jobreporter attached: each has a dependency group, and a module in tests/peers.
PEERS = [
    group.removeprefix("peers-")
    for group in nox.project.load_toml(ROOT / "pyproject.toml")["dependency-groups"]
    if group.startswith("peers-")
]

# The tests wait for workers most of the time: six processes share them. Those of one file or class stay together, in the
# order of tests/conftest.py.
SHARED = ("--numprocesses=6", "--dist=loadscope", "--no-loadscope-reorder")

# What the other interpreters run: core, the fault kit, and what an undisturbed worker of each source tells. CPython 3.12
# crashes now and then where another thread is traced by instruction, or memory runs out at a chosen allocation: one
# interpreter is enough for these, and for the cases of a source that need a worker of their own.
ELSEWHERE = (
    "-m",
    "not one_interpreter",
    "tests/core",
    "tests/faults",
    "tests/sources/test_conformance.py",
)


# With the oldest libraries: what real workers tell, and what differs between Celery's versions. Celery 5.5's threads now and
# then take up no message for ten seconds, without jobreporter too.
OLDEST = (
    "-k",
    "not (test_stored and threads)",
    "tests/sources/test_conformance.py",
    "tests/sources/test_library.py",
    "tests/sources/celery/test_eager.py",
    "tests/sources/celery/test_outcomes.py",
    "tests/sources/celery/test_stored.py",
    "tests/sources/celery/test_registration.py",
)

# Random jobs of each queue, compared with what the queue itself has stored and sent.
DRAWN = (
    "tests/sources/celery/test_drawn.py",
    *(f"tests/sources/{name}/test_stored.py" for name in ("dramatiq", "huey", "rq")),
)


def group(name: str, folder: Path = ROOT) -> tuple[str, ...]:
    """The requirements of a dependency group of the workspace or of one plugin; none if it has no such group."""
    pyproject = nox.project.load_toml(folder / "pyproject.toml")
    if name not in pyproject.get("dependency-groups", {}):
        return ()
    return nox.project.dependency_groups(pyproject, name)


def with_extras(folder: Path) -> str:
    """A plugin's folder with all of its extras, as pip takes it."""
    extras = nox.project.load_toml(folder / "pyproject.toml")["project"].get("optional-dependencies", {})
    path = str(folder.relative_to(ROOT))
    return f"./{path}[{','.join(extras)}]" if extras else path


def with_needed(name: str) -> dict[str, Path]:
    """A plugin with the others that it depends on, which come first."""
    asked = nox.project.load_toml(PLUGINS[name] / "pyproject.toml")["project"].get("dependencies", [])
    needed = [other for other in PLUGINS if any(re.match(rf"jobreporter-{other}\b", each) for each in asked)]
    return {each: PLUGINS[each] for other in needed for each in with_needed(other)} | {name: PLUGINS[name]}


def install(session: nox.Session, *requirements: str, plugins: dict[str, Path] = PLUGINS) -> None:
    """Installs core with every source, and plugins with all extras, from their folders, in one go with what else is needed."""
    editable = [EVERY_SOURCE, *map(with_extras, plugins.values())]
    session.install(*(argument for path in editable for argument in ("-e", path)), *requirements)


@nox.session
def demo(session: nox.Session) -> None:
    """Watch a real worker report every job, also to stand-ins for Sentry, Honeybadger and Prometheus.

    With ``--stream`` reporters run in agents, and an agent and the worker are killed on purpose. With ``--web`` every queue's
    jobs are on one page, until Ctrl-C.
    """
    install_for_demo(session)
    session.run("python", "examples/demo.py", *session.posargs)


def install_for_demo(session: nox.Session) -> None:
    """Installs what the demo shows, the page and the terminal view among it."""
    plugins = (f"./{folder.relative_to(ROOT)}" for folder in PLUGINS.values())
    session.install("./core[celery,huey,rq]", *plugins, "./plugins/history[top,web]", *group("demo"))


@nox.session
def pictures(session: nox.Session) -> None:
    """Take the pictures of the documents anew, after hours of the intake's work. Needs chromium and prometheus."""
    install_for_demo(session)
    session.install(*group("pictures"))
    session.run("python", "examples/pictures.py", *session.posargs)


def install_for_tests(session: nox.Session) -> None:
    """Installs everything, with what all tests need."""
    # The tests start thousands of processes. Without this, each would compile all that it imports where the variable is set.
    session.env["PYTHONDONTWRITEBYTECODE"] = ""
    install(session, *(requirement for folder in (ROOT, *PLUGINS.values()) for requirement in group("tests", folder)))


@nox.session
def tests(session: nox.Session) -> None:
    """Run all tests, on the interpreter that runs nox."""
    install_for_tests(session)
    run_all(session, *SHARED)


@nox.session(python=[python for python in PYTHONS if python != RUNNING])
def interpreters(session: nox.Session) -> None:
    """Run what differs between interpreters on each other one that is found: exits, forks, threads, and real workers."""
    install_for_tests(session)
    session.env["FORKS"] = "100"  # the one that runs all tests has more of them
    run_all(session, *SHARED, *ELSEWHERE)


def run_all(session: nox.Session, *arguments: str) -> None:
    """Runs the tests that are asked for, or these. Of these, what fails beside others is run once more, by itself.

    Real workers, servers and a browser can starve where six processes share a busy machine. A fault fails again.
    """
    if session.posargs:
        session.run("pytest", *session.posargs)
        return
    cache = Path(session.virtualenv.location).resolve() / "pytest_cache"
    shutil.rmtree(cache, ignore_errors=True)
    with_cache = ("-o", f"cache_dir={cache}")
    session.run("pytest", *with_cache, *arguments, success_codes=[0, 1])  # 1: all were run, and some failed
    failed = cache / "v" / "cache" / "lastfailed"
    if failed.exists():
        session.warn(f"run once more, by themselves: {', '.join(json.loads(failed.read_text()))}")
        session.run("pytest", *with_cache, "--last-failed", "--last-failed-no-failures=none")


@nox.session
def oldest(session: nox.Session) -> None:
    """Run what real workers of each source tell, with the oldest version of each library that core's extras take."""
    lowest = Path(session.create_tmp()) / "lowest.txt"
    asked = [each for extra in EXTRAS.values() for each in extra if ">=" in each]
    lowest.write_text("\n".join(each.replace(">=", "==").partition(",")[0] for each in asked))
    install(session, *group("tests"), "--constraint", str(lowest), plugins={})
    session.run("pytest", *SHARED, *(session.posargs or OLDEST))


@nox.session
def coverage(session: nox.Session) -> None:
    """Run all tests once more and measure the branch coverage of core, in the workers that they start as well."""
    install_for_tests(session)
    # Workers run in folders of their own, so the data's place is absolute.
    session.env["COVERAGE_FILE"] = str(Path(session.virtualenv.location).resolve() / "coverage")
    session.env["FORKS"] = "60"  # each forked child writes down what it has covered, which takes it a while
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", "pytest", *(session.posargs or SHARED))
    session.run("coverage", "combine", "--quiet")
    session.run("coverage", "report")


@nox.session
def core(session: nox.Session) -> None:
    """Run the tests of core and its sources, with no plugin installed."""
    install(session, *group("tests"), plugins={})
    session.run("pytest", *(session.posargs or ["tests/core", "tests/sources"]))


@nox.session
def properties(session: nox.Session) -> None:
    """Draw 2,000 random jobs for each kind of worker, and compare what is reported with what the queue has stored."""
    install(session, *group("tests"), plugins={})
    session.env["CLOSURE_JOBS"] = os.environ.get("CLOSURE_JOBS", "2000")
    # A test takes two minutes then, on a quiet machine.
    session.run("pytest", "-o", "faulthandler_timeout=1200", *(session.posargs or DRAWN))


@nox.session
@nox.parametrize("name", list(PLUGINS), ids=list(PLUGINS))
def plugin(session: nox.Session, name: str) -> None:
    """Run the tests of one plugin, beside core and no other plugin but those that it depends on."""
    plugins = with_needed(name)
    install(
        session,
        *group("tests"),
        *(each for folder in plugins.values() for each in group("tests", folder)),
        plugins=plugins,
    )
    session.run("pytest", *(session.posargs or [f"tests/plugins/{name}"]))


@nox.session
def bugsink(session: nox.Session) -> None:
    """Send reports to Bugsink, a server of Sentry's protocol that others wrote, and look at what it has stored.

    With ``--picture`` take the picture of a report for the documents. Needs chromium.
    """
    folder = PLUGINS["sentry"]
    needs = (*group("tests"), *group("tests", folder), *group("bugsink", folder))
    install(session, *needs, plugins={"sentry": folder})
    if "--picture" in session.posargs:
        session.install(*group("pictures"))
        session.run("python", "-m", "tests.plugins.sentry.bugsink.picture")
        return
    session.run("python", "-m", "pytest", *(session.posargs or ["tests/plugins/sentry/bugsink/checks.py"]))


@nox.session
def arq(session: nox.Session) -> None:
    """Have jobs of arq fail beside sentry-sdk's integration for it, and see who reports them."""
    folder = PLUGINS["sentry"]
    needs = (*group("tests"), *group("tests", folder), *group("arq", folder))
    install(session, *needs, plugins={"sentry": folder})
    session.run("python", "-m", "pytest", *(session.posargs or ["tests/plugins/sentry/with_arq/checks.py"]))


@nox.session
@nox.parametrize("name", PEERS, ids=PEERS)
def peers(session: nox.Session, name: str) -> None:
    """Run a job queue's own tests without jobreporter and with it, and list what differs."""
    session.install("-e", f"./core[{name}]", *group(f"peers-{name}"))
    folder = Path(session.create_tmp()) / name
    shutil.rmtree(folder, ignore_errors=True)
    session.run("python", "-m", "tests.peers.run", name, "--folder", str(folder), *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, formatting, and that imports point one way."""
    install(session, *group("lint"), plugins={})
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("lint-imports")


@nox.session
def typing(session: nox.Session) -> None:
    """Check all types, and what mypy and pyright say of the public API as users type it, rightly and wrongly."""
    install(session, *group("typing"))
    session.run("mypy", "core/src", *(str(folder / "src") for folder in PLUGINS.values()))
    # The suite's own conftest needs what the tests need, and a type checker none of that.
    session.run("pytest", "--noconftest", *(session.posargs or ["tests/typing/checks.py"]))


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation as a site, into site/: without a network, and every warning is an error.

    With ``--published VERSION`` it is to have that folder beside other versions, and each page leads to theirs;
    `python docs/_site/versions.py` builds them all.
    """
    session.install("-e", "./core", *group("docs"))
    if "--published" in session.posargs:
        session.env["PUBLISHED_VERSION"] = session.posargs[session.posargs.index("--published") + 1]
    shutil.rmtree(ROOT / "site", ignore_errors=True)
    trees = Path(session.create_tmp()) / "trees"
    session.run("sphinx-build", "-W", "--keep-going", "-q", "-E", "-c", "docs", "-d", str(trees), ".", "site")


@nox.session
def build(session: nox.Session) -> None:
    """Build each distribution, and try its wheel in a clean environment beside nothing but core's, and what it depends on."""
    session.install(*group("build"))
    built = build_all(session)
    for name in built:
        packages = [path.parent.name for path in distributions()[name].glob("src/*/__init__.py")]
        needed = with_needed(name) if name in PLUGINS else [name]
        smoke_test(session, {built["core"], *(built[each] for each in needed)}, packages)


@nox.session(name="release-check")
def release_check(session: nox.Session) -> None:
    """Do all that a release does but the upload: versions, changelog, archives, and the wheels on every Python found.

    With ``--tag TAG``, that has to name the version; with ``--every-python``, one that isn't found is an error.
    """
    session.install(*group("build"), *group("release"))
    tag = session.posargs[session.posargs.index("--tag") + 1 :][:1] if "--tag" in session.posargs else []
    session.run("python", "-m", "tests.packaging.release", *tag)
    wheels = build_all(session)
    session.run("twine", "check", "--strict", *(str(path) for path in sorted((ROOT / "dist").glob("*/*"))))
    packages = [path.parent.name for folder in distributions().values() for path in folder.glob("src/*/__init__.py")]
    for version in PYTHONS:
        if python := installed_python(version):
            smoke_test(session, set(wheels.values()), packages, python)
        elif "--every-python" in session.posargs:
            session.error(f"there is no python{version} here to try the wheels with")
        else:
            session.warn(f"there is no python{version} here: the wheels aren't tried with it")


def installed_python(version: str) -> str | None:
    """A version of Python, if it is here and runs: some have a command for one that they would first have to be told to use."""
    if version == RUNNING:
        return sys.executable
    found = shutil.which(f"python{version}")
    works = found and subprocess.run([found, "-c", ""], check=False, capture_output=True).returncode == 0  # noqa: S603 - our own words
    return found if works else None


def distributions() -> dict[str, Path]:
    """The folder of each distribution by its name in dist/; core's is the first."""
    return {"core": ROOT / "core", **PLUGINS}


def build_all(session: nox.Session) -> dict[str, Path]:
    """Builds every distribution into a folder of its own in dist/. Returns their wheels by the names of the folders."""
    dist = ROOT / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    wheels: dict[str, Path] = {}
    for name, folder in distributions().items():
        with session.chdir(folder):
            session.run("python", "-m", "hatchling", "build", "--target", "sdist", "--directory", str(dist / name))
        # As an installer does it, the wheel comes out of the sdist: what the sdist lacks shows here.
        sdist, *_ = (dist / name).glob("*.tar.gz")
        session.run("pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(sdist.parent), str(sdist))
        (wheels[name],) = sdist.parent.glob("*.whl")
    return wheels


def smoke_test(session: nox.Session, wheels: set[Path], packages: list[str], interpreter: str = "python") -> None:
    """Installs wheels into a clean environment, imports the packages, and asks the command for its version.

    interpreter: what the environment is made with.
    """
    clean = Path(session.create_tmp()) / "clean"
    session.run(interpreter, "-m", "venv", "--clear", str(clean), external=interpreter != "python")
    python, command = str(clean / "bin" / "python"), str(clean / "bin" / "jobreporter")
    session.run(python, "-m", "pip", "install", "--quiet", *map(str, wheels), external=True)
    session.run(python, "-m", "pip", "check", external=True)
    session.run(python, "-c", f"import {', '.join(packages)}", external=True)
    session.run(command, "--version", external=True)


@nox.session
def soak(session: nox.Session) -> None:
    """Random publishers against random reporters, for two minutes or as long as is asked; a seed repeats a run.

    With ``--stream``: real workers, agents, a Redis and a vendor, which are killed and come back, for ten minutes.
    With ``--history``: real workers that keep their history, likewise.
    """
    if "--stream" in session.posargs:
        install(session, *group("tests"), plugins=with_needed("redis"))
        arguments = [argument for argument in session.posargs if argument != "--stream"]
        session.run("python", "-m", "tests.soak_stream", *arguments)
        return
    if "--history" in session.posargs:
        plugins = with_needed("history")
        needs = (*group("tests"), *(each for folder in plugins.values() for each in group("tests", folder)))
        install(session, *needs, plugins=plugins)
        arguments = [argument for argument in session.posargs if argument != "--history"]
        session.run("python", "-m", "tests.soak_history", *arguments)
        return
    session.install("-e", "./core")
    session.run("python", "-m", "tests.soak", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure this project beside its peers: all of benchmarks/, or the files named."""
    install(session, *group("bench"))
    for path in session.posargs or sorted(map(str, ROOT.glob("benchmarks/[!_]*.py"))):
        session.run("python", path)
