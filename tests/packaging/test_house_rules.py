"""House rules that no linter knows."""

from __future__ import annotations

import ast
import re
import tokenize
from collections.abc import Container, Iterable, Iterator
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("core", "plugins", "tests", "benchmarks", "examples")
SOURCES = [ROOT / "noxfile.py", *(path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py")))]


def comments() -> Iterator[tuple[str, str]]:
    """Every comment of the repository, and where it is."""
    for path in SOURCES:
        with path.open("rb") as file:
            for token in tokenize.tokenize(file.readline):
                if token.type == tokenize.COMMENT:
                    yield f"{path.relative_to(ROOT)}:{token.start[0]}", token.string


def test_every_exception_to_a_lint_rule_has_its_reason() -> None:
    """A rule of the linter that is switched off for a line is named there, and why."""
    reason = re.compile(r"# noqa: [A-Z]+\d+(, ?[A-Z]+\d+)* - \w")
    found = [(place, comment) for place, comment in comments() if "# noqa" in comment]
    assert [(place, comment) for place, comment in found if not reason.search(comment)] == []


def test_every_exception_to_a_type_has_its_reason() -> None:
    """An error of the type checker that is ignored, in what users get or read, is named there, and why."""
    reason = re.compile(r"# type: ignore\[[a-z-]+(, ?[a-z-]+)*\]  # \w")
    found = [(place, comment) for place, comment in comments() if "# type: ignore" in comment]
    assert [each for each in found if not (each[0].startswith("tests/") or reason.search(each[1]))] == []


def test_nothing_is_excluded_from_coverage() -> None:
    """No comment tells coverage to look away."""
    assert [place for place, comment in comments() if "pragma:" in comment] == []


def test_every_rule_switched_off_has_its_reason() -> None:
    """In pyproject.toml, each rule that is ignored has a comment beside it."""
    lines = (ROOT / "pyproject.toml").read_text().splitlines()
    rules = [line for line in lines if re.match(r'  "[A-Z]+\d*",', line)]
    assert rules
    assert [line for line in rules if not re.search(r"# \w", line)] == []


def test_every_test_states_a_fact() -> None:
    """A test's docstring is a sentence."""
    found = [(path, node) for path in SOURCES if path.name.startswith("test_") for node in facts(path)]
    assert found
    assert [(str(path), node.name) for path, node in found if not re.match(r"\S", ast.get_docstring(node) or "")] == []


def facts(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """The test functions of the file."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield node


def test_no_file_of_tests_is_long() -> None:
    """Whoever looks for what holds a behaviour reads no more than 600 lines."""
    tests = [path for path in SOURCES if path.is_relative_to(ROOT / "tests")]
    assert [path.name for path in tests if len(path.read_text().splitlines()) > 600] == []


def test_plugins_reach_for_nothing_that_is_private() -> None:
    """A plugin imports the public `jobreporter`, its testing kit, what a stream is, what should run when, and no other module of core."""
    found = {(str(path.relative_to(ROOT)), name) for path in SOURCES for name in imports(path) if is_plugin(path)}
    assert {
        (path, name) for path, name in found if re.match(r"jobreporter\.(?!(testing|streams|schedules)\b)", name)
    } == set()


def test_plugins_know_no_other_plugin_but_the_store_of_the_history() -> None:
    """`notify` builds on what `history` publishes: its store, and its options. There is no other edge between plugins."""
    packages = {path.parent.name: path.parent for path in ROOT.glob("plugins/*/src/*/__init__.py")}
    edges = set()
    for path in SOURCES:
        if not is_plugin(path):
            continue
        for name in imports(path):
            target = packages.get(name.partition(".")[0])
            if target is not None and not path.is_relative_to(target):
                edges.add((path.relative_to(ROOT).parts[1], name))
    assert edges <= {("notify", name) for name in ("jobreporter_history", "jobreporter_history.store")}
    assert edges


def test_no_module_needs_itself_to_be_loaded() -> None:
    """Within a room and within a plugin too, imports point one way."""
    files = {module_in(path): path for path in SOURCES if is_installed(path)}
    needs = {name: set(loads([ast.parse(path.read_bytes())], files)) - {name} for name, path in files.items()}
    assert sum(map(len, needs.values())) > len(needs)
    TopologicalSorter(needs).prepare()  # a CycleError names those of a circle


def module_in(path: Path) -> str:
    """The name under which the file is imported."""
    parts = path.with_suffix("").parts
    return ".".join(part for part in parts[parts.index("src") + 1 :] if part != "__init__")


def loads(statements: Iterable[ast.AST], modules: Container[str]) -> Iterator[str]:
    """Those of the modules that these statements import when they run.

    Not what a function imports when it is called, nor what only a type checker does.
    """
    for node in statements:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                names = (f"{node.module}.{alias.name}", str(node.module))
                yield from [name for name in names if name in modules][:1]
        elif not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
            yield from loads(filter(executed, ast.iter_child_nodes(node)), modules)


def executed(node: ast.AST) -> bool:
    """Whether it runs with what is around it, or instead: not what is called later."""
    return not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.expr)


def is_installed(path: Path) -> bool:
    """Whether the file is code of one of the distributions, and none that `jobreporter new` copies."""
    return "src" in path.relative_to(ROOT).parts and "_templates" not in path.parts


def test_all_loggers_are_one_tree() -> None:
    """Whoever sets the level of `jobreporter` sets that of everything that this project installs."""
    installed = [path for path in SOURCES if "src" in path.relative_to(ROOT).parts]
    found = {(str(path.relative_to(ROOT)), name) for path in installed for name in loggers(path)}
    assert found
    assert {(path, name) for path, name in found if name.partition(".")[0] != "jobreporter"} == set()


def loggers(path: Path) -> Iterator[str]:
    """The names of the loggers that the file asks for; ``__name__`` is that of its package."""
    package = path.relative_to(ROOT).parts[path.relative_to(ROOT).parts.index("src") + 1]
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("getLogger") and node.args:
            (argument,) = node.args
            if isinstance(argument, ast.Constant):
                yield str(argument.value)
            elif ast.unparse(argument) == "__name__":
                yield package


def is_plugin(path: Path) -> bool:
    """Whether the file belongs to one of the distributions in plugins/."""
    return path.is_relative_to(ROOT / "plugins")


def imports(path: Path) -> Iterator[str]:
    """The modules that the file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.ImportFrom):
            yield node.module or ""
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
