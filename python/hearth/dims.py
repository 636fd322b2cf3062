"""Dynamic dims as users name them, checked against example inputs and turned into what torch.export takes."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from hearth.loading import ModelError, Source


def dimension(spec: Any, known: dict[str, Any] | None) -> Any:
    """One entry of the dynamic dims as torch.export takes it. Equal names share one dimension in `known`; without
    `known` names become dimensions that torch.export relates by itself."""
    if isinstance(spec, str):
        spec = (spec,)
    if isinstance(spec, (tuple, list)) and spec and isinstance(spec[0], str):
        name, low, high = (list(spec) + [None, None])[:3]
        if known is None:
            return torch.export.Dim.DYNAMIC(min=low, max=high)
        if name not in known:
            known[name] = torch.export.Dim(name, min=low, max=high)
        return known[name]
    return spec


def dynamic_shapes(dims: Any, known: dict[str, Any] | None) -> Any:
    """Dynamic dims with names replaced by dimensions: a tree whose innermost dicts go from axis to dimension."""
    if isinstance(dims, dict):
        if dims and all(isinstance(axis, int) for axis in dims):
            return {axis: dimension(spec, known) for axis, spec in dims.items()}
        return {name: dynamic_shapes(inner, known) for name, inner in dims.items()}
    if isinstance(dims, (tuple, list)):
        return type(dims)(dynamic_shapes(inner, known) for inner in dims)
    return dims


def check_dims(value: Any, dims: Any, place: str) -> None:
    """Holds dynamic dims against the inputs that they describe; a name or an axis that is not there is the user's error."""
    if dims is None:
        return
    if isinstance(value, Tensor):
        entries = (
            dims.items() if isinstance(dims, dict) else enumerate(dims) if isinstance(dims, (tuple, list)) else None
        )
        if entries is None:
            raise ModelError(f"dynamic dims of {place}: expected a dict from axis to name, not {type(dims).__name__}")
        for axis, _ in entries:
            if not isinstance(axis, int) or not 0 <= axis < value.dim():
                raise ModelError(f"dynamic dims of {place}: no axis {axis!r} in a tensor of shape {list(value.shape)}")
    elif isinstance(dims, dict) and isinstance(value, dict):
        for name, inner in dims.items():
            if name not in value:
                raise ModelError(f"dynamic dims of {place}: no entry '{name}'; there are: {', '.join(map(str, value))}")
            check_dims(value[name], inner, f"{place}['{name}']")
    elif isinstance(dims, (tuple, list)) and isinstance(value, (tuple, list)):
        if len(dims) > len(value):
            raise ModelError(f"dynamic dims of {place}: {len(dims)} entries for {len(value)} inputs")
        for index, (entry, inner) in enumerate(zip(value, dims, strict=False)):
            check_dims(entry, inner, f"{place}[{index}]")


def check_source(source: Source) -> None:
    """Holds a model's inputs against `forward`'s parameters, and its dynamic dims against the inputs."""
    try:
        bound = inspect.signature(source.module.forward).bind(*source.args, **source.kwargs)
    except TypeError as error:
        raise ModelError(f"'{source.function}': example inputs do not fit forward(): {error}") from None
    if not isinstance(source.dims, dict):
        check_dims(source.args, source.dims, "the inputs")
        return
    for name, dims in source.dims.items():
        if name not in bound.arguments:
            known = ", ".join(bound.arguments)
            raise ModelError(f"'{source.function}': dynamic dims name '{name}', but the inputs are: {known}")
        check_dims(bound.arguments[name], dims, f"'{name}'")


def named_axes(value: Any, dims: Any) -> Iterator[dict[int, str]]:
    """For every tensor of `value` in pytree order, the names that the dynamic dims give its axes."""
    if isinstance(value, Tensor):
        entries = dims.items() if isinstance(dims, dict) else enumerate(dims) if isinstance(dims, (tuple, list)) else ()
        names = {}
        for axis, spec in entries:
            first = spec[0] if isinstance(spec, (tuple, list)) and spec else spec
            name = first if isinstance(first, str) else getattr(first, "__name__", None)
            if isinstance(name, str):
                names[axis] = name
        yield names
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from named_axes(inner, dims.get(name) if isinstance(dims, dict) else None)
    elif isinstance(value, (tuple, list)):
        specs = list(dims) if isinstance(dims, (tuple, list)) else []
        for index, inner in enumerate(value):
            yield from named_axes(inner, specs[index] if index < len(specs) else None)


def symbol_names(source: Source, program: torch.export.ExportedProgram) -> dict[str, str]:
    """What the user calls the program's symbols, by symbol; only symbols that are an extent of an input by themselves."""
    if isinstance(source.dims, dict):
        bound = inspect.signature(source.module.forward).bind(*source.args, **source.kwargs).arguments
        axes = [names for key, value in bound.items() for names in named_axes(value, source.dims.get(key))]
    else:
        axes = list(named_axes((*source.args, *source.kwargs.values()), source.dims))
    inputs = set(program.graph_signature.user_inputs)
    values = [node.meta.get("val") for node in program.graph.nodes if node.op == "placeholder" and node.name in inputs]
    tensors = [value for value in values if isinstance(value, Tensor)]
    names: dict[str, str] = {}
    if len(tensors) == len(axes):
        for value, named in zip(tensors, axes, strict=True):
            for axis, name in named.items():
                symbol = str(value.shape[axis])
                if symbol.isidentifier():
                    names.setdefault(symbol, name)
    return names
