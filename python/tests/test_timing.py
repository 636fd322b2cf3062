"""Times of two sides: who is measured when, and what the times come to, by a clock that is made up."""

from __future__ import annotations

import threading

import pytest
from hearth import timing
from hearth.timing import Comparison, Turns, beside, clock


def finished(turns: Turns, ours: float, theirs: float, most: int = 100_000) -> tuple[Comparison, list[bool]]:
    """Calls that take so long, one after the other, until the turns are over; and whose each was."""
    now, sides = 1.0, []
    for _ in range(most):
        sides.append(turns.is_ours)
        taken = ours if turns.is_ours else theirs
        found = turns.took(now, now + taken)
        now += taken
        if found is not None:
            return found, sides
    raise AssertionError("the turns do not end")


def test_turns_come_to_a_comparison() -> None:
    found, sides = finished(Turns("inductor"), 2e-3, 1e-3)
    assert found.ratio == pytest.approx(0.5) and found.low == pytest.approx(0.5) and found.mode == "inductor"
    assert (found.seconds, found.their_seconds) == (pytest.approx(2e-3), pytest.approx(1e-3))
    # Each begins as often as the other, and both compute for about as long.
    begins = [side for side, before in zip(sides, [None, *sides], strict=False) if side != before]
    assert begins[:4] == [True, False, True, False] and 1.5 < sides.count(False) / sides.count(True) < 2.5


def test_turns_of_long_calls_are_few() -> None:
    _, sides = finished(Turns("inductor"), 1.0, 1.5)
    # The first of each turn is left out.
    assert len(sides) == 2 * 2 * timing.ROUNDS


def test_turns_are_those_of_one_thread() -> None:
    turns, seen = Turns("inductor"), []
    assert turns.is_mine
    thread = threading.Thread(target=lambda: seen.append(turns.is_mine))
    thread.start()
    thread.join()
    assert seen == [False] and turns.is_mine


def test_sides_are_measured_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []

    def batch(name: str, call: object, calls: int) -> float:
        order.append(name)
        return 1e-3 if name == "ours" else 3e-3

    monkeypatch.setattr(timing, "batch", batch)
    found = beside("eager", lambda: None, lambda: None)
    assert found.ratio == pytest.approx(3) and found.is_gain
    assert order[:6] == ["ours", "eager", "ours", "eager", "eager", "ours"] and len(order) == 2 + 2 * timing.ROUNDS


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(2e-6, "2 µs"), (1.234e-5, "12.3 µs"), (4.56e-4, "456 µs"), (0.00123, "1.23 ms"), (1.5, "1500 ms")],
)
def test_times_are_read(seconds: float, text: str) -> None:
    assert clock(seconds) == text
