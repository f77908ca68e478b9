"""Where the config is found, and which files are refused."""

from __future__ import annotations

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
        load(path, environ=environ, cwd=cwd).checked()
    (fault,) = caught.value.faults
    return str(fault)


def belongs_to_somebody_else(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() == 0:
        os.chown(path, 54321, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 54321)


def belongs_to_somebody_else_itself(link: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The link, and not what it leads to."""
    real = os.lstat

    def lstat(path: Path | str) -> os.stat_result:
        status = real(path)
        return os.stat_result((*status[:4], 54321, *status[5:])) if Path(path) == link else status

    if os.geteuid() == 0:
        os.lchown(link, 54321, -1)
    else:
        monkeypatch.setattr(os, "lstat", lstat)


def test_the_working_directory_comes_first(tmp_path: Path) -> None:
    """A file in the working directory is the nearest one."""
    write(tmp_path / ".git" / "HEAD")
    write(tmp_path / "jobreporter.toml", '[context]\nservice = "root"\n')
    path = write(tmp_path / "app" / "jobreporter.toml")
    config = load(environ={}, cwd=tmp_path / "app").checked()
    assert (config.path, config.context.service) == (path, "own")


@pytest.mark.parametrize("mark", [".git/HEAD", "pyproject.toml"])
def test_the_search_goes_upwards_as_far_as_the_root(tmp_path: Path, mark: str) -> None:
    """The first folder with a .git or a pyproject.toml is the last that is looked into."""
    above = write(tmp_path / "jobreporter.toml")
    write(tmp_path / ".git" / "HEAD")
    here = tmp_path / "repo" / "src" / "app"
    here.mkdir(parents=True)
    assert load(environ={}, cwd=here).checked().path == above
    write(tmp_path / "repo" / mark, "")
    assert load(environ={}, cwd=here).checked().path is None
    inside = write(tmp_path / "repo" / "jobreporter.toml")
    assert load(environ={}, cwd=here).checked().path == inside


def test_a_git_worktree_is_a_root_too(tmp_path: Path) -> None:
    """There, .git is a file."""
    write(tmp_path / ".git", "gitdir: elsewhere")
    path = write(tmp_path / "jobreporter.toml")
    (tmp_path / "deep").mkdir()
    assert load(environ={}, cwd=tmp_path / "deep").checked().path == path


def test_without_a_root_the_working_directory_alone_counts(tmp_path: Path) -> None:
    """A file further up belongs to something else."""
    write(tmp_path / "jobreporter.toml")
    (tmp_path / "app").mkdir()
    assert load(environ={}, cwd=tmp_path / "app").checked().path is None
    assert load(environ={}, cwd=tmp_path).checked().path == tmp_path / "jobreporter.toml"


def test_pyproject_counts_where_it_has_our_table(tmp_path: Path) -> None:
    """[tool.jobreporter] is read like a file of our own, and its faults say where they are."""
    path = write(tmp_path / "pyproject.toml", TOOL)
    config = load(environ={}, cwd=tmp_path).checked()
    assert (config.path, config.context.service) == (path, "tool")
    write(path, "[tool.jobreporter.contxt]\n[tool.jobreporter.context]\nservce = 1")
    with pytest.raises(ConfigError) as caught:
        load(environ={}, cwd=tmp_path).checked()
    assert list(map(str, caught.value.faults)) == [
        f"{path}:1, [tool.jobreporter]: unknown table 'contxt'. Did you mean 'context'?",
        f"{path}:3, [tool.jobreporter.context]: unknown key 'servce'. Did you mean 'service'?",
    ]


@pytest.mark.parametrize("text", ["", "tool = 3", "[tool]\nother = 1", "[project]\nname = 'x'"])
def test_a_pyproject_without_our_table_is_passed_over(tmp_path: Path, text: str) -> None:
    """Even if everybody may write to it: it isn't our config."""
    write(tmp_path / "pyproject.toml", text).chmod(0o666)
    assert load(environ={}, cwd=tmp_path).checked().path is None


def test_our_table_must_be_a_table(tmp_path: Path) -> None:
    """A value in its place is told."""
    path = write(tmp_path / "pyproject.toml", "[tool]\njobreporter = 3")
    assert fault_of(cwd=tmp_path) == f"{path}:2, [tool.jobreporter]: expected [tool.jobreporter] to be a table"


def test_our_own_file_wins_over_pyproject(tmp_path: Path) -> None:
    """Of both in one folder, jobreporter.toml is read."""
    write(tmp_path / "pyproject.toml", TOOL)
    write(tmp_path / "jobreporter.toml")
    assert load(environ={}, cwd=tmp_path).checked().context.service == "own"


NOTHING = (
    "there is no jobreporter.toml, and no pyproject.toml with a [tool.jobreporter]: there are no reporters, "
    "and nothing is reported"
)


def test_no_file_means_no_reporters_and_one_warning(tmp_path: Path) -> None:
    """The worker runs on; its log says why nothing is reported, and where a config was looked for."""
    parsed = load(environ={}, cwd=tmp_path)
    assert parsed.config == Config()
    assert (parsed.faults, parsed.notes) == ((), ())
    assert list(map(str, parsed.warnings)) == [f"{tmp_path}: {NOTHING}"]

    write(tmp_path / ".git" / "HEAD")
    (tmp_path / "app").mkdir()
    (warning,) = load(environ={}, cwd=tmp_path / "app").warnings
    assert str(warning) == f"{tmp_path / 'app'} and upwards as far as {tmp_path}: {NOTHING}"


@pytest.mark.parametrize("name", ["a\nERROR jobreporter: all is lost", "a\x1b[31m", "a\u202eb"])
def test_a_folders_name_forges_no_line(tmp_path: Path, name: str) -> None:
    """Whatever the working directory is called, a message is one line and steers no terminal."""
    folder = tmp_path / name
    folder.mkdir()
    (warning,) = load(environ={}, cwd=folder).warnings
    write(folder / "jobreporter.toml", "x = 1").chmod(0o666)
    for text in (str(warning), fault_of(cwd=folder), fault_of("gone.toml", cwd=folder)):
        assert text.isprintable()


def test_the_variable_names_the_file(tmp_path: Path) -> None:
    """JOBREPORTER_CONFIG comes before any search, and a relative path starts at the working directory."""
    write(tmp_path / "jobreporter.toml", "")
    path = write(tmp_path / "etc" / "reporting.toml")
    assert load(environ={"JOBREPORTER_CONFIG": str(path)}, cwd=tmp_path).checked().path == path
    assert load(environ={"JOBREPORTER_CONFIG": "etc/reporting.toml"}, cwd=tmp_path).checked().context.service == "own"
    assert load(environ={"JOBREPORTER_CONFIG": ""}, cwd=tmp_path).checked().context.service is None


def test_the_process_itself_is_asked_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Environment and working directory are those of the process."""
    write(tmp_path / "jobreporter.toml")
    monkeypatch.chdir(tmp_path)
    assert load().checked().context.service == "own"
    monkeypatch.setenv("JOBREPORTER_CONFIG", str(write(tmp_path / "other.toml", "")))
    assert load().checked().context.service is None


def test_a_path_comes_before_the_variable(tmp_path: Path) -> None:
    """What the program says counts most."""
    write(tmp_path / "jobreporter.toml", "")
    path = write(tmp_path / "other.toml")
    assert (
        load(path, environ={"JOBREPORTER_CONFIG": "jobreporter.toml"}, cwd=tmp_path).checked().context.service == "own"
    )


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
        f"{path}: may be written by everybody, who could then decide what runs here: run chmod o-w on it"
    )
    path.chmod(0o644)
    write(tmp_path / "pyproject.toml", TOOL).chmod(0o666)
    path.unlink()
    assert fault_of(cwd=tmp_path).startswith(f"{tmp_path / 'pyproject.toml'}: may be written by everybody")


def test_a_file_of_somebody_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only root and the user who runs this count, also where root runs it."""
    path = write(tmp_path / "jobreporter.toml")
    belongs_to_somebody_else(path, monkeypatch)
    fault = fault_of(cwd=tmp_path)
    assert fault.startswith(f"{path}: belongs to user ")
    assert "54321" in fault
    assert ", who runs this, or to root. Change its owner, or set " in fault
    assert fault.endswith(f"JOBREPORTER_TRUST={path} if you trust what is written there")


@pytest.mark.parametrize("entry", ["{file}", "{folder}", "/nowhere:{folder}:", " {file} "])
def test_a_foreign_owner_can_be_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry: str) -> None:
    """JOBREPORTER_TRUST names the file or a folder above it: bind mounts and random user ids have other owners."""
    path = write(tmp_path / "etc" / "jobreporter.toml")
    belongs_to_somebody_else(path, monkeypatch)
    trust = entry.format(file=path, folder=tmp_path)
    assert load(path, environ={"JOBREPORTER_TRUST": trust}).checked().context.service == "own"


@pytest.mark.parametrize("entry", ["", "{folder}/other", "{file}.d", "etc", ".", "jobreporter.toml"])
def test_only_what_is_named_is_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry: str) -> None:
    """Neither a neighbour nor a path that depends on where this runs."""
    path = write(tmp_path / "etc" / "jobreporter.toml")
    belongs_to_somebody_else(path, monkeypatch)
    trust = entry.format(file=path, folder=tmp_path)
    fault = fault_of(path, cwd=tmp_path, JOBREPORTER_TRUST=trust)
    assert "belongs to user" in fault
    relative = f"(its entry {trust!r} doesn't count, since it is no absolute path)"
    assert (relative in fault) == (not trust.startswith("/") and trust != "")


