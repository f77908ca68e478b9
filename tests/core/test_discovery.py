"""Which reporters are installed, and importing the enabled ones: with real metadata on disk."""

from __future__ import annotations

import logging
import os
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import importlib_metadata
import pytest

from jobreporter._config.parse import parse
from jobreporter._config.records import ReporterConfig
from jobreporter._discovery import OFFICIAL, Installed, Target, check_reporters, load_target, scan
from jobreporter.errors import BrokenReporter, ConfigError

Import = Callable[[str], Target]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on ``sys.path`` to install into; what is imported from it is forgotten after the test."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    before = set(sys.modules)
    yield folder
    for name in set(sys.modules) - before:
        if str(tmp_path) in (getattr(sys.modules[name], "__file__", None) or ""):
            del sys.modules[name]


def install(
    site: Path, name: str, version: str, *, folder: str = "{}-{}.dist-info", source: str = "", **reporters: str
) -> Path:
    """A distribution as pip leaves it: its metadata, and modules with ``source``."""
    info = site / folder.format(name.replace("-", "_"), version)
    info.mkdir(parents=True)
    metadata = "PKG-INFO" if folder.endswith("egg-info") else "METADATA"
    (info / metadata).write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nName: not this\n")
    lines = "".join(f"{reporter} = {value}\n" for reporter, value in reporters.items())
    (info / "entry_points.txt").write_text(f"[console_scripts]\nx = y:z\n\n[jobreporter.reporters]\n{lines}")
    for value in reporters.values():
        (site / f"{value.partition(':')[0]}.py").write_text(source)
    return info


def found(name: str) -> tuple[Installed, ...]:
    return scan().get(name, ())


def reporter(name: str, use: str = "") -> ReporterConfig:
    return ReporterConfig(name=name, use=use or name, where=f"jobreporter.toml, [reporters.{name}]")


def problems_of(**uses: str) -> list[str]:
    """What is wrong with enabled reporters of these names."""
    config = parse(
        {"reporters": {name: {"use": use} for name, use in uses.items()}}, where="jobreporter.toml", environ={}
    )
    # Plugins of this repository may be installed to be tested too.
    installed = {name: providers for name, providers in scan().items() if name not in OFFICIAL}
    faults = check_reporters(config, installed)
    for fault in faults:
        (culprit,) = (reporter for reporter in config.reporters if reporter.where == fault.where)
        with pytest.raises(ConfigError) as caught:
            load_target(culprit, installed)
        assert caught.value.faults == (fault,)
    return [fault.problem for fault in faults]


def why_broken(name: str, use: str = "") -> str:
    """Why a reporter can't be imported."""
    with pytest.raises(BrokenReporter) as caught:
        load_target(reporter(name, use), scan())
    where, _, reason = str(caught.value).partition(": ")
    assert where == f"jobreporter.toml, [reporters.{name}]"
    return reason


def test_installed_reporters_are_known_without_importing_them(site: Path) -> None:
    """Name, distribution and version come from metadata alone."""
    install(
        site, "acme-pager", "1.2", source="raise SystemExit('imported')", pager="acme_pager:Pager", mail="acme_mail"
    )
    assert found("pager") == (Installed("pager", "acme_pager:Pager", "acme-pager", "1.2"),)
    assert found("mail") == (Installed("mail", "acme_mail", "acme-pager", "1.2"),)
    assert "acme_pager" not in sys.modules


def test_the_cores_own_reporters_are_found_in_the_same_way() -> None:
    """The core has entry points like any other distribution."""
    (log,) = found("log")
    assert (log.value, log.distribution) == ("jobreporter.reporters.log:LogReporter", "jobreporter")


def test_a_distribution_without_our_group_is_passed_over(site: Path) -> None:
    """Also where it has no entry points at all."""
    install(site, "acme-a", "1.0").joinpath("entry_points.txt").write_text("[pager]\npager = a\n")
    install(site, "acme-b", "1.0").joinpath("entry_points.txt").unlink()
    assert found("pager") == ()


