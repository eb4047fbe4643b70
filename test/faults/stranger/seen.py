"""Which attempts this agent took, so that an old job that is sent again is not run again."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from jobs import JobError
from spool import write_durably

TOLERANCE_S = 600.0
MOST = 256


class SeenJobs:
    """A durable list of the last attempts by their time of issue, and what is too old to be known."""

    def __init__(self, path: Path) -> None:
        """Reads the list; a missing file is an empty one."""
        self._path = path
        self._jobs: dict[str, tuple[int, float]] = {}
        self._newest: float | None = None
        self._floor: float | None = None
        if path.exists():
            stored = json.loads(path.read_text(encoding="utf-8"))
            self._jobs = {job: (attempt, issued) for job, attempt, issued in stored["jobs"]}
            self._newest, self._floor = stored["newest"], stored["floor"]

    def judge(self, spec: dict[str, Any], attempt: int) -> None:
        """Raises JobError for an attempt that was taken before or is too old."""
        if "attempt" not in spec or "issuedAt" not in spec:
            if self._newest is not None:
                raise replayed("does not say when it was issued")
            return
        issued = datetime.fromisoformat(spec["issuedAt"]).timestamp()
        if spec["attempt"] != attempt:
            raise replayed("was signed for another attempt")
        if spec["jobId"] in self._jobs and attempt <= self._jobs[spec["jobId"]][0]:
            raise replayed("was taken before")
        if self._newest is not None and issued < self._newest - TOLERANCE_S:
            raise replayed("was issued long before others")
        if self._floor is not None and issued <= self._floor:
            raise replayed("was issued too long ago to be known")

    def remember(self, spec: dict[str, Any], attempt: int) -> None:
        """Makes durable that the attempt is taken."""
        if "issuedAt" not in spec:
            return
        issued = datetime.fromisoformat(spec["issuedAt"]).timestamp()
        self._newest = max(issued, self._newest or issued)
        self._jobs[spec["jobId"]] = (attempt, issued)
        while len(self._jobs) > MOST:
            oldest = min(self._jobs, key=lambda job: self._jobs[job][1])
            self._floor = max(self._jobs.pop(oldest)[1], self._floor or 0.0)
        jobs = [[job, *taken] for job, taken in self._jobs.items()]
        write_durably(self._path, json.dumps({"newest": self._newest, "floor": self._floor, "jobs": jobs}))


def replayed(why: str) -> JobError:
    """The error of a job that is not to be run again."""
    return JobError("bridge.job_replayed", f"The job {why}.", "Somebody may have sent an old job again.")
