"""One session with a gateway: from `hello` to the end of the link."""

from __future__ import annotations

import asyncio
import base64
import json
import random
import time
from typing import TYPE_CHECKING, Any

import wire
from jobs import JobError, verified_spec
from links import Link, LinkClosed
from work import Attempt, Key

if TYPE_CHECKING:
    from agent import Agent

HELLO_S = 10.0
PROGRESS_S = 0.5
HELD_JOBS = 4


class Session:
    """Carries messages between the agent's attempts and a gateway; `run` raises LinkClosed when it is over."""

    def __init__(self, agent: Agent, link: Link) -> None:
        self.agent = agent
        self.link = link
        self.open = False
        self.retry_ms: int | None = None
        self._credit = 0
        self._parts = False
        self._codec = "none"
        self._heartbeat_s = 20.0
        self._liveness_s = 45.0
        self._heartbeat_sent: float | None = None
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Opens the session and serves it until the link ends."""
        try:
            nonce = await self._hello()
            await self._authenticate(nonce)
            tasks = [asyncio.create_task(part()) for part in (self._read, self._heartbeat, self._pump, self._progress)]
            try:
                await asyncio.gather(*tasks)
            finally:
                for task in tasks:
                    task.cancel()
        except LinkClosed as closed:
            if closed.code >= 4000:
                await self.link.close(closed.code, closed.reason)
            raise
        finally:
            self.open = False

    def changed(self) -> None:
        """There may be something to send."""
        self._wake.set()

    async def leave(self) -> None:
        """Ends the session of the agent's own accord."""
        await self.link.close(4001, "draining")

    async def tell(self, message: dict[str, Any]) -> None:
        """Sends a control message."""
        self.agent.trace("sent", message)
        await self.link.send(json.dumps(message))

    async def _hear(self, timeout: float, code: int) -> dict[str, Any]:
        """The next control message that counts for this agent. Raises LinkClosed, also for one that is malformed."""
        try:
            text = await asyncio.wait_for(self.link.receive(), timeout)
        except TimeoutError:
            raise LinkClosed(code, "nothing heard") from None
        if len(text.encode()) > wire.CONTROL_BYTES:
            raise LinkClosed(4500, "a control message beyond its bound")
        try:
            message = json.loads(text)
        except ValueError:
            raise LinkClosed(4500, "no JSON") from None
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            raise LinkClosed(4500, "no message")
        self.agent.trace("got", message)
        if message["type"] == "bye":
            self.retry_ms = message.get("retryAfterMs")
            raise LinkClosed(message["code"], message["message"], self.retry_ms)
        return message

    async def _hello(self) -> str:
        hello = await self._hear(HELLO_S, 4008)
        if hello["type"] != "hello" or "|" in hello["nonce"]:
            raise LinkClosed(4500, "hello was expected")
        if not hello["protocol"]["min"] <= 1 <= hello["protocol"]["max"]:
            raise LinkClosed(4506, "this agent speaks version 1")
        nonce: str = hello["nonce"]
        return nonce

    async def _authenticate(self, nonce: str) -> None:
        agent = self.agent
        text = wire.challenge(self.link.host, nonce, agent.identity["agentId"], agent.boot_id)
        held = [
            {**one.lease, "spooledSeq": one.spool.last_seq, "sealed": one.spool.seal is not None}
            for one in agent.attempts.values()
        ]
        await self.tell(
            {
                "type": "auth",
                "agentId": agent.identity["agentId"],
                "keyId": agent.identity["keyId"],
                "bootId": agent.boot_id,
                "version": agent.version,
                "capabilities": ["deflate", "resume", "scopes", "parts"],
                "signature": base64.b64encode(agent.private_key.sign(text)).decode(),
                "jobs": held,
                "status": agent.status(),
            }
        )
        welcome = await self._hear(HELLO_S, 4008)
        received = time.monotonic()
        if welcome["type"] != "welcome":
            raise LinkClosed(4500, "welcome was expected")
        self.open = True
        self._credit = welcome["connectionCredit"]
        self._parts = "parts" in welcome["capabilities"]
        self._codec = "deflate" if "deflate" in welcome["capabilities"] else "none"
        self._heartbeat_s = welcome["heartbeatMs"] / 1000
        self._liveness_s = welcome["livenessMs"] / 1000
        named = {(one["jobId"], one["attempt"]): one for one in welcome["jobs"]}
        for key, attempt in list(agent.attempts.items()):
            await self._verdict(attempt, named.get(key), received)
        agent.say("session", epoch=welcome["epoch"])

    async def _verdict(self, attempt: Attempt, verdict: dict[str, Any] | None, received: float) -> None:
        """Goes on with an attempt, or deletes it."""
        if verdict is None or verdict["verdict"] != "continue":
            self.agent.forget(attempt, "lost" if verdict is None else verdict["verdict"])
            return
        durable = verdict["durableSeq"]
        if durable > attempt.spool.last_seq:
            await self._give_back(attempt, "the catalog has batches that this agent does not have")
            return
        if attempt.spool.record["parts"] and not self._parts:
            await self._give_back(attempt, "the gateway takes no records in parts any more")
            return
        attempt.renew(received, verdict["leaseTtlMs"])
        attempt.ack(durable)
        attempt.sent = durable
        attempt.credit = verdict["credit"]
        attempt.published |= set(verdict["publishedScopes"])
        await self.tell({"type": "job.resume", **attempt.lease, "stream": attempt.stream})
        attempt.bound = True
        if verdict.get("cancel"):
            attempt.cancel()
        else:
            attempt.start(self.agent.hold_at)
        self.changed()

    async def _give_back(self, attempt: Attempt, why: str) -> None:
        error = JobError("bridge.protocol", why, "The job is tried again.", retryable=True)
        await self.tell({"type": "job.reject", **attempt.lease, "error": error.fields()})
        self.agent.forget(attempt, "given back")

    async def _read(self) -> None:
        while True:
            message = await self._hear(self._liveness_s, 4003)
            kind = message["type"]
            try:
                if kind == "job.offer":
                    await self._offer(message)
                elif kind == "ack":
                    self._ack(message)
                elif kind == "nack":
                    await self._nack(message)
                elif kind in ("job.closed", "job.lost"):
                    attempt = self._find(message)
                    if attempt is not None:
                        self.agent.forget(attempt, kind)
                elif kind == "job.cancel":
                    self._cancel(message)
                elif kind == "heartbeat.ok":
                    self._heartbeat_answered(message)
                elif kind == "drain":
                    self.retry_ms = message["reconnectAfterMs"]
                    raise LinkClosed(4001, "the gateway drains", self.retry_ms)
                elif message.get("opt") is not True:
                    raise LinkClosed(4501, f"unknown message {kind}")
            except (KeyError, TypeError) as error:
                raise LinkClosed(4500, f"{kind} lacks {error}") from error

    def _find(self, message: dict[str, Any]) -> Attempt | None:
        key: Key = (message["jobId"], message["attempt"])
        return self.agent.attempts.get(key)

    async def _offer(self, offer: dict[str, Any]) -> None:
        received = time.monotonic()
        agent = self.agent
        lease = {name: offer[name] for name in ("jobId", "attempt", "leaseToken")}
        for attempt in list(agent.attempts.values()):
            if attempt.key[0] == lease["jobId"] and attempt.key[1] < lease["attempt"]:
                agent.forget(attempt, "a later attempt was offered")
        try:
            spec = verified_spec(offer, agent.catalog_key, agent.identity["agentId"])
            agent.seen.judge(spec, lease["attempt"])
            if agent.stopping or len(agent.attempts) >= HELD_JOBS:
                raise JobError(
                    "job.agent_offline", "This agent takes no more.", "The job is tried again.", retryable=True
                )
        except JobError as error:
            agent.say("rejected", code=error.code)
            await self.tell({"type": "job.reject", **lease, "error": error.fields()})
            return
        record = {
            **lease,
            "stream": agent.new_stream(),
            "spec": offer["spec"],
            "signature": offer["signature"],
            "parts": self._parts,
            "codec": self._codec,
        }
        agent.seen.remember(spec, lease["attempt"])
        attempt = agent.record(record, spec["connection"])
        attempt.renew(received, offer["leaseTtlMs"])
        attempt.credit = offer["credit"]
        await self.tell({"type": "job.accept", **lease, "stream": attempt.stream})
        attempt.bound = True
        attempt.start(agent.hold_at)

    def _ack(self, ack: dict[str, Any]) -> None:
        self._credit += ack["credit"]
        attempt = self.agent.by_stream(ack["stream"])
        if attempt is not None and attempt.bound:
            if ack["upto"] > max(attempt.sent, attempt.acked):
                raise LinkClosed(4500, "an ack of what was not sent")
            attempt.credit += ack["credit"]
            attempt.ack(ack["upto"])
            self.agent.say("acked", seq=ack["upto"])
        self.changed()

    async def _nack(self, nack: dict[str, Any]) -> None:
        attempt = self.agent.by_stream(nack["stream"])
        if attempt is None or not attempt.bound:
            return
        if nack["durableSeq"] > attempt.spool.last_seq:
            await self._give_back(attempt, "the catalog has batches that this agent does not have")
            return
        attempt.sent = nack["durableSeq"]
        attempt.finish_sent = False
        self.changed()

    def _cancel(self, message: dict[str, Any]) -> None:
        attempt = self._find(message)
        if attempt is not None:
            attempt.cancel()
        self.changed()

    def _heartbeat_answered(self, answer: dict[str, Any]) -> None:
        if self._heartbeat_sent is None:
            return
        for attempt in self.agent.attempts.values():
            if attempt.bound:
                attempt.renew(self._heartbeat_sent, answer["leaseTtlMs"])
        self._heartbeat_sent = None
        for named in answer["cancelled"]:
            self._cancel(named)
        for named in answer["lost"]:
            gone = self._find(named)
            if gone is not None:
                self.agent.forget(gone, "lost")

    async def _heartbeat(self) -> None:
        wait = random.uniform(0, self._heartbeat_s)
        while True:
            await asyncio.sleep(wait)
            if self._heartbeat_sent is None:
                self._heartbeat_sent = time.monotonic()
                leases = [one.lease for one in self.agent.attempts.values()]
                await self.tell({"type": "heartbeat", "leases": leases})
            elif time.monotonic() - self._heartbeat_sent > 2 * self._liveness_s:
                raise LinkClosed(4003, "a heartbeat was not answered")
            wait = self._heartbeat_s * random.uniform(0.9, 1.1)

    async def _progress(self) -> None:
        last: dict[Key, dict[str, Any]] = {}
        while True:
            await asyncio.sleep(PROGRESS_S)
            for attempt in list(self.agent.attempts.values()):
                progress = attempt.progress()
                if attempt.bound and attempt.spool.seal is None and last.get(attempt.key) != progress:
                    last[attempt.key] = progress
                    await self.tell({"type": "job.progress", **attempt.lease, **progress})

    async def _pump(self) -> None:
        """Sends batches as both credits allow, and finishes what was acknowledged."""
        while True:
            self._wake.clear()
            for attempt in list(self.agent.attempts.values()):
                await self._pump_one(attempt)
            await self._wake.wait()

    async def _pump_one(self, attempt: Attempt) -> None:
        while attempt.bound and attempt.sent < attempt.spool.last_seq:
            size = attempt.spool.frame_bytes(attempt.sent + 1)
            if size > min(attempt.credit, self._credit):
                return
            attempt.sent += 1
            attempt.credit -= size
            self._credit -= size
            await self.link.send(attempt.spool.frame(attempt.sent))
        seal = attempt.spool.seal
        if attempt.bound and seal is not None and attempt.acked >= seal["lastSeq"] and not attempt.finish_sent:
            attempt.finish_sent = True
            await self.tell({"type": "job.finish", **attempt.lease, **seal})
