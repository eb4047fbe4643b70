"""An agent that was written from PROTOCOL.md alone, to show that this can be done.

    agent.py enrol --state FOLDER --gateway URL --token-file FILE --name NAME
    agent.py run --state FOLDER --connection CODE [--transport websocket|polling]

It prints a line of JSON for what happens. It crawls nothing: it publishes a small made-up site.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
import platform
import random
import signal
import sys
import time
import urllib.error
import urllib.request
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_public_key,
    load_pem_private_key,
)

from backoff import Backoff
from links import Link, LinkClosed, PollingLink, WebSocketLink
from seen import SeenJobs
from session import Session
from spool import Spool, write_durably
from work import Attempt, Key

VERSION = "0.1.0"
SEND_BEFORE_END_S = 5.0


class Agent:
    """One identity, its attempts, and one link at a time."""

    version = VERSION

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        self.state = Path(args.state)
        self.identity: dict[str, str] = json.loads((self.state / "identity.json").read_text(encoding="utf-8"))
        key = load_pem_private_key(self.identity["privateKey"].encode(), None)
        pinned = load_der_public_key(base64.b64decode(self.identity["catalogKey"]))
        if not isinstance(key, Ed25519PrivateKey) or not isinstance(pinned, Ed25519PublicKey):
            raise SystemExit("identity.json holds keys of another kind: enrol anew")
        self.private_key, self.catalog_key = key, pinned
        self.boot_id = str(uuid.uuid4())
        self._started_at = datetime.now(UTC).isoformat()
        self.hold_at: int | None = args.hold_at_batch
        self.stopping = False
        self.attempts: dict[Key, Attempt] = {}
        self.seen = SeenJobs(self.state / "seen-jobs.json")
        self._session: Session | None = None
        self._stop: asyncio.Task[None] | None = None
        self._streams: set[int] = set()
        self._dial = None if args.dial is None else (args.dial.rsplit(":", 1)[0], int(args.dial.rsplit(":", 1)[1]))
        for spool in Spool.load_all(self.state / "spool"):
            self._hold(spool, json.loads(spool.record["spec"])["connection"])

    def say(self, event: str, **fields: Any) -> None:
        """Prints a line for people and tests."""
        print(json.dumps({"event": event, **fields}), flush=True)

    def trace(self, direction: str, message: dict[str, Any]) -> None:
        """Prints a control message without its secrets, if asked to."""
        if self.args.trace:
            hidden = {name: "…" for name in ("signature", "leaseToken", "nonce") if name in message}
            print(direction, json.dumps({**message, **hidden}), file=sys.stderr, flush=True)

    def status(self) -> dict[str, Any]:
        """What the catalog shows of this agent."""
        connection = {
            "code": self.args.connection,
            "name": "Made up",
            "file": "made-up",
            "state": "ready",
            "inForce": self._started_at,
            "loadedAt": self._started_at,
            "url": "https://made-up.example",
            "authentication": "none",
            "environment": "test",
            "description": "",
            "accessNotes": "",
            "bypassCertificateValidation": False,
            "problems": [],
        }
        return {
            "version": VERSION,
            "hostname": platform.node(),
            "platform": platform.platform(),
            "startedAt": self._started_at,
            "connectionsFolder": str(self.state),
            "connections": [connection],
            "problems": [],
        }

    def new_stream(self) -> int:
        """A number that no attempt of this process has or had, nor one on the disk."""
        while (number := random.randint(1, 2**32 - 1)) in self._streams:
            pass
        return number

    def record(self, record: dict[str, Any], connection: str) -> Attempt:
        """Makes an attempt durable and holds it."""
        return self._hold(Spool.create(self.state / "spool", record), connection)

    def forget(self, attempt: Attempt, why: str) -> None:
        """Deletes an attempt that is over."""
        self.attempts.pop(attempt.key, None)
        attempt.delete()
        self.say("ended", why=why, records=attempt.spool.records)

    def by_stream(self, stream: int) -> Attempt | None:
        """The attempt that a stream belongs to."""
        return next((one for one in self.attempts.values() if one.stream == stream), None)

    async def run(self) -> None:
        """Keeps a session open until the process is asked to stop."""
        loop = asyncio.get_running_loop()
        main = asyncio.current_task()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self._asked_to_stop, main)
        loop.add_signal_handler(signal.SIGUSR1, self._release)
        backoff = Backoff()
        self.say("ready")
        while not self.stopping:
            started = time.monotonic()
            closed = await self._one_session()
            backoff.lasted(time.monotonic() - started)
            if closed.retry_after_ms is not None:
                wait = backoff.hinted_s(closed.retry_after_ms, own=closed.code == 1006)
            else:
                wait = backoff.after_s(closed.code)
            self.say("disconnected", code=closed.code, reason=closed.reason, waitMs=round(wait * 1000))
            if not self.stopping:
                await asyncio.sleep(wait)
        if self._stop is not None:
            await self._stop
        self.say("drained")

    def _release(self) -> None:
        """Lets crawls go on that stand still for a test."""
        for attempt in self.attempts.values():
            attempt.released.set()

    async def _one_session(self) -> LinkClosed:
        try:
            link: Link
            if self.args.transport == "polling":
                link = await PollingLink.open(self.identity["gateway"], self._dial)
            else:
                link = await WebSocketLink.open(self.identity["gateway"], self._dial)
            self._session = Session(self, link)
            await self._session.run()
        except LinkClosed as closed:
            return closed
        finally:
            self._session = None
            for attempt in self.attempts.values():
                attempt.unbind()
        return LinkClosed(1006, "the session ended")

    def _asked_to_stop(self, main: asyncio.Task[None] | None) -> None:
        """Drains in a session; without one ends at once."""
        if self.stopping:
            return
        self.stopping = True
        for attempt in self.attempts.values():
            attempt.stop()
        if self._session is not None and self._session.open:
            self._stop = asyncio.create_task(self._drain(self._session))
        elif main is not None:
            main.cancel()

    async def _drain(self, session: Session) -> None:
        """What lies in the spool goes on for a moment, then the session ends."""
        try:
            await session.tell({"type": "drain", "deadlineMs": 30_000, "reconnectAfterMs": 0})
            end = time.monotonic() + SEND_BEFORE_END_S
            while session.open and time.monotonic() < end and any(map(self._busy, self.attempts.values())):
                await asyncio.sleep(0.05)
            await session.leave()
        except LinkClosed:
            pass  # the session ended by itself: the rest lies in the spool

    @staticmethod
    def _busy(attempt: Attempt) -> bool:
        return attempt.spool.seal is not None or attempt.acked < attempt.spool.last_seq

    def _hold(self, spool: Spool, connection: str) -> Attempt:
        attempt = Attempt(spool, connection, self._changed)
        self.attempts[attempt.key] = attempt
        self._streams.add(attempt.stream)
        return attempt

    def _changed(self) -> None:
        if self._session is not None:
            self._session.changed()


def enrol(args: argparse.Namespace) -> None:
    """Trades a one-time token for an identity."""
    parts = urlsplit(args.gateway)
    scheme = "https" if parts.scheme in ("https", "wss") else "http"
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    body = {
        "token": Path(args.token_file).read_text(encoding="utf-8").strip(),
        "name": args.name,
        "publicKey": base64.b64encode(public).decode(),
        "version": VERSION,
    }
    request = urllib.request.Request(
        f"{scheme}://{parts.netloc}{parts.path.rstrip('/')}/v1/enrol",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            identity = json.load(answer)
    except urllib.error.HTTPError as error:
        raise SystemExit(f"enrolment was refused: {error.code} {error.read().decode(errors='replace')}") from error
    identity["gateway"] = args.gateway
    identity["privateKey"] = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    os.makedirs(args.state, mode=0o700, exist_ok=True)
    write_durably(Path(args.state) / "identity.json", json.dumps(identity))
    print(json.dumps({"event": "enrolled", "agentId": identity["agentId"]}), flush=True)


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)
    first = commands.add_parser("enrol")
    first.add_argument("--state", required=True)
    first.add_argument("--gateway", required=True)
    first.add_argument("--token-file", required=True)
    first.add_argument("--name", required=True)
    first.set_defaults(command=enrol)
    second = commands.add_parser("run")
    second.add_argument("--state", required=True)
    second.add_argument("--connection", required=True)
    second.add_argument("--transport", choices=("websocket", "polling"), default="websocket")
    second.add_argument("--dial", help="host:port where TCP goes, when that is not the gateway's own name")
    second.add_argument("--hold-at-batch", type=int, help="the crawl stands still after this batch, for tests")
    second.add_argument("--trace", action="store_true", help="prints every control message")
    second.set_defaults(command=lambda args: asyncio.run(Agent(args).run()))
    args = parser.parse_args()
    try:
        args.command(args)
    except (asyncio.CancelledError, KeyboardInterrupt):
        pass


if __name__ == "__main__":
    main()