def test_an_editable_install_counts_once(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its metadata may be in site-packages and, as an egg-info, beside its sources."""
    install(tmp_path / "src", "acme.pager", "1.3.dev0", folder="acme.pager.egg-info", pager="acme_pager:pager")
    install(site, "Acme-Pager", "1.2", pager="acme_pager:pager")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "src")])
    assert [(each.distribution, each.version) for each in found("pager")] == [("Acme-Pager", "1.2")]


@pytest.mark.parametrize("suffix", ["egg-info", "dist-info"])
def test_sources_on_the_path_are_found(site: Path, suffix: str) -> None:
    """`pip install -e` of old writes an egg-info beside them."""
    install(site, "acme-pager", "2.0", folder=f"acme_pager.{suffix}", pager="acme_pager:pager")
    assert found("pager") == (Installed("pager", "acme_pager:pager", "acme-pager", "2.0"),)


def test_a_shadowed_distribution_is_not_seen(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is first on ``sys.path`` is what Python imports, even if it has dropped the reporter."""
    behind = tmp_path / "behind"
    install(site, "acme-pager", "2.0", pager="acme_pager:new")
    install(behind, "acme_pager", "1.0", pager="acme_pager:old", gone="acme_pager:gone")
    monkeypatch.setattr(sys, "path", [*sys.path, str(behind)])
    assert [each.value for each in found("pager")] == ["acme_pager:new"]
    assert found("gone") == ()


def test_a_shadowing_distribution_may_have_no_reporters(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The older one behind it must not come back."""
    behind = tmp_path / "behind"
    install(site, "acme-pager", "2.0").joinpath("entry_points.txt").unlink()
    install(behind, "acme-pager", "1.0", pager="acme_pager:old")
    monkeypatch.setattr(sys, "path", [*sys.path, str(behind)])
    assert found("pager") == ()


def test_a_folder_left_over_from_an_upgrade_is_not_seen(site: Path) -> None:
    """Without metadata it is no distribution, wherever it comes in the listing."""
    for version in ("1.0", "3.0"):
        install(site, "acme-pager", version, pager="acme_pager:old").joinpath("METADATA").unlink()
    install(site, "acme-pager", "2.0", pager="acme_pager:new")
    assert [(each.value, each.version) for each in found("pager")] == [("acme_pager:new", "2.0")]


def test_a_zipped_distribution_is_seen(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wheel or an egg on the path is imported from as it is."""
    install(tmp_path / "wheel", "acme-pager", "1.0", pager="acme_pager:pager")
    archive = tmp_path / "acme_pager-1.0-py3-none-any.whl"
    with zipfile.ZipFile(archive, "w") as wheel:
        for path in (tmp_path / "wheel").rglob("*"):
            if path.is_file():
                wheel.write(path, path.relative_to(tmp_path / "wheel"))
    monkeypatch.syspath_prepend(archive)
    assert found("pager") == (Installed("pager", "acme_pager:pager", "acme-pager", "1.0"),)


def test_broken_metadata_of_a_stranger_hides_nothing(site: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is passed over with a warning that names it."""
    binary = install(site, "acme-a", "1.0", a="acme_a")
    (binary / "entry_points.txt").write_bytes(b"[jobreporter.reporters]\n\xff = x")
    garbled = install(site, "acme-b", "1.0", b="acme_b")
    (garbled / "entry_points.txt").write_text("[jobreporter.reporters]\nwhat is this\n")
    install(site, "acme-pager", "1.0", pager="acme_pager:pager")
    assert len(found("pager")) == 1
    assert {record.levelno for record in caplog.records} == {logging.WARNING}
    messages = sorted(record.getMessage() for record in caplog.records)
    assert [message.partition("dist-info")[2][:50] for message in messages] == [
        " can't be read, so its reporters are not seen: Uni",
        " can't be read, so its reporters are not seen: Typ",
    ]


def test_a_version_may_be_missing(site: Path) -> None:
    """The reporter is seen all the same."""
    install(site, "acme-pager", "1.0", pager="acme_pager").joinpath("METADATA").write_text("Name: acme-pager\n")
    assert [each.version for each in found("pager")] == ["of unknown version"]


def test_the_scan_agrees_with_importlib_metadata(site: Path) -> None:
    """It only takes a shorter way to the same entry points."""
    install(site, "acme-pager", "1.0", pager="acme_pager", mail="acme_mail")
    install(site, "acme.other", "1.0", other="acme_other")
    known = importlib_metadata.entry_points(group="jobreporter.reporters")
    assert {(each.name, each.value) for several in scan().values() for each in several} == {
        (entry.name, entry.value) for entry in known
    }


# Names.


def test_a_reporter_that_is_not_installed_is_told_with_the_nearest(site: Path) -> None:
    """And where it comes from, if this project publishes it."""
    install(site, "acme-pager", "1.0", pager="acme_pager")
    assert problems_of(pagr="pagr", x="qqqqq", log="log", pager="pager") == [
        "no reporter 'pagr' is installed. Did you mean 'pager'?",
        "no reporter 'qqqqq' is installed",
    ]
    assert problems_of(sentry="sentry", bugs="honeybadgr", app="myapp.reporters") == [
        "reporter 'sentry' is not installed: run pip install jobreporter-sentry",
        (
            "no reporter 'honeybadgr' is installed. Did you mean 'honeybadger'? It comes with pip install "
            "jobreporter-honeybadger"
        ),
        "no reporter 'myapp.reporters' is installed. App-local code is written 'module:attribute'",
    ]


def test_a_disabled_reporter_need_not_be_installed() -> None:
    """Whoever disables one may uninstall it."""
    config = parse(
        {"reporters": {"nowhere": {"enabled": False}, "neither": {}}},
        where="jobreporter.toml",
        environ={"JOBREPORTER_DISABLE": "neither"},
    )
    assert check_reporters(config, {}) == []


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
    assert len(said) < 400
    with pytest.raises(BrokenReporter) as caught:
        load_target(reporter("pager"), scan())
    assert caught.value.__cause__ is not None


def test_a_submodule_that_is_missing_is_named(site: Path) -> None:
    """The package is there, so no word about the path."""
    (site / "myapp").mkdir()
    (site / "myapp" / "__init__.py").touch()
    assert why_broken("slack", "myapp.reporters:slack") == (
        "can't import 'myapp.reporters': ModuleNotFoundError: No module named 'myapp.reporters'"
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


def test_an_attribute_may_raise_too(site: Path) -> None:
    """A module's own ``__getattr__`` runs when it is asked."""
    install(site, "acme-pager", "1.2", source="def __getattr__(name): raise OSError(name)", it="acme_pager:pager")
    assert why_broken("it") == "can't import 'acme_pager:pager' of acme-pager 1.2: OSError: pager"


def test_a_malformed_entry_point_is_told(site: Path) -> None:
    """Its own distribution is to blame."""
    install(site, "acme-pager", "1.2", it="acme pager:pager")
    assert why_broken("it") == "the entry point 'acme pager:pager' of acme-pager 1.2 is malformed"
