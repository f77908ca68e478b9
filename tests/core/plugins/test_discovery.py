"""Which plugin a reporter's name stands for, and importing it: with real metadata on disk."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from jobreporter._config.parse import parse
from jobreporter._config.places import Place
from jobreporter._config.records import ReporterConfig
from jobreporter._plugins.discovery import OFFICIAL, Target, check_reporters, load_target
from jobreporter._plugins.installed import scan
from jobreporter.errors import BrokenReporter, ConfigError

from .distributions import install


def reporter(name: str, use: str = "", folder: Path | None = None) -> ReporterConfig:
    place = Place("jobreporter.toml", table=("reporters", name))
    return ReporterConfig(name=name, use=use or name, place=place, folder=folder)


def problems_of(**uses: str) -> list[str]:
    """What is wrong with enabled reporters of these names."""
    tables = {"reporters": {name: {"use": use} for name, use in uses.items()}}
    config = parse(tables, Place("jobreporter.toml"), environ={}).checked()
    # Plugins of this repository may be installed to be tested too.
    installed = {name: providers for name, providers in scan().items() if name not in OFFICIAL}
    faults = check_reporters(config, installed)
    for name, fault in faults.items():
        (culprit,) = (reporter for reporter in config.reporters if reporter.name == name)
        with pytest.raises(ConfigError) as caught:
            load_target(culprit, installed)
        assert caught.value.faults == (fault,)
    return [fault.problem for fault in faults.values()]


def why_broken(name: str, use: str = "", folder: Path | None = None) -> str:
    """Why a reporter can't be imported."""
    with pytest.raises(BrokenReporter) as caught:
        load_target(reporter(name, use, folder), scan())
    where, _, reason = str(caught.value).partition(": ")
    assert where == f"jobreporter.toml, [reporters.{name}]"
    return reason


# Names.


def test_a_reporter_that_is_not_installed_is_told_with_the_nearest(site: Path) -> None:
    """And where it comes from, if this project publishes it."""
    install(site, "acme-pager", "1.0", pager="acme_pager")
    assert problems_of(pagr="pagr", x="qqqqq", log="log", pager="pager") == [
        "no reporter 'pagr' is installed. Did you mean 'pager'?",
        (
            "no reporter 'qqqqq' is installed. The installed ones are 'log', 'pager' and 'record'. "
            "Code of your own is named by use = 'module:attribute'"
        ),
    ]
    assert problems_of(sentry="sentry", bugs="honeybadgr", app="myapp.reporters") == [
        "reporter 'sentry' is not installed: run pip install jobreporter-sentry",
        (
            "no reporter 'honeybadgr' is installed. Did you mean 'honeybadger'? It comes with pip install "
            "jobreporter-honeybadger"
        ),
        (
            "no reporter 'myapp.reporters' is installed. The installed ones are 'log', 'pager' and 'record'. "
            "Code of your own is named by use = 'module:attribute'"
        ),
    ]


def test_a_distribution_is_no_reporter(site: Path) -> None:
    """Whoever writes what pip is told to install is told how its reporter is called."""
    install(site, "acme-pager", "1.0", pager="acme_pager")
    assert problems_of(a="jobreporter-pager", b="jobreporter_pager", c="jobreporter-sentry") == [
        "no reporter 'jobreporter-pager' is installed. Did you mean 'pager'?",
        "no reporter 'jobreporter_pager' is installed. Did you mean 'pager'?",
        (
            "no reporter 'jobreporter-sentry' is installed. Did you mean 'sentry'? It comes with pip install "
            "jobreporter-sentry"
        ),
    ]


def test_a_disabled_reporter_need_not_be_installed() -> None:
    """Whoever disables one may uninstall it."""
    config = parse(
        {"reporters": {"nowhere": {"enabled": False}, "neither": {}}},
        Place("jobreporter.toml"),
        environ={"JOBREPORTER_DISABLE": "neither"},
    ).checked()
    assert check_reporters(config, {}) == {}


def test_one_name_from_two_distributions_is_a_fault_once_it_is_enabled(site: Path) -> None:
    """Which of them is meant, nobody can know."""
    install(site, "acme-pager", "1.0", pager="acme_pager")
    install(site, "other-pager", "2.0", pager="other_pager")
    (problem,) = problems_of(pager="pager")
    assert problem.startswith("reporter 'pager' is provided more than once, by ")
    assert "acme-pager 1.0" in problem
    assert "other-pager 2.0" in problem
    assert problem.endswith(": uninstall all but one")
    assert problems_of(log="log") == []


