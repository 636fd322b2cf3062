"""A drop-in whose calls partly run in PyTorch beside PyTorch's modes, which `hearth optimize` cannot measure: it knows packages only."""

from __future__ import annotations

import copy
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

from hearth.baseline import SETTLE_MS, TORCH_MODES
from hearth.library import InputError
from hearth.optimized import Comparison, OptimizedModule, in_mode

__all__ = ["compared", "modes_of"]

ROUNDS = 21
"""Of one batch of each side; the 6th and the 16th of so many ratios are a 95 % interval of their median (binomial)."""
LOW, HIGH = 5, 15
BATCH_SECONDS = 0.02


def modes_of(against: str | None) -> list[str]:
    """The modes of PyTorch that `against` names; peers are left out, as no drop-in runs them. Throws `InputError`."""
    names = [name.strip() for name in (against or "").split(",") if name.strip()]
    if "all" in names:
        return list(TORCH_MODES)
    unknown = [name for name in names if name not in SETTLE_MS]
    if unknown:
        raise InputError(f"against='{unknown[0]}' is no mode; modes are all, {', '.join(TORCH_MODES)}")
    return [name for name in names if name in TORCH_MODES]


def compared(
    ours: OptimizedModule, module: nn.Module, modes: Sequence[str], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> list[Comparison]:
    """Interleaved batches of the drop-in and of each mode; a mode that does not run is left out. What calls leave in the
    module is undone where the drop-in has state, and so is what they leave in the drop-in."""
    state = ours.split.state if ours.split is not None else {}
    before = {name: value.clone() for name, value in state.items()}
    sides: dict[str, Callable[..., Any]] = {"": ours}
    for mode in modes:
        function = in_mode(copy.deepcopy(module) if state else module, mode)
        try:
            batch(function, mode, args, kwargs, 3)
        except Exception:  # Whatever a compiler throws: then it is no rival.
            continue
        sides[mode] = function
    counts = {}
    for mode, function in sides.items():
        once = batch(function, mode, args, kwargs, 3)
        counts[mode] = max(1, min(1000, int(BATCH_SECONDS / max(once, 1e-9))))
    times: dict[str, list[float]] = {mode: [] for mode in sides}
    for number in range(ROUNDS):
        for mode in sides if number % 2 == 0 else reversed(sides):
            times[mode].append(batch(sides[mode], mode, args, kwargs, counts[mode]))
    for name, value in before.items():
        state[name].copy_(value)
    found = []
    for mode in list(sides)[1:]:
        ratios = sorted(theirs / mine for theirs, mine in zip(times[mode], times[""], strict=True))
        found.append(Comparison(mode, statistics.median(ratios), ratios[LOW], ratios[HIGH]))
    return found


def batch(function: Callable[..., Any], mode: str, args: tuple[Any, ...], kwargs: dict[str, Any], calls: int) -> float:
    """The median seconds of some calls, once the threads of who ran before have gone to sleep."""
    time.sleep(max(SETTLE_MS.values()) / 1000)
    taken = []
    with torch.inference_mode() if mode == "eager" else torch.no_grad():
        for _ in range(calls):
            start = time.perf_counter()
            function(*args, **kwargs)
            taken.append(time.perf_counter() - start)
    return statistics.median(taken)
