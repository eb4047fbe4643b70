"""The two ways to a gateway: a WebSocket, and long polling over plain HTTPS requests."""

from __future__ import annotations

import asyncio
import http.client
import json
import struct
import time
from typing import Any, Protocol
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Subprotocol

CONNECT_S = 15.0
CLOSE_S = 1.0
UNSENT_ENTRIES = 64


class LinkClosed(Exception):
    """The link is over: with the code of a close, or 1006 for a cut."""

    def __init__(self, code: int, reason: str, retry_after_ms: int | None = None) -> None:
        super().__init__(f"{code} {reason}")
        self.code = code
        self.reason = reason
        self.retry_after_ms = retry_after_ms


class Link(Protocol):
    """Messages in order, both ways, until `LinkClosed` is raised."""

    host: str

    async def send(self, message: str | bytes) -> None:
        """Gives a control message (text) or a data frame (bytes) to the other end."""

    async def receive(self) -> str:
        """The next control message."""

    async def close(self, code: int, reason: str) -> None:
        """Ends the link."""


def host_of(gateway: str) -> str:
    """The `Host` header of requests to this address, in lower case: with a port unless it is the scheme's own."""
    parts = urlsplit(gateway)
    usual = 443 if parts.scheme in ("https", "wss") else 80
    name = parts.hostname or ""
    name = f"[{name}]" if ":" in name else name
    return name if parts.port in (None, usual) else f"{name}:{parts.port}"


class WebSocketLink:
    """`wss://host/prefix/v1/agent`, subprotocol `culvert.v1`."""

    def __init__(self, socket: ClientConnection, host: str) -> None:
        self._socket = socket
        self.host = host

    @classmethod
    async def open(cls, gateway: str, dial: tuple[str, int] | None) -> WebSocketLink:
        """Connects; `dial` is where TCP goes when that is not the gateway's own name."""
        parts = urlsplit(gateway)
        secure = parts.scheme in ("https", "wss")
        uri = f"{'wss' if secure else 'ws'}://{parts.netloc}{parts.path.rstrip('/')}/v1/agent"
        target: dict[str, Any] = {} if dial is None else {"host": dial[0], "port": dial[1]}
        try:
            socket = await connect(
                uri,
                subprotocols=[Subprotocol("culvert.v1")],
                compression=None,
                proxy=None,
                ping_interval=None,
                open_timeout=CONNECT_S,
                close_timeout=CLOSE_S,
                **target,
            )
        except InvalidStatus as refused:
            after = refused.response.headers.get("Retry-After", "")
            wait = int(after) * 1000 if after.isdigit() else None
            raise LinkClosed(1006, f"upgrade answered with {refused.response.status_code}", wait) from refused
        except (OSError, TimeoutError, EOFError, InvalidHandshake) as error:
            raise LinkClosed(1006, f"no connection: {error!r}") from error
        return cls(socket, host_of(gateway))

    async def send(self, message: str | bytes) -> None:
        """See Link. Waits while the socket takes nothing."""
        try:
            await self._socket.send(message)
        except ConnectionClosed as closed:
            raise ended(closed) from closed

    async def receive(self) -> str:
        """See Link."""
        try:
            message = await self._socket.recv()
        except ConnectionClosed as closed:
            raise ended(closed) from closed
        if isinstance(message, bytes):
            raise LinkClosed(4500, "a gateway sends no data frames")
        return message

    async def close(self, code: int, reason: str) -> None:
        """See Link."""
        await self._socket.close(code, reason)


def ended(closed: ConnectionClosed) -> LinkClosed:
    """How a socket ended, as its close frame says."""
    if closed.rcvd is None:
        return LinkClosed(1006, "the connection was cut")
    return LinkClosed(closed.rcvd.code, closed.rcvd.reason)


ENTRY = struct.Struct(">BI")
CONTROL, DATA, CLOSE = 1, 2, 3
GATHER_BYTES = 524_288
SEND_S = 30.0
LATE_POLL_S = 10.0
CUT_AFTER_S = 45.0


def entry(kind: int, content: bytes) -> bytes:
    """One entry of a body."""
    return ENTRY.pack(kind, len(content)) + content


def entries(body: bytes) -> list[tuple[int, bytes]]:
    """A body as its entries. Raises LinkClosed when it is no row of entries."""
    found: list[tuple[int, bytes]] = []
    at = 0
    while at < len(body):
        if at + ENTRY.size > len(body):
            raise LinkClosed(1002, "a body that is no row of entries")
        kind, length = ENTRY.unpack_from(body, at)
        at += ENTRY.size
        if at + length > len(body):
            raise LinkClosed(1002, "a body that is no row of entries")
        found.append((kind, body[at : at + length]))
        at += length
    return found


