"""Where the config is found, and which files are refused."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from jobreporter._config.load import load
from jobreporter._config.records import Config
from jobreporter.errors import ConfigError

OWN = '[context]\nservice = "own"\n'
TOOL = '[tool.jobreporter.context]\nservice = "tool"\n'


def write(path: Path, text: str = OWN) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o644)
    return path


def fault_of(path: str | Path | None = None, *, cwd: Path, **environ: str) -> str:
    """The one fault that loading ends in."""
    with pytest.raises(ConfigError) as caught:
        load(path, environ=environ, cwd=cwd)
    (fault,) = caught.value.faults
    return str(fault)


def belongs_to_somebody_else(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() == 0:
        os.chown(path, 54321, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 54321)


def test_the_working_directory_comes_first(tmp_path: Path) -> None:
    """A file in the working directory is the nearest one."""
    write(tmp_path / ".git" / "HEAD")
    write(tmp_path / "jobreporter.toml", '[context]\nservice = "root"\n')
    path = write(tmp_path / "app" / "jobreporter.toml")
    config = load(environ={}, cwd=tmp_path / "app")
    assert (config.path, config.service) == (path, "own")


@pytest.mark.parametrize("mark", [".git/HEAD", "pyproject.toml"])
def test_the_search_goes_upwards_as_far_as_the_root(tmp_path: Path, mark: str) -> None:
    """The first folder with a .git or a pyproject.toml is the last that is looked into."""
    above = write(tmp_path / "jobreporter.toml")
    write(tmp_path / ".git" / "HEAD")
    here = tmp_path / "repo" / "src" / "app"
    here.mkdir(parents=True)
    assert load(environ={}, cwd=here).path == above
    write(tmp_path / "repo" / mark, "")
    assert load(environ={}, cwd=here).path is None
    inside = write(tmp_path / "repo" / "jobreporter.toml")
    assert load(environ={}, cwd=here).path == inside


def test_a_git_worktree_is_a_root_too(tmp_path: Path) -> None:
    """There, .git is a file."""
    write(tmp_path / ".git", "gitdir: elsewhere")
    path = write(tmp_path / "jobreporter.toml")
    (tmp_path / "deep").mkdir()
    assert load(environ={}, cwd=tmp_path / "deep").path == path


def test_without_a_root_the_working_directory_alone_counts(tmp_path: Path) -> None:
    """A file further up belongs to something else."""
    write(tmp_path / "jobreporter.toml")
    (tmp_path / "app").mkdir()
    assert load(environ={}, cwd=tmp_path / "app").path is None
    assert load(environ={}, cwd=tmp_path).path == tmp_path / "jobreporter.toml"


def test_pyproject_counts_where_it_has_our_table(tmp_path: Path) -> None:
    """[tool.jobreporter] is read like a file of our own, and its faults say where they are."""
    path = write(tmp_path / "pyproject.toml", TOOL)
    config = load(environ={}, cwd=tmp_path)
    assert (config.path, config.service) == (path, "tool")
    write(path, "[tool.jobreporter.contxt]\n[tool.jobreporter.context]\nservce = 1")
    with pytest.raises(ConfigError) as caught:
        load(environ={}, cwd=tmp_path)
    assert list(map(str, caught.value.faults)) == [
        "pyproject.toml, [tool.jobreporter]: unknown table 'contxt'. Did you mean 'context'?",
        "pyproject.toml, [tool.jobreporter.context]: unknown key 'servce'. Did you mean 'service'?",
    ]


@pytest.mark.parametrize("text", ["", "tool = 3", "[tool]\nother = 1", "[project]\nname = 'x'"])
def test_a_pyproject_without_our_table_is_passed_over(tmp_path: Path, text: str) -> None:
    """Even if everybody may write to it: it isn't our config."""
    write(tmp_path / "pyproject.toml", text).chmod(0o666)
    assert load(environ={}, cwd=tmp_path).path is None


