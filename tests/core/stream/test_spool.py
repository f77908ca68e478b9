"""The spool: a producer's own files, and how they are read."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobreporter._stream.beat import decode_beat, encode_beat
from jobreporter._stream.encode import encode
from jobreporter._stream.frame import Unreadable
from jobreporter._stream.spool_folder import Segment, segment_named
from jobreporter._stream.spool_reader import Record, SegmentReader, segments
from jobreporter._stream.spool_writer import LENGTH, SEGMENT, SpoolWriter
from jobreporter.streams import StreamDown, StreamFull, StreamRefused
from jobreporter.streams._files import kind_of_file_system

from .examples import HEADER, beginnings, execution

PRODUCER = HEADER.producer
BATCHES = [encode(HEADER._replace(first=1 + 3 * number), execution(number)).data for number in range(5)]
#: As a record, it takes 100,000 bytes.
LARGE = bytes(99_996)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.fixture
def writer(folder: Path) -> Iterator[SpoolWriter]:
    writer = SpoolWriter(str(folder), PRODUCER, max_bytes=256_000_000)
    yield writer
    writer.close()


def reader(folder: Path, number: int = 1) -> SegmentReader:
    return SegmentReader(str(folder), Segment(PRODUCER, number))


def read(segment: SegmentReader, *, held: bool, **more: int) -> list[Record]:
    """Its next records, taken."""
    records = segment.read(held=held, **more)
    for each in records:
        segment.advance(each)
    return records


def ended(folder: Path, content: bytes) -> list[Record]:
    """The records of a segment with this content, whose producer is dead."""
    folder.mkdir()
    (folder / Segment(PRODUCER, 1).name).write_bytes(content)
    return read(reader(folder), held=False)


def record(batch: bytes) -> bytes:
    return LENGTH.pack(len(batch)) + batch


def test_what_was_appended_is_read_in_order(folder: Path, writer: SpoolWriter) -> None:
    """Each record once, as soon as it is there."""
    for batch in BATCHES[:3]:
        writer.append(batch)
    segment = reader(folder)
    assert [each.data for each in read(segment, held=True)] == BATCHES[:3]
    assert read(segment, held=True) == []
    writer.append(BATCHES[3])
    assert [each.data for each in read(segment, held=True)] == [BATCHES[3]]


def test_files_belong_to_the_folders_group_and_to_nobody_else(folder: Path, writer: SpoolWriter) -> None:
    """Whatever the umask is, so that an agent of another user can be let in through a group, and only so."""
    before = os.umask(0o077)
    try:
        writer.append(BATCHES[0])
    finally:
        os.umask(before)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o2770
    assert stat.S_IMODE((folder / Segment(PRODUCER, 1).name).stat().st_mode) == 0o660


def test_files_are_named_after_their_producer(folder: Path, writer: SpoolWriter) -> None:
    """Other files in the folder are passed over, such as a segment that is only being made."""
    writer.append(BATCHES[0])
    other = SpoolWriter(str(folder), b"another!", max_bytes=1_000_000)
    other.append(BATCHES[0])
    for name in (f"{PRODUCER.hex()}.2.new", "damaged", "ingest.lock", "0.1"):
        (folder / name).touch()
    assert segments(str(folder)) == {PRODUCER: [Segment(PRODUCER, 1)], b"another!": [Segment(b"another!", 1)]}
    other.close()
    assert segments(str(folder / "missing")) == {}
    assert segment_named("0102030405060708.12") == Segment(PRODUCER, 12)


def test_the_lock_says_whether_a_producer_lives(folder: Path) -> None:
    """In another process: a process never sees its own locks."""
    folder.mkdir()
    child = subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "appended\n"
    segment = reader(folder)
    assert segment.is_held()
    child.kill()
    child.communicate()
    assert not segment.is_held()


HOLDS = """
import sys
from jobreporter._stream.spool_writer import SpoolWriter
writer = SpoolWriter(sys.argv[1], bytes.fromhex("0102030405060708"), max_bytes=1_000_000)
writer.append(b"\\x01" * 20)
print("appended", flush=True)
sys.stdin.read()
"""


def test_a_segment_of_a_mebibyte_gets_a_successor(folder: Path, writer: SpoolWriter) -> None:
    """Numbers are compared as numbers: the tenth comes after the ninth."""
    for _ in range(12 * (1 + SEGMENT // 100_000)):
        writer.append(LARGE)
    assert segments(str(folder))[PRODUCER] == [Segment(PRODUCER, number) for number in range(1, 13)]
    assert all(path.stat().st_size < SEGMENT + 100_000 for path in folder.iterdir())


def test_the_spool_has_a_bound(folder: Path) -> None:
    """Beyond it nothing is written; when an agent has taken a segment, there is room again."""
    writer = SpoolWriter(str(folder), PRODUCER, max_bytes=3_000_000)
    for _ in range(30):
        writer.append(LARGE)
    with pytest.raises(StreamFull, match=r"^3000000 bytes of this process wait in the spool '.*' for an agent$"):
        writer.append(LARGE)
    reader(folder).remove()
    for _ in range(11):
        writer.append(LARGE)
    with pytest.raises(StreamFull):
        writer.append(LARGE)
    writer.close()


def test_a_file_that_somebody_removed_gets_a_successor(folder: Path, writer: SpoolWriter) -> None:
    """What is appended to a file without a name reaches nobody."""
    writer.append(BATCHES[0])
    (folder / Segment(PRODUCER, 1).name).unlink()
    writer.append(BATCHES[1])
    assert segments(str(folder))[PRODUCER] == [Segment(PRODUCER, 2)]
    assert [each.data for each in read(reader(folder, 2), held=True)] == [BATCHES[1]]


@pytest.mark.parametrize("how", ["removed", "moved", "moved with what is around it", "replaced"])
def test_a_folder_that_somebody_took_away_is_made_again(tmp_path: Path, how: str) -> None:
    """What is appended goes where whoever looks finds it; or it is refused, and stays with whoever appends."""
    around = tmp_path / "around"
    around.mkdir()
    folder = around / "spool"
    writer = SpoolWriter(str(folder), PRODUCER, max_bytes=256_000_000)
    writer.append(BATCHES[0])
    if how == "removed":
        shutil.rmtree(folder)
    elif how == "moved with what is around it":
        around.rename(tmp_path / "elsewhere")
        with pytest.raises(StreamRefused, match="No such file or directory"):
            writer.append(BATCHES[1])
        around.mkdir()
    else:
        folder.rename(tmp_path / "elsewhere")
    if how == "replaced":
        folder.mkdir()
    writer.append(BATCHES[1])
    (segment,) = segments(str(folder))[PRODUCER]
    assert [each.data for each in read(reader(folder, segment.number), held=True)] == [BATCHES[1]]
    writer.close()


def test_where_the_folder_cannot_be_made_the_stream_is_refused(tmp_path: Path) -> None:
    """In a sentence with the path and the system's reason."""
    for missing, problem in [
        (tmp_path / "no" / "spool", "No such file or directory"),
        (tmp_path / "file" / "spool", "Not a directory"),
        (tmp_path / "file", "is no folder"),
    ]:
        (tmp_path / "file").touch()
        with pytest.raises(StreamRefused, match=f"'{missing}'.*{problem}"):
            SpoolWriter(str(missing), PRODUCER, max_bytes=1_000_000).append(BATCHES[0])


