"""What can be done with this repository. Every session makes its own environment; `nox -s NAME` runs one."""

from __future__ import annotations

import shutil
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
EVERY_SOURCE = f"./core[{','.join(CORE['project']['optional-dependencies'])}]"

#: The folders of the plugins by name. One with a pyproject.toml is a distribution; nothing else lists them.
PLUGINS = {path.parent.name: path.parent for path in sorted(ROOT.glob("plugins/*/pyproject.toml"))}

nox.options.sessions = ["lint", "typing", "tests"]
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_venv = "yes"
nox.options.download_python = "never"
# An interpreter that isn't there is passed over, also in CI. The one that runs nox always is there: only where that is
# none of ours could every one be passed over and nothing be tested.
nox.options.error_on_missing_interpreters = RUNNING not in PYTHONS

# The tests wait for workers most of the time: three processes share them. See tests/conftest.py for what stays together.
SHARED = ("--numprocesses=3", "--dist=loadgroup")


def group(name: str, folder: Path = ROOT) -> tuple[str, ...]:
    """The requirements of a dependency group of the workspace or of one plugin; none if it has no such group."""
    pyproject = nox.project.load_toml(folder / "pyproject.toml")
    if name not in pyproject.get("dependency-groups", {}):
        return ()
    return nox.project.dependency_groups(pyproject, name)


def install(session: nox.Session, *requirements: str, plugins: dict[str, Path] = PLUGINS) -> None:
    """Installs core with every source, and plugins, from their folders, in one go with what else is needed."""
    editable = [EVERY_SOURCE, *(str(folder.relative_to(ROOT)) for folder in plugins.values())]
    session.install(*(argument for path in editable for argument in ("-e", path)), *requirements)


@nox.session
def demo(session: nox.Session) -> None:
    """Watch a real worker report every job, also to stand-ins for Sentry, Honeybadger and Prometheus."""
    plugins = (f"./{folder.relative_to(ROOT)}" for folder in PLUGINS.values())
    session.install("./core[celery,huey,rq]", *plugins, *group("demo"))
    session.run("python", "examples/demo.py", *session.posargs)


def install_for_tests(session: nox.Session) -> None:
    """Installs everything, with what all tests need."""
    install(session, *(requirement for folder in (ROOT, *PLUGINS.values()) for requirement in group("tests", folder)))


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run all tests on every interpreter found."""
    install_for_tests(session)
    session.run("pytest", *(session.posargs or SHARED))


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
@nox.parametrize("name", list(PLUGINS), ids=list(PLUGINS))
def plugin(session: nox.Session, name: str) -> None:
    """Run the tests of one plugin, beside core and no other plugin."""
    folder = PLUGINS[name]
    install(session, *group("tests"), *group("tests", folder), plugins={name: folder})
    session.run("pytest", *(session.posargs or [f"tests/plugins/{name}"]))


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, formatting, and that imports point one way."""
    install(session, *group("lint"), plugins={})
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("lint-imports")


@nox.session
def typing(session: nox.Session) -> None:
    """Check all types, and that the public API reads well to a user's type checker."""
    install(session, *group("typing"))
    session.run("mypy", "core/src", *(str(folder / "src") for folder in PLUGINS.values()), "tests/typing/api.py")


@nox.session
def build(session: nox.Session) -> None:
    """Build each distribution, and try its wheel in a clean environment beside nothing but core's."""
    session.install(*group("build"))
    dist = ROOT / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    wheels: list[Path] = []
    for folder in (ROOT / "core", *PLUGINS.values()):
        with session.chdir(folder):
            session.run(
                "python", "-m", "hatchling", "build", "--target", "sdist", "--directory", str(dist / folder.name)
            )
        # As an installer does it, the wheel comes out of the sdist: what the sdist lacks shows here.
        sdist, *_ = (dist / folder.name).glob("*.tar.gz")
        session.run("pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(sdist.parent), str(sdist))
        wheels += sdist.parent.glob("*.whl")
        smoke_test(session, {wheels[0], wheels[-1]}, [path.parent.name for path in folder.glob("src/*/__init__.py")])


def smoke_test(session: nox.Session, wheels: set[Path], packages: list[str]) -> None:
    """Installs wheels into a clean environment, imports the packages, and asks the command for its version."""
    clean = Path(session.create_tmp()) / "clean"
    session.run("python", "-m", "venv", "--clear", str(clean))
    python, command = str(clean / "bin" / "python"), str(clean / "bin" / "jobreporter")
    session.run(python, "-m", "pip", "install", "--quiet", *map(str, wheels), external=True)
    session.run(python, "-m", "pip", "check", external=True)
    session.run(python, "-c", f"import {', '.join(packages)}", external=True)
    session.run(command, "--version", external=True)


@nox.session
def soak(session: nox.Session) -> None:
    """Random publishers against random reporters, for two minutes or as long as is asked; a seed repeats a run."""
    session.install("-e", "./core")
    session.run("python", "-m", "tests.soak", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure this project beside its peers: all of benchmarks/, or the files named."""
    install(session, *group("bench"))
    for path in session.posargs or sorted(map(str, ROOT.glob("benchmarks/[!_]*.py"))):
        session.run("python", path)
