"""The drop-in: a package in the place of the PyTorch module that it was made from, where it is worth it.

    from hearth.optimized import OptimizedModule
    model = OptimizedModule("model.hearth", module)
    y = model(x)                 # called as the module is
    print(model.report)          # which of the two runs, and why

The promise is that nobody gets something slower than PyTorch. `hearth optimize --against all` measures the package
beside all modes of PyTorch and writes what it found into the package (`search.jsonl`). Where nothing beats the best
of the modes that were measured by more than 2 % ("no gain", by the rule of `hearth bench` and the report), the
drop-in runs the module in that mode instead; `fallback=False` runs the package whatever was measured. Nothing is
timed here: what counts is the record, which holds for the machine and the shapes that it was measured on; on another
machine it says nothing. A package without such a record runs, and `report` says that it was not compared with PyTorch
on this machine.

A package computes no gradients and keeps the weights that it was made with. Its state, where it has one, is not the
module's.
"""

from __future__ import annotations

import copy
import json
import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils import _pytree as pytree

from hearth.baseline import TORCH_MODES
from hearth.drawing import follow
from hearth.engines import COMPILE_MODES
from hearth.library import HearthError
from hearth.program_parts import SplitProgram
from hearth.runtime import Package
from hearth.structure import Structure
from hearth.timing import Comparison

__all__ = ["Comparison", "OptimizedModule", "Verdict"]

RECORD = "search.jsonl"
"""File of a package with the events of its search; `Documentation/search-events.md`."""


@dataclass(frozen=True)
class Verdict:
    """What a drop-in runs, and why."""

    mode: str | None
    """PyTorch's mode that runs in the package's place; None where the package runs."""
    sentence: str


def comparisons(lines: Iterable[str]) -> list[Comparison]:
    """The comparisons with PyTorch's modes that a record tells of, the last of each mode. Peers and the package
    without its search are left out: a drop-in cannot run them. Lines that are not known are passed over."""
    found: dict[str, Comparison] = {}
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if not isinstance(event, dict) or event.get("event") != "comparison" or "failure" in event:
            continue
        mode, given = event.get("against"), [event.get(name) for name in ("ratio", "low", "high")]
        numbers = [float(x) for x in given if isinstance(x, (int, float))]
        times = [event.get(name) for name in ("seconds", "their_seconds")]
        if mode in TORCH_MODES and len(numbers) == 3:
            known = [float(x) for x in times if isinstance(x, (int, float)) and x > 0]
            found[mode] = Comparison(mode, *numbers, *(known if len(known) == 2 else ()))
    return list(found.values())


def measured_on(lines: Iterable[str]) -> str | None:
    """The machine that a record was made on, as the package's device calls itself; None where the record does not say."""
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict) and event.get("event") == "start":
            machine = event.get("machine")
            return machine if isinstance(machine, str) else None
    return None


