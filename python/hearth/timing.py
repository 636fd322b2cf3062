"""Interleaved times of what computes the same, and the rule by which one of two is faster."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from hearth.baseline import SETTLE_MS

__all__ = ["Comparison", "Turns", "beside", "interleaved"]

MARGIN = 1.02
"""How much faster something must be; `Gain` is the rule on the other side."""

ROUNDS = 21
"""Of one batch of each side; the 6th and the 16th of so many ratios are a 95 % interval of their median (binomial)."""
LOW, HIGH = 5, 15
BATCH_SECONDS = 0.02
TURN_SETTLE = SETTLE_MS["compile"] / 1000


@dataclass(frozen=True)
class Comparison:
    """What is ours beside one of PyTorch's modes."""

    mode: str
    ratio: float
    """Their time by ours: above 1 ours is faster."""
    low: float
    """Lower end of the ratio's 95 % interval."""
    high: float
    seconds: float | None = None
    """Of a call of ours; None where a record does not say."""
    their_seconds: float | None = None

    @property
    def is_gain(self) -> bool:
        """Whether ours is faster by more than 2 %, beyond doubt."""
        return self.ratio > MARGIN and self.low > 1

    @property
    def measured(self) -> str:
        """Both times, their ratio and its interval."""
        known = self.seconds is not None and self.their_seconds is not None
        times = f"ours {clock(self.seconds)}, {self.mode} {clock(self.their_seconds)}, " if known else ""
        return f"{times}ratio {self.ratio:.2f}, 95 % interval {self.low:.2f} … {self.high:.2f}"


def clock(seconds: float | None) -> str:
    """A time of a call as people read it."""
    scaled, unit = ((seconds or 0) * 1e3, "ms") if (seconds or 0) >= 1e-3 else ((seconds or 0) * 1e6, "µs")
    return f"{scaled:.0f} {unit}" if scaled >= 100 else f"{scaled:.3g} {unit}"


def interleaved(sides: Mapping[str, Callable[[], Any]]) -> dict[str, list[float]]:
    """Seconds of a call of each side, by name, in rounds of batches that take turns. A side called "eager" runs in
    inference mode, the others without gradients."""
    counts = {}
    for name, call in sides.items():
        once = batch(name, call, 3)
        counts[name] = max(1, min(1000, int(BATCH_SECONDS / max(once, 1e-9))))
    times: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(ROUNDS):
        for name in sides if number % 2 == 0 else reversed(list(sides)):
            times[name].append(batch(name, sides[name], counts[name]))
    return times


def batch(name: str, call: Callable[[], Any], calls: int) -> float:
    """The median seconds of some calls, once the threads of who ran before have gone to sleep."""
    time.sleep(max(SETTLE_MS.values()) / 1000)
    taken = []
    with torch.inference_mode() if name == "eager" else torch.no_grad():
        for _ in range(calls):
            start = time.perf_counter()
            call()
            taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def comparison(mode: str, ours: list[float], theirs: list[float]) -> Comparison:
    """What rounds of both sides come to."""
    ratios = sorted(their / mine for their, mine in zip(theirs, ours, strict=True))
    middle = statistics.median(ratios)
    return Comparison(mode, middle, ratios[LOW], ratios[HIGH], statistics.median(ours), statistics.median(theirs))


def beside(mode: str, ours: Callable[[], Any], theirs: Callable[[], Any]) -> Comparison:
    """Ours beside theirs, measured in turns."""
    times = interleaved({"ours": ours, mode: theirs})
    return comparison(mode, times["ours"], times[mode])


class Turns:
    """Two sides that take turns at a caller's own calls until both are known: nothing waits, nothing is computed twice.

    All calls are of one thread: OpenMP's threads of a second one make PyTorch slower in both."""

    def __init__(self, mode: str) -> None:
        self.mode = mode
        self._medians: tuple[list[float], list[float]] = ([], [])
        self._thread: int | None = None
        self._begun = 0.0
        self._taken: list[float] = []

    @property
    def is_mine(self) -> bool:
        """Whether this thread's calls count: those of the first that asks."""
        self._thread = self._thread or threading.get_ident()
        return self._thread == threading.get_ident()

    @property
    def is_ours(self) -> bool:
        """Whether the next call is ours to compute."""
        ours, theirs = map(len, self._medians)
        return (ours == theirs) == (min(ours, theirs) % 2 == 0)

    def took(self, begun: float, ended: float) -> Comparison | None:
        """Notes a call of whose turn it is, by the clock; what all turns came to, once they are over. The first calls of
        a turn are left out, until the threads of who ran before have gone to sleep."""
        self._begun = self._begun or begun
        if begun - self._begun >= TURN_SETTLE and ended > begun:
            self._taken.append(ended - begun)
        if sum(self._taken) >= BATCH_SECONDS:
            self._medians[0 if self.is_ours else 1].append(statistics.median(self._taken))
            self._begun, self._taken = 0.0, []
        return (
            comparison(self.mode, *self._medians) if len(self._medians[0]) == len(self._medians[1]) == ROUNDS else None
        )