def test_our_table_must_be_a_table(tmp_path: Path) -> None:
    """A value in its place is told."""
    write(tmp_path / "pyproject.toml", "[tool]\njobreporter = 3")
    assert fault_of(cwd=tmp_path) == "pyproject.toml: expected [tool.jobreporter] to be a table"


def test_our_own_file_wins_over_pyproject(tmp_path: Path) -> None:
    """Of both in one folder, jobreporter.toml is read."""
    write(tmp_path / "pyproject.toml", TOOL)
    write(tmp_path / "jobreporter.toml")
    assert load(environ={}, cwd=tmp_path).service == "own"


def test_no_file_means_no_reporters_and_one_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The worker runs on; its log says why nothing is reported."""
    config = load(environ={}, cwd=tmp_path)
    assert config == Config()
    assert config.reporters == ()
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("jobreporter", logging.WARNING)
    assert record.getMessage() == (
        f"no jobreporter.toml from {tmp_path} upwards: there are no reporters, and nothing is reported"
    )


def test_the_variable_names_the_file(tmp_path: Path) -> None:
    """JOBREPORTER_CONFIG comes before any search, and a relative path starts at the working directory."""
    write(tmp_path / "jobreporter.toml", "")
    path = write(tmp_path / "etc" / "reporting.toml")
    assert load(environ={"JOBREPORTER_CONFIG": str(path)}, cwd=tmp_path).path == path
    assert load(environ={"JOBREPORTER_CONFIG": "etc/reporting.toml"}, cwd=tmp_path).service == "own"
    assert load(environ={"JOBREPORTER_CONFIG": ""}, cwd=tmp_path).service is None


def test_the_process_itself_is_asked_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Environment and working directory are those of the process."""
    write(tmp_path / "jobreporter.toml")
    monkeypatch.chdir(tmp_path)
    assert load().service == "own"
    monkeypatch.setenv("JOBREPORTER_CONFIG", str(write(tmp_path / "other.toml", "")))
    assert load().service is None


def test_a_path_comes_before_the_variable(tmp_path: Path) -> None:
    """What the program says counts most."""
    write(tmp_path / "jobreporter.toml", "")
    path = write(tmp_path / "other.toml")
    assert load(path, environ={"JOBREPORTER_CONFIG": "jobreporter.toml"}, cwd=tmp_path).service == "own"


def test_a_named_file_must_be_there(tmp_path: Path) -> None:
    """The error names the variable, or the path that was given."""
    missing = tmp_path / "missing.toml"
    assert fault_of(cwd=tmp_path, JOBREPORTER_CONFIG="missing.toml") == (
        f"JOBREPORTER_CONFIG: the file {str(missing)!r} does not exist"
    )
    assert fault_of("missing.toml", cwd=tmp_path) == f"missing.toml: the file {str(missing)!r} does not exist"
    below = write(tmp_path / "file.toml") / "below.toml"
    assert fault_of(below, cwd=tmp_path) == f"{below}: the file {str(below)!r} does not exist"


def test_a_named_pyproject_must_have_our_table(tmp_path: Path) -> None:
    """Whoever names it expects something in it."""
    path = write(tmp_path / "pyproject.toml", "")
    assert fault_of(cwd=tmp_path, JOBREPORTER_CONFIG=str(path)) == (
        f"JOBREPORTER_CONFIG: the file {str(path)!r} has no [tool.jobreporter]"
    )


def test_a_file_that_everybody_may_write_is_refused(tmp_path: Path) -> None:
    """It decides what is imported, so nobody else may write to it."""
    path = write(tmp_path / "jobreporter.toml")
    path.chmod(0o646)
    assert fault_of(cwd=tmp_path) == (
        "jobreporter.toml: may be written by everybody, who could then decide what runs here: run chmod o-w on it"
    )
    path.chmod(0o644)
    write(tmp_path / "pyproject.toml", TOOL).chmod(0o666)
    path.unlink()
    assert fault_of(cwd=tmp_path).startswith("pyproject.toml: may be written by everybody")


