"""One attempt at a job: its spool, its lease and the crawl that fills it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import site_model as site
import wire
from spool import Spool

Key = tuple[str, int]
RECORDS_A_BATCH = 5
PART_BYTES = 200_000
UNSENT_BYTES = 64 * 1024 * 1024


class Attempt:
    """What the agent holds of an attempt across sessions, and what binds it to one."""

    def __init__(self, spool: Spool, connection: str, changed: Callable[[], None]) -> None:
        record = spool.record
        self.spool = spool
        self.connection = connection
        self.key: Key = (record["jobId"], record["attempt"])
        self.stream: int = record["stream"]
        self.lease_until = 0.0
        self.acked = 0
        self.published: set[str] = set()
        self.cancelled = False
        self.task: asyncio.Task[None] | None = None
        # Of the session:
        self.bound = False
        self.sent = 0
        self.credit = 0
        self.finish_sent = False
        self._changed = changed
        self._wake = asyncio.Event()
        self.released = asyncio.Event()

    @property
    def lease(self) -> dict[str, Any]:
        """The three fields that every message of an attempt carries."""
        return {name: self.spool.record[name] for name in ("jobId", "attempt", "leaseToken")}

    def renew(self, since: float, ttl_ms: int) -> None:
        """The lease holds for `ttl_ms` from the moment `since` of the monotonic clock."""
        self.lease_until = since + ttl_ms / 1000
        self._wake.set()

    def unbind(self) -> None:
        """The session is over: credit and binding with it."""
        self.bound = False
        self.finish_sent = False
        self.credit = 0

    def ack(self, upto: int) -> None:
        """Every batch up to this one is committed."""
        self.acked = max(self.acked, upto)
        self._wake.set()

    def start(self, hold_at: int | None) -> None:
        """Starts the crawl, unless it runs or the attempt is sealed."""
        if self.task is None and self.spool.seal is None:
            self.task = asyncio.create_task(self._crawl(hold_at))

    def cancel(self) -> None:
        """Stops the crawl and seals as cancelled; what is sealed already stays."""
        self.cancelled = True
        self.stop()
        self.spool.seal_as("cancelled")
        self._changed()

    def stop(self) -> None:
        """Ends the crawl where it is."""
        if self.task is not None:
            self.task.cancel()
        self.task = None

    def delete(self) -> None:
        """The attempt is over."""
        self.stop()
        self.spool.delete()

    def progress(self) -> dict[str, Any]:
        """The fields of `job.progress`."""
        total = len(site.scopes(self.connection))
        done = len(self.spool.complete | self.published)
        return {"scopesDone": done, "scopesTotal": total, "records": self.spool.records, "current": []}

    async def _crawl(self, hold_at: int | None) -> None:
        done = set(self.spool.complete) | self.published
        for scope in site.scopes(self.connection):
            if scope not in done:
                await self._scope(scope, hold_at)
        self.spool.seal_as("ok")
        self.task = None
        self._changed()

    async def _scope(self, scope: str, hold_at: int | None) -> None:
        batch: list[site.Line] = []
        for one in site.scope_lines(self.connection, scope, self.spool.record["parts"]):
            if len(one.data) > wire.WHOLE_RECORD_BYTES:
                await self._cut(batch, hold_at)
                await self._parts(one.data, hold_at)
                continue
            size = sum(len(line.data) for line in batch)
            if len(batch) == RECORDS_A_BATCH or size + len(one.data) > wire.BATCH_BYTES:
                await self._cut(batch, hold_at)
            batch.append(one)
        await self._cut(batch, hold_at)

    async def _cut(self, batch: list[site.Line], hold_at: int | None) -> None:
        if not batch:
            return
        ends = [line.ends for line in batch if line.ends is not None]
        await self._append(b"".join(line.data for line in batch), len(batch), 0, ends, hold_at)
        batch.clear()

    async def _parts(self, data: bytes, hold_at: int | None) -> None:
        pieces = [data[at : at + PART_BYTES] for at in range(0, len(data), PART_BYTES)]
        for number, piece in enumerate(pieces):
            last = number == len(pieces) - 1
            flags = (0 if last else wire.MORE) | (0 if number == 0 else wire.CONTINUED)
            await self._append(piece, 1 if last else 0, flags, [], hold_at)

    async def _append(self, raw: bytes, records: int, flags: int, ends: list[str], hold_at: int | None) -> None:
        """Makes a batch durable, when the lease holds and the spool has room; then it may be sent."""
        while time.monotonic() >= self.lease_until or self._unacked() > UNSENT_BYTES:
            self._wake.clear()
            await self._wake.wait()
        seq = self.spool.append(raw, records, flags, ends)
        self._changed()
        if hold_at is not None and seq >= hold_at and not self.released.is_set():
            print(f'{{"event":"held","seq":{seq}}}', flush=True)
            await self.released.wait()
        await asyncio.sleep(0)

    def _unacked(self) -> int:
        return sum(self.spool.frame_bytes(seq) for seq in range(self.acked + 1, self.spool.last_seq + 1))
