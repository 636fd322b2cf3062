"""A drop-in whose calls partly run in PyTorch beside PyTorch's modes, which `hearth optimize` cannot measure: it knows packages only."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from torch import nn

from hearth.baseline import SETTLE_MS, TORCH_MODES
from hearth.library import InputError
from hearth.optimized import OptimizedModule, in_mode
from hearth.timing import Comparison, batch, comparison, interleaved

__all__ = ["compared", "modes_of"]


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
    if not modes:
        return []
    state = ours.split.state if ours.split is not None else {}
    before = {name: value.clone() for name, value in state.items()}
    sides: dict[str, Callable[[], Any]] = {"": lambda: ours(*args, **kwargs)}
    for mode in modes:
        call = partial(in_mode(copy.deepcopy(module) if state else module, mode), *args, **kwargs)
        try:
            batch(mode, call, 3)
        except Exception:  # Whatever a compiler throws: then it is no rival.
            continue
        sides[mode] = call
    times = interleaved(sides)
    for name, value in before.items():
        state[name].copy_(value)
    return [comparison(mode, times[""], times[mode]) for mode in list(sides)[1:]]
