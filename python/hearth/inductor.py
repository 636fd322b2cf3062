"""PyTorch's own compiler beside packages: what Inductor is measured to run faster may stay with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, fx
from torch._dynamo.convert_frame import compile_lock

from hearth.loading import one_line
from hearth.programs import copied
from hearth.splitting import PackagePart, Split, is_random
from hearth.timing import Comparison, beside

__all__ = ["Finding", "attempt", "finding", "function", "missing", "twin", "with_rest"]

CLEARLY = 1.05
"""How much faster Inductor must be to keep what it runs; noise must not decide."""


@dataclass(frozen=True)
class Finding:
    """What was found out about Inductor and a graph."""

    run: Callable[..., Any] | None
    """Inductor's function of all the graph's placeholders, where the graph stays with it."""
    sentence: str


def missing() -> str | None:
    """Why Inductor cannot compile on this machine; None where it can."""
    try:
        from torch._inductor.cpp_builder import get_cpp_compiler

        get_cpp_compiler()
    except Exception:  # PyTorch's error of its own, and whatever a broken compiler makes of the question.
        return "Inductor finds no C++ compiler here; install g++, or name one in CXX"
    return None


def unfit(graph: fx.GraphModule) -> str | None:
    """Why a graph is not Inductor's to run, whatever the times; None where it may be."""
    for node in graph.graph.nodes:
        if is_random(node):
            return "it draws random numbers, and Inductor draws others"
        if node.op == "placeholder" and is_dynamic(node.meta.get("val")):
            return "its sizes change"
    return None


def is_dynamic(value: Any) -> bool:
    """Whether a value is a size that changes, or has one."""
    if isinstance(value, Tensor):
        return any(isinstance(one, torch.SymInt) for one in (*value.shape, *value.stride()))
    return isinstance(value, torch.SymInt)


def twin(value: Any) -> Any:
    """A tensor that lies as the given one does, in memory of its own and of no inference mode; other values as they are."""
    if not isinstance(value, Tensor) or value.layout != torch.strided:
        return value
    extent = 1 + sum((size - 1) * step for size, step in zip(value.shape, value.stride(), strict=True))
    with torch.inference_mode(False), torch.no_grad():
        memory = value.detach().as_strided((extent if value.numel() else 0,), (1,)).clone()
        return memory.as_strided(value.shape, value.stride())


def function(graph: fx.GraphModule, inputs: Sequence[Any]) -> Callable[..., Any]:
    """Inductor's function of a functional graph, for inputs of the sizes and strides of these. Throws what Inductor does."""
    # TorchDynamo may compile in another thread meanwhile; both share PyTorch's state.
    with compile_lock, torch.inference_mode(False), torch.no_grad():
        return torch._inductor.compile(copied(graph), list(inputs))


def attempt(graph: fx.GraphModule, inputs: Sequence[Any]) -> Callable[..., Any] | str:
    """Inductor's function of a graph, or why there is none."""
    why = missing() or unfit(graph)
    if why is not None:
        return why
    try:
        return function(graph, inputs)
    except Exception as error:  # Whatever a compiler throws: then it is no rival.
        return f"Inductor does not compile it: {one_line(error)}"


def is_clear(found: Comparison) -> bool:
    """Whether Inductor is faster beyond doubt and by more than noise makes."""
    return found.ratio * CLEARLY < 1 and found.high < 1


def finding(made: Callable[..., Any] | str, found: Comparison | None = None) -> Finding:
    """What an attempt came to, and the measurement of it beside packages."""
    if isinstance(made, str) or found is None:
        return Finding(None, f"not compared with Inductor: {made}")
    if is_clear(found):
        return Finding(made, f"Inductor runs it: {1 / found.ratio:.2f} times as fast as packages ({found.measured})")
    return Finding(None, f"Inductor is not faster by more than {CLEARLY - 1:.0%} ({found.measured})")


class Apart(torch.nn.Module):
    """A package that TorchDynamo does not look into."""

    def __init__(self, part: PackagePart) -> None:
        super().__init__()
        self.part = part

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def forward(self, *inputs: Any) -> Any:
        return self.part(*inputs)


def rest(split: Split) -> Callable[..., Any]:
    """What runs a divided graph where Inductor compiles what lies between packages."""
    graph = copied(split.graph)
    for name, part in list(graph.named_children()):
        if isinstance(part, PackagePart):
            setattr(graph, name, Apart(part))
    compiled: Callable[..., Any] = torch.compile(graph)
    return compiled


def with_rest(split: Split, inputs: Sequence[Any]) -> tuple[Split, str]:
    """The same division with what PyTorch keeps compiled by Inductor, where that is measured to be faster on these inputs,
    and what was found."""
    why = missing()
    if any(map(is_random, split.graph.graph.nodes)):
        why = "they draw random numbers, and Inductor draws others"
    if why is None:
        try:
            with torch.no_grad():
                (quick := rest(split))(*inputs)
            found = beside("inductor", partial(split.run, *inputs), partial(quick, *inputs))
        except Exception as error:  # Whatever a compiler throws: then they stay as they are.
            why = one_line(error)
    if why is not None:
        return split, f"Inductor does not compile the calls that PyTorch keeps: {why}"
    if is_clear(found):
        return (
            replace(split, run=quick),
            f"Inductor compiles the calls that PyTorch keeps: the whole is {1 / found.ratio:.2f} times as fast ({found.measured})",
        )
    return split, f"Inductor does not make the calls that PyTorch keeps faster ({found.measured})"