def test_a_file_that_everybody_may_write_is_never_allowed(tmp_path: Path) -> None:
    """Trust in its owner is none in everybody else."""
    path = write(tmp_path / "jobreporter.toml")
    path.chmod(0o646)
    assert "may be written by everybody" in fault_of(cwd=tmp_path, JOBREPORTER_TRUST=str(tmp_path))


def test_a_link_of_somebody_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever owns the link chose the file, though that is this user's own."""
    target = write(tmp_path / "elsewhere" / "mine.toml")
    link = tmp_path / "jobreporter.toml"
    link.symlink_to(target)
    assert load(environ={}, cwd=tmp_path).checked().context.service == "own"
    belongs_to_somebody_else_itself(link, monkeypatch)
    fault = fault_of(cwd=tmp_path)
    assert f"{link}: is reached through the link {str(link)!r}, which belongs to user 54321" in fault
    # Trust in the file is none in the link.
    assert "is reached through" in fault_of(cwd=tmp_path, JOBREPORTER_TRUST=str(target.parent))
    assert load(environ={"JOBREPORTER_TRUST": str(link)}, cwd=tmp_path).checked().context.service == "own"


def test_a_link_to_a_link_of_somebody_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every link on the way counts."""
    target = write(tmp_path / "elsewhere" / "mine.toml")
    middle = tmp_path / "middle.toml"
    middle.symlink_to(target)
    (tmp_path / "jobreporter.toml").symlink_to("middle.toml")
    belongs_to_somebody_else_itself(middle, monkeypatch)
    assert f"through the link {str(middle)!r}" in fault_of(cwd=tmp_path)


@pytest.mark.parametrize(
    "content",
    ["[project\nname = 1", "[project]\ndependencies = ['jobreporter>=0.1'\n", "\xff", "a = " + "[" * 100_000],
)
@pytest.mark.parametrize("foreign", [False, True])
def test_a_pyproject_of_another_project_stops_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, foreign: bool
) -> None:
    """Broken, unreadable or anybody's: it says nothing of jobreporter, and the search goes on behind it."""
    path = write(tmp_path / "pyproject.toml", "")
    path.write_bytes(content.encode("latin-1"))
    if foreign:
        belongs_to_somebody_else(path, monkeypatch)
    parsed = load(environ={}, cwd=tmp_path)
    assert parsed.config.path is None
    passed_over = [str(warning) for warning in parsed.warnings[:-1]]
    assert len(passed_over) == ("jobreporter" in content)
    assert all(text.startswith(str(path)) and text.endswith("so it is passed over") for text in passed_over)


