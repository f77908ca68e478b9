"""What stands around an encoded batch: ``[u8 codec][u8 flags][u32 crc][body]``.

The crc is of all the rest as it stands there. Flags: 1, the body is compressed with zlib.
"""

from __future__ import annotations

import struct
import zlib

#: A batch of events.
EVENTS = 1
#: A sign of life, in a spool.
BEAT = 2

#: Bytes that the body of a batch may take before it is compressed.
LARGEST = 1024 * 1024

_HEADER = struct.Struct(">BBI")
_COMPRESSED = 1
# Bytes. Below, compression saves little and takes longer than the rest of the encoding.
_WORTH_COMPRESSING = 2048
# Bytes that a body may be unpacked to: more than any version has written, less than hurts.
_UNPACKED = 16 * LARGEST


class Unreadable(Exception):  # noqa: N818 - it says what the bytes are
    """These bytes are no batch that this version can read. The message says why, in half a sentence."""


def framed(codec: int, body: bytes) -> bytes:
    """The body in its frame, compressed where that is worth it."""
    flags = 0
    if len(body) >= _WORTH_COMPRESSING:
        body, flags = zlib.compress(body, 1), _COMPRESSED
    return _HEADER.pack(codec, flags, _checksum(codec, flags, body)) + body


def is_whole(data: bytes) -> bool:
    """Whether these bytes are in a frame and arrived unharmed, whatever they hold."""
    if len(data) < _HEADER.size:
        return False
    codec, flags, crc = _HEADER.unpack_from(data)
    return bool(crc == _checksum(codec, flags, data[_HEADER.size :]))


def _checksum(codec: int, flags: int, body: bytes) -> int:
    return zlib.crc32(body, zlib.crc32(bytes((codec, flags))))


def codec_of(data: bytes) -> int:
    """What the frame says that it holds. Raises Unreadable if the bytes are damaged."""
    if not is_whole(data):
        raise Unreadable("its checksum is wrong")
    return data[0]


def unframed(codec: int, data: bytes) -> bytes:
    """The body. Raises Unreadable if the bytes are damaged or hold something else."""
    if (found := codec_of(data)) != codec:
        raise Unreadable(f"it is of codec {found}, and this version reads codec {codec}")
    flags, body = data[1], data[_HEADER.size :]
    if flags & ~_COMPRESSED:
        raise Unreadable(f"it has flags {flags}, and this version knows none but {_COMPRESSED}")
    return _inflated(body) if flags & _COMPRESSED else body


def _inflated(body: bytes) -> bytes:
    inflating = zlib.decompressobj()
    try:
        inflated = inflating.decompress(body, _UNPACKED)
    except zlib.error:
        raise Unreadable("it can't be decompressed") from None
    if not inflating.eof:
        raise Unreadable("decompressed, it is cut off or too large")
    return inflated
