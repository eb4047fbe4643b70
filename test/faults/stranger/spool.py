"""The durable store of attempts: a folder each, with the attempt's record and its batches."""

from __future__ import annotations

import json
import os
import shutil
import struct
from pathlib import Path
from typing import Any

import wire

LENGTH = struct.Struct(">I")


def sync_folder(folder: Path) -> None:
    """Makes names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_durably(path: Path, text: str) -> None:
    """Replaces a file as a whole: after a crash it has the old text or the new one."""
    beside = path.with_suffix(".new")
    with open(beside, "w", encoding="utf-8", opener=lambda p, f: os.open(p, f, 0o600)) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)
    sync_folder(path.parent)


class Spool:
    """Record and batches of one attempt. What `append` returned for is on the disk."""

    def __init__(self, folder: Path, record: dict[str, Any]) -> None:
        self.folder = folder
        self.record = record
        self.crcs: list[int] = []
        self.records = 0
        self.complete: set[str] = set()
        self._offsets: list[tuple[int, int]] = []
        self._size = 0
        self._file = open(folder / "batches", "a+b")
        self._scan()

    @classmethod
    def create(cls, root: Path, record: dict[str, Any]) -> Spool:
        """Makes the attempt's folder; its record is durable when this returns."""
        folder = root / f"{record['jobId']}.{record['attempt']}"
        folder.mkdir(parents=True, exist_ok=True)
        write_durably(folder / "attempt.json", json.dumps(record))
        spool = cls(folder, record)
        sync_folder(folder)
        sync_folder(root)
        return spool

    @classmethod
    def load_all(cls, root: Path) -> list[Spool]:
        """Every attempt on the disk; one without a readable record is deleted."""
        root.mkdir(parents=True, exist_ok=True)
        found: list[Spool] = []
        for folder in sorted(root.iterdir()):
            try:
                record = json.loads((folder / "attempt.json").read_text(encoding="utf-8"))
                if not isinstance(record, dict):
                    raise ValueError("no object")
            except (OSError, ValueError):
                shutil.rmtree(folder)
                continue
            found.append(cls(folder, record))
        return found

    @property
    def last_seq(self) -> int:
        """The last durable batch, 0 for none."""
        return len(self._offsets)

    @property
    def seal(self) -> dict[str, Any] | None:
        """How the attempt ended, once that is durable."""
        seal: dict[str, Any] | None = self.record.get("seal")
        return seal

    def append(self, raw: bytes, records: int, flags: int, complete: list[str]) -> int:
        """Cuts a batch under the next number and makes it durable; returns the number."""
        seq = self.last_seq + 1
        frame = wire.encode(self.record["stream"], seq, records, raw, self.record["codec"], flags)
        self._file.write(LENGTH.pack(len(frame)) + frame)
        self._file.flush()
        os.fsync(self._file.fileno())
        self._take(frame, wire.decode(frame), complete)
        return seq

    def frame(self, seq: int) -> bytes:
        """The bytes of a batch, exactly as they were spooled."""
        offset, length = self._offsets[seq - 1]
        return os.pread(self._file.fileno(), length, offset)

    def frame_bytes(self, seq: int) -> int:
        """The size of a batch's frame."""
        return self._offsets[seq - 1][1]

    def seal_as(self, result: str, error: dict[str, Any] | None = None) -> None:
        """Makes durable how the attempt ended; what was sealed stays as it is."""
        if self.seal is not None:
            return
        seal: dict[str, Any] = {
            "lastSeq": self.last_seq,
            "records": self.records,
            "sha256": wire.seal_hash(self.crcs),
            "result": result,
        }
        if error is not None:
            seal["error"] = error
        self.record["seal"] = seal
        write_durably(self.folder / "attempt.json", json.dumps(self.record))

    def delete(self) -> None:
        """Forgets the attempt."""
        self._file.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def close(self) -> None:
        """Lets go of the file; the disk keeps everything."""
        self._file.close()

    def _take(self, frame: bytes, decoded: wire.Frame, complete: list[str]) -> None:
        self._offsets.append((self._size + LENGTH.size, len(frame)))
        self._size += LENGTH.size + len(frame)
        self.crcs.append(decoded.crc)
        self.records += decoded.records
        self.complete.update(complete)

    def _scan(self) -> None:
        """Reads what is there and cuts a torn tail."""
        self._file.seek(0)
        while len(prefix := self._file.read(LENGTH.size)) == LENGTH.size:
            frame = self._file.read(LENGTH.unpack(prefix)[0])
            try:
                decoded = wire.decode(frame)
            except wire.BadFrame:
                break
            if decoded.seq != self.last_seq + 1 or decoded.stream != self.record["stream"]:
                break
            self._take(frame, decoded, outcomes_in(decoded))
        self._file.truncate(self._size)
        os.fsync(self._file.fileno())


def outcomes_in(frame: wire.Frame) -> list[str]:
    """The scopes that end in a batch: parts hold none."""
    if frame.flags & (wire.MORE | wire.CONTINUED):
        return []
    lines = (json.loads(line) for line in frame.raw.splitlines())
    return [line["scope"] for line in lines if line["t"] == "outcome"]