def test_a_pyproject_that_is_no_file_stops_nobody(tmp_path: Path) -> None:
    """A folder of that name can't be read, and is told."""
    (tmp_path / "pyproject.toml").mkdir()
    passed_over, _ = load(environ={}, cwd=tmp_path).warnings
    assert str(passed_over).endswith("pyproject.toml: can't be read: Is a directory, so it is passed over")


def test_a_broken_pyproject_with_our_table_is_told(tmp_path: Path) -> None:
    """It was meant to be the config."""
    path = write(tmp_path / "pyproject.toml", TOOL + "x = ")
    assert fault_of(cwd=tmp_path).startswith(f"{path}:3: is not valid TOML")


def test_the_variables_newline_does_not_count(tmp_path: Path) -> None:
    """It comes with what was written by a command or mounted from a file."""
    path = write(tmp_path / "other.toml")
    assert load(environ={"JOBREPORTER_CONFIG": f"{path}\n"}, cwd=tmp_path).checked().path == path


def test_a_file_of_root_is_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Images are built by root and run by somebody."""
    write(tmp_path / "jobreporter.toml")
    if os.geteuid() == 0:
        monkeypatch.setattr(os, "geteuid", lambda: 54321)
    assert load(environ={}, cwd=tmp_path).checked().context.service == "own"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"[context]\nservice = \n", ":2: is not valid TOML: Invalid value (at line 2, column 11)"),
        (
            b"[context]\nservice = 1\nservice = 2\n",
            ":3: is not valid TOML: Cannot overwrite a value (at line 3, column 12)",
        ),
        (b"service = '\xff'", ": is not UTF-8"),
        (b"a = " + b"[" * 100_000, ": is nested too deeply"),
        (b"a = " + b"9" * 5_000, ": is not valid TOML: Exceeds the limit"),
        (b"#" * 5_000_000, ": is larger than 4096 KiB"),
    ],
)
def test_what_is_no_toml_is_told_with_its_line(tmp_path: Path, content: bytes, problem: str) -> None:
    """The error names the file, and the line where the parser knows it."""
    path = write(tmp_path / "jobreporter.toml")
    path.write_bytes(content)
    assert fault_of(cwd=tmp_path).startswith(f"{path}{problem}")


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    """Some editors write one."""
    write(tmp_path / "jobreporter.toml").write_bytes(b"\xef\xbb\xbf" + OWN.encode())
    assert load(environ={}, cwd=tmp_path).checked().context.service == "own"


def test_the_parsers_error_is_not_carried_along(tmp_path: Path) -> None:
    """It may hold the whole text of the file, secrets and all."""
    write(tmp_path / "jobreporter.toml", "[reporters.x]\ntoken = 'canary'\nx =")
    with pytest.raises(ConfigError) as caught:
        load(environ={}, cwd=tmp_path)
    assert caught.value.__context__ is None
    assert "canary" not in repr(caught.value)


def test_only_a_regular_file_is_read(tmp_path: Path) -> None:
    """A folder can't be, and a named pipe would wait for its writer for ever."""
    path = tmp_path / "jobreporter.toml"
    path.mkdir()
    assert fault_of(cwd=tmp_path) == f"{path}: can't be read: Is a directory"
    path.rmdir()
    os.mkfifo(path)
    assert fault_of(cwd=tmp_path) == f"{path}: is not a regular file"
    assert fault_of("a\0b", cwd=tmp_path) == rf"{tmp_path}/a\x00b: is not a possible path"


