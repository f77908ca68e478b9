"""What is installed, as metadata tells it."""

from __future__ import annotations

import gc
import importlib
import logging
import sys
import zipfile
from pathlib import Path

import importlib_metadata
import pytest

from jobreporter import __version__
from jobreporter._plugins import installed
from jobreporter._plugins.installed import BUILT_IN, REPORTERS, Installed, scan

from .distributions import install


def found(name: str) -> tuple[Installed, ...]:
    return scan().get(name, ())


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


@pytest.mark.filterwarnings(
    "ignore::ResourceWarning"
)  # importlib.metadata leaves archives open, until they are collected
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
    importlib.invalidate_caches()
    gc.collect()  # here, where nobody minds


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
        " can't be read, so what it provides is not seen: U",
        " can't be read, so what it provides is not seen: T",
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


@pytest.mark.parametrize(
    "metadata",
    [
        "metadata-version: 2.1\nNAME: acme-pager\nversion:1.2\n\nName: not this\n",
        "Metadata-Version: 2.1\r\nName: acme-pager\r\nVersion: 1.2\r\n\r\nbody\r\n",
        "\ufeffName:\tacme-pager\nVersion:  1.2  \n",
        "Version: 1.2\nSummary: folded\n  Name: not this\nName: acme-pager\n",
        "\nName: acme-pager\nVersion: 1.2\nName: not this\n",
    ],
)
def test_unusual_metadata_is_read_too(site: Path, metadata: str) -> None:
    """Headers in any case, without a blank, folded, and with any ends of lines."""
    info = install(site, "acme-pager", "1.2", pager="acme_pager:pager")
    (info / "METADATA").write_bytes(metadata.encode())
    assert found("pager") == (Installed("pager", "acme_pager:pager", "acme-pager", "1.2"),)


def test_the_built_in_reporters_are_there_without_metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that was frozen into one file has none."""
    monkeypatch.setattr(importlib_metadata, "distributions", list)
    expected = {
        name: (Installed(name, value, "jobreporter", __version__),) for name, value in BUILT_IN[REPORTERS].items()
    }
    assert scan() == expected
    assert set(expected) == {"log", "record"}


def test_the_built_in_reporters_are_those_of_the_metadata() -> None:
    """With metadata, the same are found in it."""
    own = {
        name: each.value for name, several in scan().items() for each in several if each.distribution == "jobreporter"
    }
    assert own == BUILT_IN[REPORTERS]


def test_commands_are_found_in_a_group_of_their_own(site: Path) -> None:
    """The same scan finds what is installed for any group."""
    info = install(site, "acme-pager", "1.2", pager="acme_pager:pager")
    (info / "entry_points.txt").write_text(f"[{installed.COMMANDS}]\npage = acme_pager:page\n")
    assert scan(installed.COMMANDS)["page"] == (Installed("page", "acme_pager:page", "acme-pager", "1.2"),)
    assert found("page") == ()
