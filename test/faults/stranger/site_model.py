"""A small made-up site, the same each time: what a crawl of this agent finds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from wire import WHOLE_RECORD_BYTES

APPS = 4
SHEETS = 12
SCRIPT_LINES = 40_000


@dataclass(frozen=True)
class Line:
    """One record as it travels, and the scope that it ends."""

    data: bytes
    ends: str | None = None


def line(record: dict[str, Any]) -> bytes:
    """A record as a line of NDJSON."""
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def scopes(code: str) -> list[str]:
    """Keys of all scopes of a crawl, the site first."""
    return [code, *(f"{code}/app-{n}" for n in range(APPS))]


def scope_lines(code: str, scope: str, parts: bool) -> Iterator[Line]:
    """All records of one scope, its outcome last; without `parts` longer ones are shortened before they are hashed."""
    yield Line(line({"t": "scope", "scope": scope, "kind": "site" if scope == code else "app", "name": scope}))
    digest, count = hashlib.sha256(), 0
    for record in site_records(code) if scope == code else app_records(code, scope):
        data = line({**record, "scope": scope})
        if len(data) > WHOLE_RECORD_BYTES and not parts:
            short = record["attributes"]["text"][: WHOLE_RECORD_BYTES // 4]
            attributes = {**record["attributes"], "text": short, "truncated": True}
            data = line({**record, "scope": scope, "attributes": attributes})
        digest.update(data)
        count += 1
        yield Line(data)
    outcome = {"t": "outcome", "scope": scope, "outcome": "complete", "records": count, "sha256": digest.hexdigest()}
    yield Line(line(outcome), ends=scope)


def asset(kind: str, key: str, parent: str | None, name: str, **attributes: Any) -> dict[str, Any]:
    """An asset record."""
    place = {} if parent is None else {"parent": parent}
    return {"t": "asset", "kind": kind, "key": key, "name": name, **place, "attributes": attributes}


def site_records(code: str) -> Iterator[dict[str, Any]]:
    """The site, its stream and which apps it has."""
    yield asset("site", code, None, "Made-up site")
    yield asset("stream", f"{code}/stream/s1", code, "Everyone")
    for scope in scopes(code)[1:]:
        yield {"t": "listed", "key": scope, "name": scope}


def app_records(code: str, scope: str) -> Iterator[dict[str, Any]]:
    """An app with sheets; the first has a load script that fits into no single batch."""
    name = scope.rsplit("/", 1)[1]
    yield asset("app", scope, f"{code}/stream/s1", f"App {name} – Übersicht")
    for n in range(SHEETS):
        yield asset("sheet", f"{scope}/sheet-{n}", scope, f"Sheet {n}")
    if name == "app-0":
        text = "\n".join(f"LET v{n} = '{hashlib.sha256(str(n).encode()).hexdigest()}';" for n in range(SCRIPT_LINES))
        yield asset("script", f"{scope}/script", scope, "Load script", text=text)