def test_a_folder_that_everybody_can_write_to_is_refused(folder: Path, writer: SpoolWriter) -> None:
    """Anybody could put events there."""
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(StreamRefused, match=r"can be written to by everybody, who could forge events: chmod o-w$"):
        writer.append(BATCHES[0])


MOUNTS = r"""
22 27 0:21 / / rw,relatime - ext4 /dev/vda rw
23 22 0:22 / /srv rw shared:1 - nfs4 server:/ rw
24 23 0:23 / /srv/local\040disk rw - xfs /dev/b rw
25 22 0:24 / /home rw - fuse.sshfs host:/ rw
26 22 0:25 / /home rw - tmpfs none rw
""".strip().splitlines()


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "ext4"),
        ("/var/lib/shop", "ext4"),
        ("/srvother", "ext4"),
        ("/srv", "nfs4"),
        ("/srv/x", "nfs4"),
        ("/srv/local disk/x", "xfs"),
        ("/home/ann", "tmpfs"),
    ],
)
def test_the_kind_of_file_system_is_that_of_the_nearest_mount(path: str, kind: str) -> None:
    """The last one, where several are mounted at one place."""
    assert kind_of_file_system(path, MOUNTS) == kind


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "fuse", "fuse.sshfs"])
def test_a_file_system_of_another_machine_is_refused(
    kind: str, writer: SpoolWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its locks are not to be relied on."""
    monkeypatch.setattr("jobreporter.streams._files.kind_of_file_system", lambda _path: kind)
    with pytest.raises(StreamRefused, match=f"is on a file system of kind {kind}, whose locks can't be relied on"):
        writer.append(BATCHES[0])


@pytest.mark.parametrize("cut", range(1, len(record(BATCHES[2]))))
def test_a_torn_tail_waits_while_the_producer_lives(folder: Path, cut: int) -> None:
    """Of a dead one it is dropped, and its bytes are told."""
    folder.mkdir()
    path = folder / Segment(PRODUCER, 1).name
    path.write_bytes(record(BATCHES[0]) + record(BATCHES[1]) + record(BATCHES[2])[:cut])
    segment = reader(folder)
    assert [each.data for each in read(segment, held=True)] == BATCHES[:2]
    assert read(segment, held=True) == []
    with path.open("ab") as file:
        file.write(record(BATCHES[2])[cut:])
    assert [each.data for each in read(segment, held=True)] == [BATCHES[2]]
    path.write_bytes(record(BATCHES[0]) + record(BATCHES[2])[:cut])
    dead = reader(folder)
    assert [each.data for each in read(dead, held=False)] == [BATCHES[0]]
    assert dead.torn == cut


def test_any_flipped_byte_costs_one_record(folder: Path) -> None:
    """Also in its length: the records around it are read, and what lies between is kept as damaged."""
    content = b"".join(map(record, BATCHES))
    begin, end = len(b"".join(map(record, BATCHES[:2]))), len(b"".join(map(record, BATCHES[:3])))
    folder.mkdir()
    path = folder / Segment(PRODUCER, 1).name
    for held in (True, False):
        for position in range(begin, end):
            damaged = bytearray(content)
            damaged[position] ^= 0x81
            path.write_bytes(damaged)
            segment = reader(folder)
            records = read(segment, held=held)
            assert [each.data for each in records if not each.damaged] == [*BATCHES[:2], *BATCHES[3:]], position
            assert [(each.offset, each.data) for each in records if each.damaged] == [(begin, damaged[begin:end])]
            assert segment.torn == 0
            segment.close()


def test_a_flipped_byte_in_the_last_record_waits_for_what_follows(folder: Path) -> None:
    """Only then it is certain that nothing of it is still to come."""
    folder.mkdir()
    path = folder / Segment(PRODUCER, 1).name
    damaged = bytearray(record(BATCHES[1]))
    damaged[20] ^= 1
    path.write_bytes(record(BATCHES[0]) + damaged)
    segment = reader(folder)
    assert [each.damaged for each in read(segment, held=True)] == [False]
    assert read(segment, held=True) == []
    with path.open("ab") as file:
        file.write(record(BATCHES[2]))
    assert [(each.damaged, each.data) for each in read(segment, held=True)] == [(True, damaged), (False, BATCHES[2])]
    last = reader(folder)
    path.write_bytes(record(BATCHES[0]) + damaged)
    assert [each.damaged for each in read(last, held=False)] == [False, True]


def test_a_record_in_a_jobs_arguments_is_not_taken_for_one(folder: Path) -> None:
    """Of a damaged record, no part is read: who can publish a job can't forge an event of another producer."""
    forged = record(encode(HEADER._replace(producer=b"somebody"), beginnings(1)).data)
    damaged = bytearray(record(b"\x01\x00" + bytes(20) + forged + bytes(20)))
    records = ended(folder, record(BATCHES[0]) + damaged + record(BATCHES[1]))
    assert [each.data for each in records] == [BATCHES[0], damaged, BATCHES[1]]


def test_signs_of_life_stand_between_the_batches(folder: Path, writer: SpoolWriter) -> None:
    """Each says whose it is, and a damaged batch ends where one begins."""
    beat = encode_beat(PRODUCER, b"I live")
    assert decode_beat(beat).data == b"I live"
    with pytest.raises(Unreadable):
        decode_beat(BATCHES[0])
    damaged = bytearray(record(BATCHES[0]))
    damaged[2] ^= 1
    assert [each.damaged for each in ended(folder, damaged + record(beat))] == [True, False]


def test_a_long_spool_is_read_in_pieces(folder: Path, writer: SpoolWriter) -> None:
    """A piece that ends within a record leaves it for the next one."""
    for batch in BATCHES:
        writer.append(batch)
    segment = reader(folder)
    most = len(record(BATCHES[0])) * 2 + 10
    assert [[each.data for each in read(segment, held=False, most=most)] for _ in range(4)] == [
        BATCHES[:2],
        BATCHES[2:4],
        BATCHES[4:],
        [],
    ]


def test_what_is_synchronised_is_on_the_disk(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The data with each append, and the file's name when it gets it."""
    synced: list[str] = []
    monkeypatch.setattr(os, "fdatasync", lambda _descriptor: synced.append("data"))
    monkeypatch.setattr(os, "fsync", lambda _descriptor: synced.append("name"))
    writer = SpoolWriter(str(folder), PRODUCER, max_bytes=1_000_000, sync=True)
    writer.append(BATCHES[0])
    writer.append(BATCHES[1])
    assert synced == ["name", "data", "data"]
    writer.close()


def test_a_record_that_could_not_be_synchronised_is_not_taken_back(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An agent may have read it, at this offset. What is appended next goes to a new segment."""

    def fails(_descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    writer = SpoolWriter(str(folder), PRODUCER, max_bytes=1_000_000, sync=True)
    monkeypatch.setattr(os, "fdatasync", fails)
    with pytest.raises(StreamDown, match="Input/output error"):
        writer.append(BATCHES[0])
    monkeypatch.undo()
    writer.append(BATCHES[0])
    assert [read(reader(folder, number), held=True)[0].data for number in (1, 2)] == [BATCHES[0]] * 2
    writer.close()