# Importing.


def test_only_what_is_loaded_is_imported(site: Path) -> None:
    """A module, an attribute, or an attribute of one; each with what it was installed from."""
    install(
        site,
        "acme-pager",
        "1.2",
        source="class Pager:\n    nested = 'nested'\n",
        pager="acme_pager:Pager",
        deep="acme_deep:Pager.nested",
        module="acme_module",
    )
    target = load_target(reporter("mine", use="pager"), scan())
    assert (target.object.__name__, target.distribution, target.version) == ("Pager", "acme-pager", "1.2")
    assert "acme_deep" not in sys.modules
    assert load_target(reporter("deep"), scan()).object == "nested"
    assert load_target(reporter("module"), scan()).object is sys.modules["acme_module"]


def test_app_local_code_needs_no_distribution(site: Path) -> None:
    """``use = "module:attribute"`` imports it as the app does."""
    (site / "myapp.py").write_text("slack = 'the plugin'\n")
    assert problems_of(slack="myapp:slack") == []
    assert load_target(reporter("slack", use="myapp:slack"), {}) == Target("the plugin", None, None)


def test_an_app_that_is_not_on_the_path_is_told_so(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker's own command may not have the working directory on its path; it isn't put there."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "myapp.py").write_text("slack = 1")
    without = [entry for entry in sys.path if entry not in ("", str(tmp_path))]
    monkeypatch.setattr(sys, "path", without)
    assert why_broken("slack", "myapp:slack") == (
        f"can't import 'myapp': there is no module 'myapp' on sys.path, and the working directory {os.getcwd()!r} "
        "is not on it: set PYTHONPATH, or install the package"
    )
    assert sys.path == without
    monkeypatch.setattr(sys, "path", ["", *without])
    assert why_broken("slack", "yourapp:slack") == "can't import 'yourapp': there is no module 'yourapp' on sys.path"
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert why_broken("slack", "yourapp:slack") == "can't import 'yourapp': there is no module 'yourapp' on sys.path"


def test_a_module_beside_the_config_is_found(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the worker was started. Its folder comes last on the path, so it hides no other module."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    folder = tmp_path / "shop"
    (folder / "deep").mkdir(parents=True)
    (folder / "beside_config.py").write_text("from beside_helper import slack\n")
    (folder / "beside_helper.py").write_text("slack = 'the plugin'\n")
    (folder / "deep" / "inner.py").write_text("slack = 'deeper'\n")
    (folder / "json.py").write_text("raise RuntimeError('the wrong json')\n")
    before = list(sys.path)
    assert load_target(reporter("a", "beside_config:slack", folder), {}).object == "the plugin"
    assert load_target(reporter("a", "deep.inner:slack", folder), {}).object == "deeper"
    assert load_target(reporter("a", "json:dumps", folder), {}).object is json.dumps
    assert sys.path == [*before, str(folder)]


def test_a_folder_that_has_no_such_module_stays_off_the_path(tmp_path: Path) -> None:
    """The reason says where it was looked for."""
    before = list(sys.path)
    assert why_broken("a", "nowhere_at_all:slack", tmp_path) == (
        "can't import 'nowhere_at_all': there is no module 'nowhere_at_all' on sys.path, nor in the config's folder "
        f"{str(tmp_path)!r}: set PYTHONPATH, or install the package"
    )
    (tmp_path / "half_there.py").write_text("import nowhere_at_all\n")
    reason = why_broken("a", "half_there:slack", tmp_path)
    assert reason == (
        "can't import 'half_there': ModuleNotFoundError: No module named 'nowhere_at_all' "
        f"({tmp_path / 'half_there.py'}:1)"
    )
    assert sys.path == before


@pytest.mark.parametrize(
    ("use", "told"),
    [
        (
            "shop/reporters.py:slack",
            "'shop/reporters.py' is a path, and a module is named as Python imports it, with dots",
        ),
        ("shop:", "'shop:' names nothing: expected 'module:attribute'"),
        (":slack", "':slack' names nothing: expected 'module:attribute'"),
    ],
)
def test_what_names_no_module_is_told(tmp_path: Path, use: str, told: str) -> None:
    """And how one is named."""
    assert why_broken("a", use, tmp_path) == told


def test_code_is_not_taken_from_a_folder_that_everybody_may_write_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A config in /tmp may be this user's own, and its neighbours anybody's."""
    (tmp_path / "planted.py").write_text("raise SystemExit('planted')\n")
    tmp_path.chmod(0o1777)
    assert "which isn't searched, since it may be written by everybody" in why_broken("a", "planted:slack", tmp_path)
    tmp_path.chmod(0o755)
    if os.geteuid() == 0:
        os.chown(tmp_path, 54321, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 54321)
    assert "which isn't searched, since it belongs to user" in why_broken("a", "planted:slack", tmp_path)
    monkeypatch.setenv("JOBREPORTER_TRUST", str(tmp_path))
    monkeypatch.setattr(sys, "path", [*sys.path])
    assert why_broken("a", "planted:slack", tmp_path).startswith("can't import 'planted': SystemExit: planted")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import nowhere_at_all", "ModuleNotFoundError: No module named 'nowhere_at_all'"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("raise GeneratorExit", "GeneratorExit"),
        ("raise RuntimeError('one\\ntwo')", r"RuntimeError: one\ntwo"),
        ("raise RuntimeError('x' * 10_000)", "RuntimeError: xxx"),
        ("class E(Exception):\n    def __str__(self): 1 / 0\nraise E", "E"),
        ("def", "SyntaxError: invalid syntax"),
    ],
)
def test_an_import_that_fails_breaks_that_reporter_alone(site: Path, source: str, reason: str) -> None:
    """Whatever the module raises; the reason is one line, and the error itself is kept as the cause."""
    install(site, "acme-pager", "1.2", source=source, pager="acme_pager:pager")
    said = why_broken("pager")
    assert said.startswith(f"can't import 'acme_pager' of acme-pager 1.2: {reason}")
    assert len(said) < 400 + len(str(site))
    with pytest.raises(BrokenReporter) as caught:
        load_target(reporter("pager"), scan())
    assert caught.value.__cause__ is not None


def test_a_submodule_that_is_missing_is_named(site: Path) -> None:
    """The package is there, so no word about the path."""
    (site / "myapp").mkdir()
    (site / "myapp" / "__init__.py").touch()
    assert why_broken("slack", "myapp.reporters:slack") == (
        f"can't import 'myapp.reporters': there is no module 'reporters' in 'myapp' ({site / 'myapp' / '__init__.py'})"
    )


def test_an_interrupt_during_an_import_propagates(site: Path) -> None:
    """Somebody pressed Ctrl-C."""
    install(site, "acme-pager", "1.2", source="raise KeyboardInterrupt", pager="acme_pager")
    (site / "myapp.py").write_text("def __getattr__(name): raise KeyboardInterrupt")
    for use in ("pager", "myapp:pager"):
        with pytest.raises(KeyboardInterrupt):
            load_target(reporter("pager", use), scan())


def test_an_attribute_that_is_missing_is_told_with_the_nearest(site: Path) -> None:
    """The module is there, but not what the entry point names."""
    install(site, "acme-pager", "1.2", source="pager = 1", it="acme_pager:pagr")
    assert why_broken("it") == "'acme_pager' of acme-pager 1.2 has no 'pagr'. Did you mean 'pager'?"
    assert why_broken("it", "acme_pager:qqqqq") == "'acme_pager' has no 'qqqqq'"
    (site / "myapp.py").write_text("from pathlib import Path\nclass Slack: ...\nclass Mail: ...\n")
    assert why_broken("it", "myapp:qqqqq") == "'myapp' has no 'qqqqq'. The names in it are 'Mail' and 'Slack'"


def test_an_attribute_may_raise_too(site: Path) -> None:
    """A module's own ``__getattr__`` runs when it is asked."""
    install(site, "acme-pager", "1.2", source="def __getattr__(name): raise OSError(name)", it="acme_pager:pager")
    assert why_broken("it") == "can't import 'acme_pager:pager' of acme-pager 1.2: OSError: pager"


def test_a_malformed_entry_point_is_told(site: Path) -> None:
    """Its own distribution is to blame."""
    install(site, "acme-pager", "1.2", it="acme pager:pager")
    assert why_broken("it") == "the entry point 'acme pager:pager' of acme-pager 1.2 is malformed"
