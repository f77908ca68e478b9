"""The rules: each looks at one thing, and says what to do where that is wanting."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from jobreporter._cli._readiness.loaded import Loaded
from jobreporter._cli._readiness.requirement import trouble
from jobreporter._cli._readiness.subject import GROUPS, Subject
from jobreporter._nearest import did_you_mean
from jobreporter._plugins.installed import COMMANDS, REPORTERS
from jobreporter._version import __version__

Tier = Literal["bronze", "silver", "gold"]
#: What each takes for granted: bronze that it works where it is installed, silver that it can be used without a look at
#: its code, gold that it is looked after.
TIERS: tuple[Tier, ...] = ("bronze", "silver", "gold")


class Unseen(Exception):  # noqa: N818 - it says that nothing is known
    """Only the project's folder could tell."""


class Rule(NamedTuple):
    """One rule. look: what is wrong, nothing if all is well; it raises `Unseen` where it can't be told."""

    name: str
    tier: Tier
    asks: str
    remedy: str
    look: Callable[[Subject, Loaded], Iterator[str]]


def _name(subject: Subject, _: Loaded) -> Iterator[str]:
    if not re.match(r"jobreporter[-_.]", subject.name):
        yield f"it is called {subject.name!r}"


def _metadata(subject: Subject, _: Loaded) -> Iterator[str]:
    wanted = {
        "description": subject.all("Summary"),
        "readme": subject.readme.strip(),
        "license": subject.all("License-Expression") or subject.all("License"),
        "requires-python": subject.all("Requires-Python"),
    }
    yield from (f"there is no {key}" for key, found in wanted.items() if not found)


def _entry(subject: Subject, _: Loaded) -> Iterator[str]:
    if not any(group != COMMANDS for group, _, _ in subject.entries):
        yield "it announces no reporter, no source and no engine of a stream"
    for group in subject.strange_groups:
        yield f"nobody looks into the group {group!r}{did_you_mean(group, (*GROUPS, COMMANDS))}"


def _loads(_: Subject, loaded: Loaded) -> Iterator[str]:
    yield from loaded.troubles


def _core(subject: Subject, _: Loaded) -> Iterator[str]:
    if found := trouble(subject.all("Requires-Dist"), __version__):
        yield found


def _wheel(subject: Subject, _: Loaded) -> Iterator[str]:
    tops = {path.split("/")[0] for path in subject.files if not re.match(r"[^/]+\.(dist-info|data)/|\.\.|/", path)}
    own = {package.partition(".")[0] for package in subject.packages}
    yield from (
        f"there is {top!r} in it beside its package" for top in sorted(tops - own - {f"{each}.py" for each in own})
    )
    if not any("/licenses/" in path or ".dist-info/LICEN" in path for path in subject.files):
        yield "the text of its licence is not in it"


def _types(subject: Subject, _: Loaded) -> Iterator[str]:
    packages = {package.partition(".")[0] for package in subject.packages}
    yield from (f"there is no {each}/py.typed" for each in sorted(packages) if f"{each}/py.typed" not in subject.files)
    if "Typing :: Typed" not in subject.all("Classifier"):
        yield "the classifier 'Typing :: Typed' is missing"


def _described(_: Subject, loaded: Loaded) -> Iterator[str]:
    yield from (f"{each.name!r} says nothing of itself" for each in loaded.found if not each.description)


def _options(_: Subject, loaded: Loaded) -> Iterator[str]:
    for each in loaded.found:
        bare = [option.name for option in each.options if not option.description]
        if bare:
            yield f"{each.name!r} does not say what {', '.join(map(repr, bare))} means"


def _readme(subject: Subject, loaded: Loaded) -> Iterator[str]:
    text = subject.readme
    for each in loaded.found:
        # An option within another is told where that one is, by its own name.
        names = {each.name, *(re.split(r"[.\]]", option.name)[-1] for option in each.options)}
        absent = sorted(name for name in names if not re.search(rf"\b{re.escape(name)}\b", text))
        if absent:
            yield f"it does not tell of {', '.join(map(repr, absent))}"


def _pythons(subject: Subject, _: Loaded) -> Iterator[str]:
    prefix = "Programming Language :: Python :: 3."
    if not any(each.startswith(prefix) for each in subject.all("Classifier")):
        yield f"no classifier {prefix + 'N'!r} says which versions it is tried with"


def _tests(subject: Subject, _: Loaded) -> Iterator[str]:
    imports = _imports(subject)
    if not any(imports.search(_text(path)) for path in _test_files(subject)):
        yield "no test imports it"