def test_a_file_is_named_in_full(tmp_path: Path) -> None:
    """With its line, so that an editor opens it there, wherever the message is read."""
    path = write(tmp_path / "jobreporter.toml", "\nx = 1")
    tables = "The tables are 'capture', 'context', 'dispatcher', 'reporters', 'schedules' and 'stream'"
    assert fault_of(cwd=tmp_path).startswith(f"{path}:2: unknown key 'x'. {tables}")


def test_a_working_directory_that_is_gone_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A deploy that deletes the old release leaves its workers there."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    for path, environ in ((None, {}), ("jobreporter.toml", {}), (None, {"JOBREPORTER_CONFIG": "jobreporter.toml"})):
        with pytest.raises(ConfigError, match="the working directory: does not exist any more"):
            load(path, environ=environ)


@pytest.mark.parametrize("named", ["by the caller", "by the environment"])
def test_a_config_that_is_named_in_full_needs_no_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    """So a process of a release that is gone goes on with the config of all."""
    path = write(tmp_path / "etc" / "jobreporter.toml", '[context]\nrelease = "v1.2"')
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    parsed = load(path, environ={}) if named == "by the caller" else load(environ={"JOBREPORTER_CONFIG": str(path)})

    assert parsed.checked().context.release == "v1.2"


def test_relative_references_start_at_the_file(tmp_path: Path) -> None:
    """{ file = } is looked for beside the config, wherever the worker was started."""
    write(tmp_path / "etc" / "release", "v1.2\n")
    path = write(tmp_path / "etc" / "jobreporter.toml", '[context]\nrelease = { file = "release" }')
    config = load(path, environ={}, cwd="/").checked()
    assert config.context.release == "v1.2"


@pytest.mark.parametrize("name", ["jobreporter.toml", "pyproject.toml"])
def test_a_link_to_nothing_is_no_missing_file(tmp_path: Path, name: str) -> None:
    """Somebody put it there, and what it led to is gone. A pyproject.toml may be anybody's, and is passed over."""
    (tmp_path / name).symlink_to("/nowhere/mounted.toml")
    told = "is a link to '/nowhere/mounted.toml', where there is nothing"
    if name == "jobreporter.toml":
        with pytest.raises(ConfigError, match=told):
            load(cwd=tmp_path, environ={})
    else:
        assert [told in each.problem for each in load(cwd=tmp_path, environ={}).warnings] == [True, False]
    with pytest.raises(ConfigError, match=told):
        load(name, cwd=tmp_path, environ={})
