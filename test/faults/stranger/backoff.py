"""When to try again, as the end of a session says."""

from __future__ import annotations

import random

BASE_S = 1.0
CAP_S = 32.0
RESET_AFTER_S = 60.0
SUPERSEDED_FLOOR_S = 60.0
SLOW_LANE_S = 300.0
MAX_HINT_S = 3600.0


class Backoff:
    """Windows that double; one try at a random moment of each."""

    def __init__(self) -> None:
        self._window = 0
        self._left = 0.0

    def lasted(self, seconds: float) -> None:
        """A session of a minute starts over."""
        if seconds >= RESET_AFTER_S:
            self._window, self._left = 0, 0.0

    def next_s(self) -> float:
        """What is left of the last window, and a moment of the next one."""
        window = min(CAP_S, BASE_S * 2**self._window)
        moment = random.uniform(0, window)
        wait = self._left + moment
        self._left = window - moment
        self._window = min(self._window + 1, 16)
        return wait

    def hinted_s(self, hint_ms: int, own: bool) -> float:
        """A time that the gateway named; `own` when it was chosen for this attempt alone (Retry-After)."""
        self._window, self._left = 0, 0.0
        hint = min(hint_ms / 1000, MAX_HINT_S)
        if own:
            return hint + random.uniform(0, 1)
        return max(hint * random.uniform(1, 2), hint + 1)

    def after_s(self, code: int) -> float:
        """The wait after a session that ended with this code."""
        if 4500 <= code <= 4999:
            return SLOW_LANE_S * random.uniform(0.5, 1.5)
        return self.next_s() + (SUPERSEDED_FLOOR_S if code == 4009 else 0)