def verdict(found: list[Comparison], fallback: bool = True, elsewhere: str | None = None) -> Verdict:
    """What is to run after these comparisons; `elsewhere` is the machine that they were made on, where it is not this
    one: then they say nothing."""
    if found and elsewhere is not None:
        return Verdict(
            None,
            f"the package runs, but was compared with PyTorch on another machine ({elsewhere}): "
            "optimize the module here, with against='all' (--against all), to have it compared",
        )
    if not found:
        return Verdict(
            None,
            "the package runs, but was not compared with PyTorch on this machine: "
            "hearth optimize --against all does that, and keeps the finding in the package",
        )
    best = min(found, key=lambda comparison: comparison.ratio)
    if best.is_gain:
        return Verdict(
            None, f"the package runs: {best.ratio:.2f} times as fast as PyTorch's {best.mode} ({best.measured})"
        )
    said = f"no gain: the package does not beat PyTorch's {best.mode} by more than 2 % ({best.measured})"
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

    def __init__(
        self,
        package: str | os.PathLike[str] | Package | SplitProgram,
        module: nn.Module | None,
        fallback: bool = True,
        structure: Structure | None = None,
    ) -> None:
        """`package` is a package of this module, or where it lies (then it is only loaded where it runs), or a
        program of which packages compute parts. Without a module the package runs whatever was measured. `structure`
        is how the module is called; by default that of the package, and where it has none, the module's. Throws what
        `Package.load` throws."""
        super().__init__()
        self.split = package if isinstance(package, SplitProgram) else None
        """The program, where PyTorch keeps calls that a package cannot hold."""
        self.path: Path | None = None
        """Where the package lies; None where there are several."""
        is_place = isinstance(package, (str, os.PathLike))
        lines: list[str] = []
        if self.split is None:
            self.path = Path(package if is_place else package.path)  # type: ignore[arg-type, union-attr]
            structure = structure or Structure.read(self.path)
            record = self.path / RECORD
            lines = record.read_text(encoding="utf-8").splitlines() if record.is_file() else []
        self.package: Package | None = None
        found, machine = comparisons(lines), measured_on(lines)
        if found and machine is not None:
            self.package = Package.load(package) if is_place else package  # type: ignore[arg-type, assignment]
            here = self.package.device_model  # type: ignore[union-attr]
            machine = None if machine == here else machine
        self.verdict = verdict(found, fallback and module is not None, machine)
        if self.split is not None:
            self.verdict = Verdict(None, f"{kept_sentence(self.split)}; it was not compared with PyTorch")
        self.module = module.eval() if module is not None else None
        self.structure = structure
        self._learnt: pytree.TreeSpec | None = None
        self._baseline: Callable[..., Any] | None = None
        if self.verdict.mode is not None:
            # Not a second submodule: the weights are those of `module`.
            object.__setattr__(self, "_baseline", in_mode(module, self.verdict.mode))  # type: ignore[arg-type]
            self.package = None
        elif self.split is None and self.package is None:
            self.package = Package.load(package) if is_place else package  # type: ignore[arg-type, assignment]
        if self.package is not None:
            follow(self.package)

    def decide(self, found: list[Comparison], fallback: bool) -> None:
        """Takes what the packages of a divided program and PyTorch were measured to take together: where that is no gain,
        the fastest of PyTorch's modes runs."""
        assert self.split is not None
        if found:
            decision = verdict(found, fallback and self.module is not None)
            self.verdict = Verdict(decision.mode, f"{decision.sentence}; {kept_sentence(self.split)}")
            if decision.mode is not None:
                object.__setattr__(self, "_baseline", in_mode(self.module, decision.mode))  # type: ignore[arg-type]
        else:
            self.verdict = Verdict(None, f"{kept_sentence(self.split)}; it was not compared with PyTorch")

    @property
    def report(self) -> str:
        """What runs, and why: one line, one more for each operator that PyTorch keeps, whether Inductor compiles those, and
        where the package computes in fewer bits than the module, what that costs."""
        kept = self.split.split.kept if self.split is not None else []
        lines = [f"  {one.sentence}" for one in kept]
        packages = [part.package.path for part in self.split.split.parts] if self.split is not None else [self.path]
        if self.verdict.mode is None:
            if self.split is not None and self.split.rest is not None:
                lines.append(f"  {self.split.rest}")
            lines += [f"  {line}" for path in packages if path is not None for line in lowered(Path(path))]
        return "\n".join([self.verdict.sentence, *lines])

    def baseline(self) -> nn.Module:
        """The module that this one stands for. Throws `HearthError` where there is none."""
        if self.module is None:
            raise HearthError(
                f"the package '{self.path}' was loaded without its module; give it: hearth.load(path, module)"
            )
        return self.module

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Copies the package to a folder that does not exist yet: `hearth.load(path)` takes it, and so does every
        command of Hearth. Throws `HearthError` where calls run in PyTorch, which a package cannot hold."""
        if self.path is None:
            assert self.split is not None
            names = "; ".join(f"{one.operator} (first at {one.line})" for one in self.split.split.kept)
            raise HearthError(f"a package cannot hold what runs in PyTorch: {names or 'parts of a program'}")
        target = Path(path)
        if target.exists():
            raise HearthError(f"'{target}' exists already; choose another name or remove it")
        shutil.copytree(self.path, target)
        return target

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Calls what the verdict says, as the module is called."""
        if self._baseline is not None:
            with torch.inference_mode() if self.verdict.mode == "eager" else torch.no_grad():
                return self._baseline(*args, **kwargs)
        if self.structure is None:
            return self._without_structure(args, kwargs)
        leaves = self.structure.flat(args, kwargs, self.module.forward if self.module is not None else None)
        if self.package is None:
            assert self.split is not None
            with torch.no_grad():
                return self.structure.nested(self.split(*leaves), leaves)
        results = self.package(*self.structure.tensors(leaves))
        return self.structure.nested(list(results) if isinstance(results, tuple) else [results], leaves)

    def _without_structure(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Keywords in the order of the export; how results are nested is learnt from one call of the module, or of a
        copy where calls leave traces."""
        assert self.package is not None
        results = self.package(*pytree.tree_leaves((args, kwargs)))
        if self._learnt is None and self.module is not None:
            module = copy.deepcopy(self.module) if self.package.has_state else self.module
            with torch.no_grad():
                self._learnt = pytree.tree_structure(module(*args, **kwargs))
        if self._learnt is None:
            return results
        return pytree.tree_unflatten(list(results) if isinstance(results, tuple) else [results], self._learnt)


def lowered(package: Path) -> list[str]:
    """What a package stores or computes in fewer bits than its model, and how far its results are from the model's as it
    was, on the inputs that it was made with; empty where nothing was lowered."""
    try:
        facts = json.loads((package / "manifest.json").read_text(encoding="utf-8")).get("provenance", {})
    except (OSError, ValueError):
        return []
    if "weights" not in facts:
        return []
    costs = [f"output {name.rpartition('.')[2]}: {text}" for name, text in facts.items() if "_deviation." in name]
    return [f"lowered: {facts['weights']}", *costs]


def kept_sentence(program: SplitProgram) -> str:
    """What a program that is divided says of itself."""
    calls = sum(one.count for one in program.split.kept)
    parts = len(program.split.parts)
    return (
        f"{parts} package{'' if parts == 1 else 's'} and PyTorch run it: {calls} call{'' if calls == 1 else 's'} that a package "
        f"cannot hold {'takes' if calls == 1 else 'take'} {program.share:.0%} of the time"
    )
