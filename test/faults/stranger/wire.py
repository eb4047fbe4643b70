"""Data frames, seals and the texts that are signed."""

from __future__ import annotations

import hashlib
import struct
import zlib
from dataclasses import dataclass

HEADER = struct.Struct(">BBHIQIII")
MAGIC = 0x42
VERSION = 1
CODEC_MASK = 0x000F
MORE = 0x0020
CONTINUED = 0x0040
CODECS = {"none": 0, "deflate": 2}

BATCH_BYTES = 262_144
BATCH_RECORDS = 500
WHOLE_RECORD_BYTES = 1_047_552
RECORD_BYTES = 16_777_216
CONTROL_BYTES = 65_536


class BadFrame(Exception):
    """Bytes that are no sound data frame, as of a torn tail."""


@dataclass(frozen=True)
class Frame:
    """One batch, decoded."""

    stream: int
    seq: int
    records: int
    flags: int
    crc: int
    raw: bytes


def encode(stream: int, seq: int, records: int, raw: bytes, codec: str, flags: int = 0) -> bytes:
    """The frame of a batch; `flags` are those of records in parts."""
    payload = raw if codec == "none" else zlib.compress(raw, 6)
    head = HEADER.pack(MAGIC, VERSION, flags | CODECS[codec], stream, seq, records, len(raw), 0)[:24]
    return head + struct.pack(">I", zlib.crc32(head + payload)) + payload


def decode(frame: bytes) -> Frame:
    """Checks the CRC before anything is decompressed. Raises BadFrame."""
    if len(frame) <= HEADER.size:
        raise BadFrame("too short")
    magic, version, flags, stream, seq, records, raw_bytes, crc = HEADER.unpack_from(frame)
    payload = frame[HEADER.size :]
    if (magic, version) != (MAGIC, VERSION) or zlib.crc32(frame[:24] + payload) != crc:
        raise BadFrame("magic, version or CRC is wrong")
    raw = payload
    if flags & CODEC_MASK == CODECS["deflate"]:
        raw = zlib.decompressobj().decompress(payload, raw_bytes)
    if len(raw) != raw_bytes:
        raise BadFrame("another size than rawBytes")
    return Frame(stream, seq, records, flags, crc, raw)


def seal_hash(crcs: list[int]) -> str:
    """`job.finish.sha256`: over the CRC fields of all frames in order of their seq."""
    return hashlib.sha256(b"".join(struct.pack(">I", crc) for crc in crcs)).hexdigest()


def challenge(host: str, nonce: str, agent_id: str, boot_id: str) -> bytes:
    """What an agent signs to open a session."""
    return f"culvert.v1|{host}|{nonce}|{agent_id}|{boot_id}".encode()