class Requests:
    """POST requests on one kept connection, in order."""

    def __init__(self, gateway: str, dial: tuple[str, int] | None) -> None:
        parts = urlsplit(gateway)
        self._secure = parts.scheme in ("https", "wss")
        self._prefix = parts.path.rstrip("/")
        self._host = host_of(gateway)
        self._target = dial or (parts.hostname or "", parts.port or (443 if self._secure else 80))
        self._connection: http.client.HTTPConnection | None = None

    def post(
        self, path: str, headers: dict[str, str], body: bytes, timeout: float
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        """Status, headers and body. Raises OSError when nothing or something else than a gateway answers."""
        if self._connection is None:
            kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
            self._connection = kind(*self._target, timeout=timeout)
        connection = self._connection
        try:
            connection.timeout = timeout
            if connection.sock is not None:
                connection.sock.settimeout(timeout)
            connection.request("POST", self._prefix + path, body, {"Host": self._host, **headers})
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.drop()
            raise OSError(f"no answer: {error!r}") from error
        if answer.headers.get("Culvert-Gateway") != "culvert.v1":
            raise OSError(f"{answer.status} from something that is no gateway")
        return answer.status, answer.headers, content

    def drop(self) -> None:
        """Lets go of the connection; the next request makes another."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None


class PollingLink:
    """Long polling: one poll and one send under way at a time."""

    def __init__(self, gateway: str, dial: tuple[str, int] | None, session: str, hold_ms: int, cookies: str) -> None:
        self.host = host_of(gateway)
        self._hold_s = hold_ms / 1000
        self._headers = {"Authorization": f"Bearer {session}"}
        if cookies:
            self._headers["Cookie"] = cookies
        self._down = Requests(gateway, dial)
        self._up = Requests(gateway, dial)
        self._heard = time.monotonic()
        self._inbox: asyncio.Queue[str | LinkClosed] = asyncio.Queue(UNSENT_ENTRIES)
        self._outbox: asyncio.Queue[bytes] = asyncio.Queue(UNSENT_ENTRIES)
        self._over: LinkClosed | None = None
        self._tasks = [asyncio.create_task(self._poll()), asyncio.create_task(self._push())]

    @classmethod
    async def open(cls, gateway: str, dial: tuple[str, int] | None) -> PollingLink:
        """Opens a session of long polling."""
        requests = Requests(gateway, dial)
        try:
            status, headers, body = await asyncio.to_thread(requests.post, "/v1/agent/open", {}, b"", CONNECT_S)
        except OSError as error:
            raise LinkClosed(1006, str(error)) from error
        finally:
            requests.drop()
        if status != 200:
            after = headers.get("Retry-After", "")
            raise LinkClosed(1006, f"open answered with {status}", int(after) * 1000 if after.isdigit() else None)
        said = json.loads(body)
        if said["protocol"] != "culvert.v1":
            raise LinkClosed(4506, f"the gateway speaks {said['protocol']}")
        cookies = "; ".join(c.split(";", 1)[0].strip() for c in headers.get_all("Set-Cookie", []))
        return cls(gateway, dial, said["session"], said["holdMs"], cookies)

    async def send(self, message: str | bytes) -> None:
        """See Link. Waits while much is unsent."""
        if self._over is not None:
            raise self._over
        kind, content = (CONTROL, message.encode()) if isinstance(message, str) else (DATA, message)
        await self._outbox.put(entry(kind, content))
        if self._over is not None:
            raise self._over

    async def receive(self) -> str:
        """See Link."""
        got = await self._inbox.get()
        if isinstance(got, LinkClosed):
            raise got
        return got

    async def close(self, code: int, reason: str) -> None:
        """See Link: the close is the last entry of this direction."""
        if self._over is None:
            content = struct.pack(">H", code) + reason.encode()[:123]
            await self._outbox.put(entry(CLOSE, content))
            await asyncio.wait([self._tasks[1]], timeout=CLOSE_S)
            await self._end(LinkClosed(code, reason))
        for task in self._tasks:
            task.cancel()
        self._up.drop()
        self._down.drop()

    async def _post(
        self, requests: Requests, path: str, headers: dict[str, str], body: bytes, timeout: float
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        """Makes a request again until a gateway answers it, for 45 s at most."""
        while True:
            try:
                answer = await asyncio.to_thread(requests.post, path, {**self._headers, **headers}, body, timeout)
            except OSError as error:
                if time.monotonic() - self._heard > CUT_AFTER_S:
                    raise LinkClosed(1006, str(error)) from error
                await asyncio.sleep(0.5)
                continue
            self._heard = time.monotonic()
            if answer[0] == 200:
                return answer
            code = 1006 if answer[0] == 410 else 1002
            raise LinkClosed(code, f"{path} answered with {answer[0]}")

    async def _poll(self) -> None:
        received = 0
        try:
            while True:
                headers = {"Culvert-Received": str(received)}
                _, said, body = await self._post(self._down, "/v1/agent/poll", headers, b"", self._hold_s + LATE_POLL_S)
                number = int(said.get("Culvert-First", received + 1))
                for kind, content in entries(body):
                    if number == received + 1:
                        received = number
                        if kind == CLOSE:
                            code = struct.unpack_from(">H", content)[0]
                            raise LinkClosed(code, content[2:].decode(errors="replace"))
                        await self._inbox.put(content.decode())
                    number += 1
        except LinkClosed as closed:
            await self._end(closed)

    async def _push(self) -> None:
        first = 1
        carried: bytes | None = None
        try:
            while True:
                row = [carried or await self._outbox.get()]
                carried = None
                while carried is None and not self._outbox.empty():
                    following = self._outbox.get_nowait()
                    if sum(map(len, row)) + len(following) > GATHER_BYTES:
                        carried = following
                    else:
                        row.append(following)
                headers = {"Culvert-First": str(first), "Content-Type": "application/octet-stream"}
                try:
                    _, said, _ = await self._post(self._up, "/v1/agent/send", headers, b"".join(row), SEND_S)
                except LinkClosed as gone:
                    if gone.code == 1006:
                        return  # the poll says how it ended: what the gateway said last may wait there
                    raise
                first += len(row)
                if int(said.get("Culvert-Received", 0)) != first - 1:
                    raise LinkClosed(1002, "the gateway took another number of entries")
                if row[-1][0] == CLOSE:
                    return
        except LinkClosed as closed:
            await self._end(closed)

    async def _end(self, closed: LinkClosed) -> None:
        if self._over is None:
            self._over = closed
            while not self._outbox.empty():  # who waits for room hears that the link is over
                self._outbox.get_nowait()
            await self._inbox.put(closed)