def _changelog(subject: Subject, _: Loaded) -> Iterator[str]:
    found = next((at / "CHANGELOG.md" for at in _around(subject) if (at / "CHANGELOG.md").is_file()), None)
    if found is None:
        yield "there is no CHANGELOG.md"
    elif not re.search(
        rf"^##? .*({re.escape(subject.version)}\b|unreleased)", _text(found), re.MULTILINE | re.IGNORECASE
    ):
        yield f"CHANGELOG.md has no heading for {subject.version}, nor 'Unreleased'"


def _automated(subject: Subject, _: Loaded) -> Iterator[str]:
    places = (".github/workflows/*.y*ml", ".forgejo/workflows/*.y*ml", ".gitea/workflows/*.y*ml", ".gitlab-ci.yml")
    more = (".woodpecker*", ".circleci/config.yml", "azure-pipelines.yml", ".builds/*.yml", "Jenkinsfile", "tox.ini")
    if not any(list(at.glob(each)) for at in _around(subject) for each in (*places, *more)):
        yield "nothing runs its tests when it changes"


def _around(subject: Subject) -> list[Path]:
    found = list(subject.above())
    if not found:
        raise Unseen
    return found


def _suite(subject: Subject, _: Loaded) -> Iterator[str]:
    # A suite may know a reporter by its name alone.
    names = "|".join(re.escape(name) for group, name, _ in subject.entries if group != COMMANDS)
    meant = re.compile(rf"{_imports(subject).pattern}|[\"']({names})[\"']", re.MULTILINE)
    texts = map(_text, _test_files(subject))
    if not any(re.search(r"\b(Reporter|Source|Stream)Conformance\b", text) and meant.search(text) for text in texts):
        yield "no class of its tests derives from ReporterConformance, SourceConformance or StreamConformance"


def _imports(subject: Subject) -> re.Pattern[str]:
    """A line that imports the plugin."""
    named = "|".join(re.escape(package.partition(".")[0]) for package in subject.packages)
    return re.compile(rf"^\s*(?:from|import) (?:{named})\b", re.MULTILINE)


def _test_files(subject: Subject) -> Iterator[Path]:
    """The tests of the project, and those of its repository."""
    for at in _around(subject):
        for pattern in ("test*/**/*.py", "src/**/test*.py", "test_*.py"):
            yield from sorted(at.glob(pattern))


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


#: All of them, tier by tier.
RULES = (
    Rule("name", "bronze", "others find it by its name", "call it jobreporter-NAME", _name),
    Rule("metadata", "bronze", "it says what it is", "set these keys in [project] of pyproject.toml", _metadata),
    Rule(
        "entry point",
        "bronze",
        "it announces a plugin",
        f'add a table [project.entry-points."{REPORTERS}"] with NAME = "module:attribute"',
        _entry,
    ),
    Rule("loads", "bronze", "what it announces can be imported, and is accepted", "mend what is said", _loads),
    Rule(
        "core",
        "bronze",
        "it names the oldest core that it runs with, and refuses no newer one",
        f'write "jobreporter>={__version__}" in its dependencies, with no upper bound below the next major version',
        _core,
    ),
    Rule(
        "wheel",
        "bronze",
        "its wheel has its package, its licence, and no more",
        "name the package to the backend",
        _wheel,
    ),
    Rule("types", "silver", "its types are there for its users", "add an empty py.typed and the classifier", _types),
    Rule("described", "silver", "it says what it does", "write a docstring for what the entry point names", _described),
    Rule("options", "silver", "each option says what it means", "annotate it with Meta(description=...)", _options),
    Rule("readme", "silver", "the readme tells of each reporter and each option", "write them in the readme", _readme),
    Rule("pythons", "silver", "it says which versions of Python it is tried with", "add the classifiers", _pythons),
    Rule("tests", "gold", "there are tests of it", "write tests with jobreporter.testing, in a folder tests/", _tests),
    Rule(
        "suite",
        "gold",
        "it passes the suite that every plugin of its kind has to pass",
        "derive a class from that of jobreporter.testing",
        _suite,
    ),
    Rule(
        "changelog",
        "gold",
        "its changes are told",
        "write CHANGELOG.md, and what is new under 'Unreleased'",
        _changelog,
    ),
    Rule(
        "automated",
        "gold",
        "something runs its tests at each change",
        "add a workflow, as jobreporter new has it",
        _automated,
    ),
)