def test_a_file_of_somebody_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only root and the user who runs this count, also where root runs it."""
    path = write(tmp_path / "jobreporter.toml")
    belongs_to_somebody_else(path, monkeypatch)
    fault = fault_of(cwd=tmp_path)
    assert fault.startswith("jobreporter.toml: belongs to user ")
    assert "54321" in fault
    assert fault.endswith(", who runs this, or to root")


def test_a_file_of_root_is_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Images are built by root and run by somebody."""
    write(tmp_path / "jobreporter.toml")
    if os.geteuid() == 0:
        monkeypatch.setattr(os, "geteuid", lambda: 54321)
    assert load(environ={}, cwd=tmp_path).service == "own"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"[context]\nservice = \n", "is not valid TOML: Invalid value (at line 2, column 11)"),
        (
            b"[context]\nservice = 1\nservice = 2\n",
            "is not valid TOML: Cannot overwrite a value (at line 3, column 12)",
        ),
        (b"service = '\xff'", "is not UTF-8"),
        (b"a = " + b"[" * 100_000, "is nested too deeply"),
        (b"a = " + b"9" * 5_000, "is not valid TOML: Exceeds the limit"),
        (b"#" * 5_000_000, "is larger than 4096 KiB"),
    ],
)
def test_what_is_no_toml_is_told_with_its_line(tmp_path: Path, content: bytes, problem: str) -> None:
    """The error names the file, and the line where the parser knows it."""
    write(tmp_path / "jobreporter.toml").write_bytes(content)
    assert fault_of(cwd=tmp_path).startswith(f"jobreporter.toml: {problem}")


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    """Some editors write one."""
    write(tmp_path / "jobreporter.toml").write_bytes(b"\xef\xbb\xbf" + OWN.encode())
    assert load(environ={}, cwd=tmp_path).service == "own"


def test_the_parsers_error_is_not_carried_along(tmp_path: Path) -> None:
    """It may hold the whole text of the file, secrets and all."""
    write(tmp_path / "jobreporter.toml", "[reporters.x]\ntoken = 'canary'\nx =")
    with pytest.raises(ConfigError) as caught:
        load(environ={}, cwd=tmp_path)
    assert caught.value.__context__ is None
    assert "canary" not in repr(caught.value)


def test_only_a_regular_file_is_read(tmp_path: Path) -> None:
    """A folder can't be, and a named pipe would wait for its writer for ever."""
    (tmp_path / "jobreporter.toml").mkdir()
    assert fault_of(cwd=tmp_path) == "jobreporter.toml: can't be read: Is a directory"
    (tmp_path / "jobreporter.toml").rmdir()
    os.mkfifo(tmp_path / "jobreporter.toml")
    assert fault_of(cwd=tmp_path) == "jobreporter.toml: is not a regular file"
    assert fault_of("a\0b", cwd=tmp_path) == r"a\x00b: is not a possible path"


def test_a_file_elsewhere_is_named_in_full(tmp_path: Path) -> None:
    """Below the working directory the short name says enough; elsewhere it doesn't."""
    write(tmp_path / ".git" / "HEAD")
    path = write(tmp_path / "jobreporter.toml", "x = 1")
    (tmp_path / "app").mkdir()
    assert fault_of(cwd=tmp_path / "app") == f"{path}: unknown table 'x'"


def test_a_working_directory_that_is_gone_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A deploy that deletes the old release leaves its workers there."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(ConfigError, match="the working directory: does not exist any more"):
        load(environ={})


def test_relative_references_start_at_the_file(tmp_path: Path) -> None:
    """{ file = } is looked for beside the config, wherever the worker was started."""
    write(tmp_path / "etc" / "release", "v1.2\n")
    path = write(tmp_path / "etc" / "jobreporter.toml", '[context]\nrelease = { file = "release" }')
    config = load(path, environ={}, cwd="/")
    assert config.release == "v1.2"
