"""Tensors that outlive a call of a module although no program keeps them: in attributes, lists, dictionaries, globals."""

from __future__ import annotations

import contextlib
import copy
import gc
import linecache
import sys
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree as pytree

from hearth.loading import at, is_library

__all__ = ["assignments_allowed", "escapes"]


def escapes(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], near: Path) -> list[str]:
    """A note for each attribute that a call changes although it is no buffer, and for each line whose tensor stays
    anywhere else after the call: exported programs drop such changes without a word. Lines are preferably of files in
    the folder `near`. To be asked before the module is exported: what tracing leaves in globals cannot be computed with."""
    module_after = copy.deepcopy(module)
    try:
        first = called(module_after, args, kwargs, near)
        lost = {name: first.get(id(value)) for name, value in lost_state(module, module_after)}
        # What a first call leaves in a cache is found there by the second, and is no state.
        second = called(module_after, args, kwargs, near)
    except Exception:  # A module that runs only once: the example's own call has succeeded.
        return []
    notes = [
        f"attribute '{name}' changes in forward but is no buffer: every call starts from its value at capture{at(line)}"
        for name, line in lost.items()
    ]
    kept = {id(value) for value in tensors(module_after)} | {id(value) for value in tensors(module)}
    lines = {line or "an input" for tensor, line in second.items() if tensor not in kept}
    return notes + [
        f"a tensor stays in a list, a dictionary or a global after the call, where a package keeps nothing and PyTorch's "
        f"tracing may leave one without numbers: return it, or keep it in a buffer ({line})"
        for line in sorted(lines)
    ]


def called(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], near: Path) -> dict[int, str | None]:
    """Calls the module on copies; the identities of tensors of this call that are still alive, with the line that made
    each, None for an input."""
    origins = Origins(near)
    given = copy.deepcopy((args, kwargs))
    origins.note(given, None)
    with torch.no_grad(), origins:
        module(*given[0], **given[1])
    del given
    gc.collect()
    alive = [(reference(), line) for reference, line in origins.made]
    return {id(tensor): line for tensor, line in alive if tensor is not None}


class Origins(TorchFunctionMode):
    """Remembers what a call makes, and where, without keeping it alive."""

    def __init__(self, near: Path) -> None:
        super().__init__()
        self.near = str(near)
        self.made: list[tuple[weakref.ref[Tensor], str | None]] = []

    def note(self, values: Any, line: str | None) -> None:
        """Remembers the tensors among values."""
        self.made += [(weakref.ref(one), line) for one in pytree.tree_leaves(values) if isinstance(one, Tensor)]

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        results = func(*args, **(kwargs or {}))
        if any(isinstance(one, Tensor) for one in pytree.tree_leaves(results)):
            self.note(results, model_line(self.near))
        return results


def model_line(near: str) -> str | None:
    """`file:line: source` of the model's code that runs, by the rule of `loading.user_frame`."""
    frame = sys._getframe(2)
    lines = []
    while frame is not None:
        lines.append((frame.f_code.co_filename, frame.f_lineno))
        frame = frame.f_back  # type: ignore[assignment]
    own = [line for line in lines if Path(line[0]).is_relative_to(near)]
    for file, number in own or [line for line in lines if not is_library(line[0])]:
        return f"{file}:{number}: {linecache.getline(file, number).strip()}"
    return None


def lost_state(before: nn.Module, after: nn.Module) -> list[tuple[str, Tensor]]:
    """Tensor attributes that differ between a module and its copy that was called, though neither buffers nor parameters."""
    names = dict(before.named_modules())
    found = []
    for name, inner in after.named_modules():
        held = vars(names[name]) if name in names else {}
        for attribute, value in vars(inner).items():
            old = held.get(attribute)
            if isinstance(value, Tensor) and not (isinstance(old, Tensor) and torch.equal(old, value)):
                found.append((f"{name}.{attribute}".lstrip("."), value))
    return found


def tensors(module: nn.Module) -> Iterator[Tensor]:
    """Parameters, buffers and tensor attributes."""
    yield from module.parameters()
    yield from module.buffers()
    for inner in module.modules():
        yield from (value for value in vars(inner).values() if isinstance(value, Tensor))


@contextlib.contextmanager
def assignments_allowed() -> Iterator[None]:
    """Lets torch.export pass modules whose attributes are assigned while they run, `nn.LSTM` by itself among them: older
    versions refuse such a module where newer ones warn, and `escapes` tells of what is lost."""
    import torch.export._trace as trace

    name = "_detect_attribute_assignment"
    before = getattr(trace, name, None)
    if before is None:
        yield
        return
    setattr(trace, name, lambda _: contextlib.nullcontext())
    try:
        yield
    finally:
        setattr(trace, name, before)
