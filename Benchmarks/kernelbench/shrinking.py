"""Makes a problem small enough for a machine, by a rule and not by hand.

What a call costs is counted on tensors without memory: operations of products and convolutions, elements of inputs and of
what operators write, and elements of weights and inputs. While a bound is passed, one size is halved (an odd one stays odd):
sizes of a batch down to 4 first, then the largest of the others down to 16, then the batch down to 1. Where
the problem's code fails with a halving, all sizes of the same value are halved together; where it fails again, or
where a halving spares less than 1 %, it is taken back, and that size stays as it is.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

from problems import Problem, load

BATCHES = {"batch_size", "batch", "b"}
LEAST_BATCH, LEAST = 1, 16
EARLY_BATCH = 4
STEPS = 200


@dataclass(frozen=True)
class Cost:
    """What one call takes, or may take."""

    operations: float
    """Multiplications and additions of products and convolutions."""
    written: float
    """Elements of inputs, and those that operators write, views left out."""
    held: float
    """Elements of weights and inputs."""

    def within(self, bound: Cost) -> bool:
        return self.excess(bound) <= 1

    def excess(self, bound: Cost) -> float:
        """The largest of the three as a multiple of its bound."""
        return max(
            self.operations / bound.operations, self.written / bound.written, self.held / bound.held
        )  # fmt: skip

    def weight(self, bound: Cost) -> float:
        """All three, for telling whether anything was spared."""
        return self.operations / bound.operations + self.written / bound.written + self.held / bound.held

    def row(self) -> dict[str, float]:
        return {"operations": self.operations, "written": self.written, "held": self.held}


TWO_CORES = Cost(4e9, 1.6e7, 6.4e7)
"""What a machine of two cores checks in double precision within seconds."""


def cost(problem: Problem, sizes: dict[str, int]) -> tuple[Cost, dict[str, int]]:
    """The cost of a call at these sizes, and all sizes; throws what the problem's code throws."""
    import torch
    from torch._subclasses import FakeTensorMode
    from torch._subclasses.fake_tensor import DataDependentOutputException, unset_fake_temporarily
    from torch.utils import _pytree as pytree
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils.flop_counter import FlopCounterMode

    class Written(TorchDispatchMode):
        """Counts the elements of results that are not views."""

        elements = 0

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            result = func(*args, **(kwargs or {}))
            if not func.is_view:
                leaves = pytree.tree_leaves(result)
                self.elements += sum(x.numel() for x in leaves if isinstance(x, torch.Tensor))
            return result

    loaded = load(problem, sizes)
    with warnings.catch_warnings(), FakeTensorMode(allow_non_fake_inputs=True), torch.no_grad():
        warnings.simplefilter("ignore")
        try:
            module = loaded.module()
        except DataDependentOutputException:  # Its sizes depend on values of tensors.
            with unset_fake_temporarily():
                module = loaded.module()
        inputs = loaded.inputs()
        tensors = [*module.parameters(), *module.buffers(), *pytree.tree_leaves(inputs)]
        held = sum(x.numel() for x in tensors if isinstance(x, torch.Tensor))
        with FlopCounterMode(display=False) as operations, Written() as written:
            written.elements += sum(x.numel() for x in pytree.tree_leaves(inputs) if isinstance(x, torch.Tensor))
            module(*inputs)
    return Cost(float(operations.get_total_flops()), float(written.elements), float(held)), loaded.sizes


def is_batch(name: str) -> bool:
    return name.lower() in BATCHES


def halved(value: int) -> int:
    """Half of a size; an odd size stays odd."""
    return value // 2 | value % 2


def candidate(sizes: dict[str, int], frozen: set[str]) -> str | None:
    """The size to halve next; None where none is left."""
    batches = [name for name in sizes if is_batch(name) and name not in frozen]
    others = [name for name in sizes if not is_batch(name) and name not in frozen and halved(sizes[name]) >= LEAST]
    for name in batches:
        if halved(sizes[name]) >= EARLY_BATCH:
            return name
    if others:
        return max(others, key=lambda name: sizes[name])
    return next((name for name in batches if halved(sizes[name]) >= LEAST_BATCH), None)


@dataclass
class Shrunk:
    """A problem at sizes that fit."""

    sizes: dict[str, int]
    """Those that differ from the problem's own."""
    changes: dict[str, list[int]]
    """Old and new value of each."""
    full: Cost
    cost: Cost


def shrink(problem: Problem, bound: Cost = TWO_CORES) -> Shrunk:
    """Halves sizes until a call fits. Throws what the problem's code throws at its full sizes."""
    full, own = cost(problem, {})
    now, sizes, frozen = full, dict(own), set[str]()
    for _ in range(STEPS):
        if now.within(bound):
            break
        name = candidate(sizes, frozen)
        if name is None:
            break
        alike = [other for other in sizes if sizes[other] == sizes[name]]
        for names in [[name]] + [alike] * (len(alike) > 1):
            tried = {**sizes, **{other: halved(sizes[other]) for other in names}}
            try:
                found, _ = cost(problem, tried)
            except Exception:
                continue
            if found.weight(bound) <= 0.99 * now.weight(bound):
                now, sizes = found, tried
                break
        else:
            frozen.add(name)
    changes = {name: [own[name], value] for name, value in sizes.items() if value != own[name]}
    return Shrunk({name: pair[1] for name, pair in changes.items()}, changes, full, now)
