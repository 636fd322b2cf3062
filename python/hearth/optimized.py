"""The drop-in: a package in the place of the PyTorch module that it was made from, where it is worth it.

    from hearth.optimized import OptimizedModule
    model = OptimizedModule("model.hearth", module)
    y = model(x)                 # called as the module is
    print(model.report)          # which of the two runs, and why

The promise is that nobody gets something slower than PyTorch. `hearth optimize --against all` measures the
package beside all modes of PyTorch and writes what it found into the package (`search.jsonl`). Where nothing beats the best
of the modes that were measured by more than 2 % ("no gain", by the rule of `hearth bench` and the report), the drop-in runs the module
in that mode instead; `fallback=False` runs the package whatever was measured. Nothing is timed here: what counts is the
record, which holds for the machine and the shapes that it was measured on. A package without such a record runs, and
`report` says that it was not compared with PyTorch on this machine.

A package computes no gradients and keeps the weights that it was made with. Its state, where it has one, is not the
module's.
"""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils import _pytree as pytree

from hearth.baseline import TORCH_MODES
from hearth.engines import COMPILE_MODES
from hearth.runtime import Package

__all__ = ["Comparison", "OptimizedModule", "Verdict"]

RECORD = "search.jsonl"
"""File of a package with the events of its search; `Documentation/search-events.md`."""

MARGIN = 1.02
"""How much faster something must be; `Gain` is the rule on the other side."""


@dataclass(frozen=True)
class Comparison:
    """The package beside one of PyTorch's modes, as the record states it."""

    mode: str
    ratio: float
    """Their time by ours: above 1 the package is faster."""
    low: float
    """Lower end of the ratio's 95 % interval."""
    high: float

    @property
    def is_gain(self) -> bool:
        """Whether the package is faster by more than 2 %, beyond doubt."""
        return self.ratio > MARGIN and self.low > 1


@dataclass(frozen=True)
class Verdict:
    """What a drop-in runs, and why."""

    mode: str | None
    """PyTorch's mode that runs in the package's place; None where the package runs."""
    sentence: str


def comparisons(lines: Iterable[str]) -> list[Comparison]:
    """The comparisons with PyTorch's modes that a record tells of, the last of each mode. Peers and the package without
    its search are left out: a drop-in cannot run them. Lines that are not known are passed over."""
    found: dict[str, Comparison] = {}
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if not isinstance(event, dict) or event.get("event") != "comparison" or "failure" in event:
            continue
        mode, numbers = event.get("against"), [event.get(name) for name in ("ratio", "low", "high")]
        if mode in TORCH_MODES and all(isinstance(x, (int, float)) for x in numbers):
            found[mode] = Comparison(mode, *map(float, numbers))
    return list(found.values())


def verdict(found: list[Comparison], fallback: bool = True) -> Verdict:
    """What is to run after these comparisons."""
    if not found:
        return Verdict(
            None,
            "the package runs, but was not compared with PyTorch on this machine: "
            "hearth optimize --against all does that, and keeps the finding in the package",
        )
    best = min(found, key=lambda comparison: comparison.ratio)
    measured = f"ratio {best.ratio:.2f}, 95 % interval {best.low:.2f} … {best.high:.2f}"
    if best.is_gain:
        return Verdict(None, f"the package runs: {best.ratio:.2f} times as fast as PyTorch's {best.mode} ({measured})")
    said = f"no gain: the package does not beat PyTorch's {best.mode} by more than 2 % ({measured})"
    if fallback:
        return Verdict(best.mode, f"{said}; PyTorch's {best.mode} runs in its place")
    return Verdict(None, f"{said}; the package runs all the same, because fallback is off")


def in_mode(module: nn.Module, mode: str) -> Callable[..., Any]:
    """The module as `hearth bench` ran it in that mode."""
    if mode == "eager":
        return module
    inductor = COMPILE_MODES[mode]
    if not mode.endswith("-freezing"):
        return torch.compile(module, mode=inductor)
    options = torch._inductor.list_mode_options(inductor) if inductor else {}
    return torch.compile(module, options={**options, "freezing": True})


class OptimizedModule(nn.Module):
    """Runs a package where it is a gain, and the module that it was made from where it is not."""

    def __init__(self, package: str | os.PathLike[str] | Package, module: nn.Module, fallback: bool = True) -> None:
        """`package` is a package of this module, or where it lies; it is only loaded where it runs. Throws what
        `Package.load` throws."""
        super().__init__()
        is_open = not isinstance(package, (str, os.PathLike))
        path = Path(package.path if is_open else package)
        record = path / RECORD
        lines = record.read_text(encoding="utf-8").splitlines() if record.is_file() else []
        self.verdict = verdict(comparisons(lines), fallback)
        self.module = module.eval()
        self.package: Package | None = None
        self._structure: pytree.TreeSpec | None = None
        self._baseline: Callable[..., Any] | None = None
        if self.verdict.mode is None:
            self.package = package if is_open else Package.load(path)
        else:
            # Not a second submodule: the weights are those of `module`.
            object.__setattr__(self, "_baseline", in_mode(self.module, self.verdict.mode))

    @property
    def report(self) -> str:
        """Which of the two runs, and why, in one line."""
        return self.verdict.sentence

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Calls what the verdict says, as the module is called; keywords in the order of the export."""
        if self.package is None:
            assert self._baseline is not None
            with torch.inference_mode() if self.verdict.mode == "eager" else torch.no_grad():
                return self._baseline(*args, **kwargs)
        results = self.package(*pytree.tree_leaves((args, kwargs)))
        if self._structure is None:
            self._structure = self._learned(args, kwargs)
        return pytree.tree_unflatten(list(results) if isinstance(results, tuple) else [results], self._structure)

    def _learned(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> pytree.TreeSpec:
        """How the module's outputs are nested, which packages do not say: from one call of the module, or of a copy
        where calls leave traces."""
        assert self.package is not None
        module = copy.deepcopy(self.module) if self.package.has_state else self.module
        with torch.no_grad():
            return pytree.tree_structure(module(*args, **kwargs))
