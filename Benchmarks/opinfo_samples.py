"""PyTorch's own samples of operators (`torch.testing._internal`, the OpInfo database): which belong to the core ATen operators,
what each computes in double precision, and its graph of ATen calls.

The database needs the package `expecttest`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, fx
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils import _pytree as pytree

DTYPES = {
    "f64": torch.float64, "f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16, "i64": torch.int64,
    "i32": torch.int32, "i16": torch.int16, "i8": torch.int8, "u8": torch.uint8, "bool": torch.bool,
}  # fmt: skip
COMPLEX = {"c64": torch.complex64, "c128": torch.complex128, "c32": torch.complex32}

# Core operators that no OpInfo is named after, with OpInfos whose calls become them (variants after a colon).
REACHED_BY = {
    "_adaptive_avg_pool2d": ["nn.functional.adaptive_avg_pool2d"],
    "_adaptive_avg_pool3d": ["nn.functional.adaptive_avg_pool3d"],
    "_cdist_forward": ["cdist"],
    "_embedding_bag": ["nn.functional.embedding_bag"],
    "_fft_c2r": ["fft.irfft"],
    "_fft_r2c": ["fft.rfft"],
    "_local_scalar_dense": ["item"],
    "_log_softmax": ["log_softmax", "log_softmax:with_dtype"],
    "_native_batch_norm_legit_no_training": ["nn.functional.batch_norm"],
    "_pdist_forward": ["nn.functional.pdist"],
    "_softmax": ["softmax", "softmax:with_dtype"],
    "_to_copy": ["to"],
    "col2im": ["nn.functional.fold"],
    "convolution": [
        *(f"nn.functional.conv{rank}d" for rank in (1, 2, 3)),
        *(f"nn.functional.conv_transpose{rank}d" for rank in (1, 2, 3)),
    ],
    "index": ["__getitem__"],
    "max_pool2d_with_indices": ["nn.functional.max_pool2d"],
    "max_pool3d_with_indices": ["nn.functional.max_pool3d"],
    "reflection_pad1d": ["nn.functional.pad:reflect"],
    "reflection_pad2d": ["nn.functional.pad:reflect"],
    "reflection_pad3d": ["nn.functional.pad:reflect"],
    "replication_pad2d": ["nn.functional.pad:replicate"],
    "replication_pad3d": ["nn.functional.pad:replicate"],
    "upsample_bilinear2d": ["nn.functional.interpolate:bilinear", "nn.functional.upsample_bilinear"],
    "upsample_nearest2d": ["nn.functional.interpolate:nearest", "nn.functional.upsample_nearest"],
}

# How far a result may lie from the one in double precision, relative to the element and the tensor's median magnitude.
NEARNESS = {torch.float64: 1e-12, torch.float32: 1e-5, torch.float16: 4e-3, torch.bfloat16: 3e-2}


def title(op: Any) -> str:
    """An OpInfo's name with its variant: `max:binary`."""
    return op.name + (f":{op.variant_test_name}" if op.variant_test_name else "")


def core_infos(core: set[str]) -> tuple[dict[str, tuple[Any, list[str]]], list[str]]:
    """The OpInfos of core operators by title, each with the operators that it stands for; and the core operators that
    have none."""
    warnings.filterwarnings("ignore")
    from torch.testing._internal.common_methods_invocations import op_db

    by_name: dict[str, list[Any]] = {}
    for op in op_db:
        for name in {op.name.removeprefix("nn.functional."), op.aten_name}:
            by_name.setdefault(name, []).append(op)
    titles = {title(op): op for op in op_db}
    found: dict[str, tuple[Any, list[str]]] = {}
    bare = []
    for name in sorted(core):
        infos = by_name.get(name) or [titles[one] for one in REACHED_BY.get(name, ()) if one in titles]
        for op in infos:
            found.setdefault(title(op), (op, []))[1].append(name)
        if not infos:
            bare.append(name)
    return dict(sorted(found.items())), bare


@dataclass
class Sample:
    """One call of an operator, and what PyTorch makes of it."""

    number: int
    call: Callable[..., list[Tensor]]
    """From the tensors to all results as a flat list, and the tensors that the call changes after them; numbers become
    tensors without axes, complex ones pairs."""
    tensors: list[Tensor]
    """What the call takes. Packages have no complex element type, so complex tensors are pairs here too: the call begins with
    `torch.view_as_complex`."""
    own: list[Tensor]
    """The results in the sample's own types."""
    truth: list[Tensor]
    """The same in double precision."""
    text: str
    """What the call looks like."""
    free: bool = False
    """Whether any values are right: random numbers, memory that nothing has written."""
    ties: bool = False
    """Whether the second result says where elements lie that may tie."""
    graph: fx.GraphModule | None = field(default=None, repr=False)
    constants: dict[str, Tensor] = field(default_factory=dict, repr=False)


def flat_results(results: Any) -> list[Tensor]:
    """The tensors of an operator's results."""
    flat: list[Tensor] = []
    for one in pytree.tree_leaves(results):
        if isinstance(one, Tensor):
            flat.append(pair(one) if one.is_complex() else one)
        elif isinstance(one, (bool, torch.SymBool)):
            flat.append(torch.scalar_tensor(one, dtype=torch.bool))
        elif isinstance(one, (int, torch.SymInt)):
            flat.append(torch.scalar_tensor(one, dtype=torch.int64))
        elif isinstance(one, (float, torch.SymFloat)):
            flat.append(torch.scalar_tensor(one, dtype=torch.float64))
        elif isinstance(one, complex):
            flat.append(pair(torch.scalar_tensor(one, dtype=torch.complex128)))
    return flat


def pair(tensor: Tensor) -> Tensor:
    """A complex tensor as one of real numbers, with a last axis of real and imaginary part."""
    return torch.view_as_real(tensor.resolve_conj())


def described(value: Any) -> str:
    """An argument in few words: tensors by type and shape."""
    if isinstance(value, Tensor):
        return f"{str(value.dtype).removeprefix('torch.')}{list(value.shape)}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(described, value)) + "]"
    if isinstance(value, dict):
        return ", ".join(f"{name}={described(one)}" for name, one in value.items())
    return repr(value)


def samples(op: Any, dtype: torch.dtype, most: int | None = None) -> Iterator[Sample]:
    """The forward samples of an OpInfo that eager PyTorch computes, numbered from 0, at most `most`."""
    torch.manual_seed(0)
    number = 0
    for given in op.sample_inputs("cpu", dtype, requires_grad=False):
        if number == most:
            return
        sample = evaluated(op, number, given)
        if sample is not None:
            number += 1
            yield sample


def evaluated(op: Any, number: int, given: Any) -> Sample | None:
    """A sample with PyTorch's results; None where PyTorch refuses it or gives nothing."""
    flat, spec = pytree.tree_flatten((given.input, given.args, given.kwargs))
    places = [place for place, one in enumerate(flat) if isinstance(one, Tensor)]
    changed: list[int] = []

    def call(*tensors: Tensor, double: bool = False) -> list[Tensor]:
        taken = [one.clone() if k in changed else one for k, one in enumerate(tensors)]
        leaves = [doubled(one) if double else one for one in flat]
        for place, tensor in zip(places, taken, strict=True):
            leaves[place] = torch.view_as_complex(tensor) if flat[place].is_complex() else tensor
        first, args, kwargs = pytree.tree_unflatten(leaves, spec)
        return flat_results(op.op(first, *args, **kwargs)) + [taken[k] for k in changed]

    # Packages take dense tensors.
    dense = [flat[place].detach() for place in places]
    tensors = [(pair(one) if one.is_complex() else one).contiguous().clone() for one in dense]
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        copies = [tensor.clone() for tensor in tensors]
        try:
            own = [one.clone() for one in call(*copies)]
        except Exception:  # What PyTorch does not compute is no sample.
            return None
        # By value, as not every operator counts a version up; NaN, which equals nothing, does no harm here.
        changed += [k for k, one in enumerate(copies) if not torch.equal(one, tensors[k])]
        own += [copies[k] for k in changed]
        if not own:
            return None
        truth = in_double(lambda *given: call(*given, double=True), tensors, own)
    text = ", ".join(
        part for part in (described(given.input), *map(described, given.args), described(given.kwargs)) if part
    )
    text = f"{title(op)}({text})"[:300]
    free, ties = "empty" in op.name, op.name in ("sort", "topk", "max", "min") and len(own) == 2
    return Sample(number, call, tensors, own, truth, text, free, ties)


def doubled(value: Any) -> Any:
    """Double precision in the place of a floating-point or complex type; other values as they are."""
    if isinstance(value, torch.dtype) and (value.is_floating_point or value.is_complex):
        return torch.complex128 if value.is_complex else torch.float64
    return value


def in_double(call: Callable[..., list[Tensor]], tensors: list[Tensor], own: list[Tensor]) -> list[Tensor]:
    """The results with every floating-point input, default and requested type replaced by double; the sample's own
    results where PyTorch cannot do that."""
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        exact = call(*(one.double() if one.is_floating_point() else one.clone() for one in tensors))
        same = [
            a.shape == b.shape and a.is_floating_point() == b.is_floating_point()
            for a, b in zip(exact, own, strict=False)
        ]
        if len(exact) == len(own) and all(same):
            return [one.clone() for one in exact]
    except Exception:  # noqa: S110 - PyTorch lacks the operator in double.
        pass
    finally:
        torch.set_default_dtype(default)
    return [one.double() if one.is_floating_point() else one for one in own]


def traced(call: Callable[..., list[Tensor]], fakes: list[Tensor]) -> fx.GraphModule:
    """The functional graph of a call."""
    with torch.no_grad():
        return make_fx(torch.func.functionalize(call, remove="mutations"))(*fakes)


def capture(sample: Sample, mode: Any) -> None:
    """Traces a sample's call, in place: a functional graph of ATen operators below autograd, as compilers of PyTorch get it.
    Throws what PyTorch throws."""
    from hearth.programs import lifted

    with mode:
        fakes = [mode.from_tensor(tensor, static_shapes=True) for tensor in sample.tensors]
    graph = traced(sample.call, fakes)
    writes = {torch.ops.aten.copy_.default, torch.ops.aten.native_batch_norm.default}
    if any(node.target in writes for node in graph.graph.nodes):
        # The call could change its inputs, though it did not.
        graph = traced(lambda *tensors: sample.call(*(one.clone() for one in tensors)), fakes)
    sample.constants = lifted(graph)
    for node in graph.graph.nodes:
        value = node.meta.get("val")
        if isinstance(value, Tensor) and getattr(value, "fake_mode", None) is not mode:
            with mode:  # A constant of the call.
                node.meta["val"] = torch.empty_strided(value.shape, value.stride(), dtype=value.dtype)
        overload = node.target
        if isinstance(overload, torch._ops.OpOverload) and torch.Tag.nondeterministic_seeded in overload.tags:
            sample.free = True
    sample.graph = graph


def tied(values: Tensor, positions: Tensor, source: Tensor) -> bool:
    """Whether positions that are not PyTorch's are right too, since elements tie: along some axis each names another
    element, and these are the values."""
    if source.dim() == 0:
        return bool((positions == 0).all())
    for axis in range(source.dim()):
        apart = values.dim() < source.dim()
        at, wanted = (one.unsqueeze(axis) if apart else one for one in (positions, values))
        extent = source.shape[axis]
        fits = all(a <= b for k, (a, b) in enumerate(zip(at.shape, source.shape, strict=True)) if k != axis)
        if not fits or not bool(((at >= 0) & (at < extent)).all()):
            continue
        ordered = at.sort(axis).values
        distinct = bool((ordered.diff(dim=axis) > 0).all())
        if distinct and torch.equal(source.gather(axis, at).nan_to_num(7.0), wanted.nan_to_num(7.0)):
            return True
    return False


def difference(given: Tensor, own: Tensor, truth: Tensor) -> tuple[str | None, bool]:
    """What is wrong with a result, None where nothing is; and whether it is right only beside PyTorch's own deviation from double
    precision."""
    if given.dtype != own.dtype:
        return f"the result is {given.dtype}, not {own.dtype}", False
    if given.shape != own.shape:
        return "the result has another shape", False
    if not own.is_floating_point():
        right = (given == own) | (given == truth.to(own.dtype))
        if bool(right.all()):
            return None, False
        return f"{int((~right).sum())} of {right.numel()} elements differ: {first(given, own, ~right)}", False
    g, p, t = given.double(), own.double(), truth.to(own.dtype).double()
    finite = t[t.isfinite() & (t != 0)].abs()
    scale = float(finite.median()) if finite.numel() else 0.0
    limit = NEARNESS[own.dtype] * (torch.where(t.isfinite(), t.abs(), 0) + scale)
    # Steps at the lower end of the type's range.
    limit = limit + 2 * torch.finfo(own.dtype).smallest_normal * torch.finfo(own.dtype).eps

    def near(a: Tensor, b: Tensor) -> Tensor:
        return (a == b) | (a.isnan() & b.isnan()) | ((a - b).abs() <= limit)

    right = near(g, t)
    if bool(right.all()):
        return None, False
    beyond = (p - t).abs()[~near(p, t)]
    beyond = beyond[beyond.isfinite()]
    deviation = float(beyond.max()) if beyond.numel() else 0.0
    right = right | near(g, p) | ((g - t).abs() <= 4 * deviation)
    if bool(right.all()):
        return None, True
    return f"{int((~right).sum())} of {right.numel()} elements differ: {first(g, t, ~right)}", False


def first(given: Tensor, truth: Tensor, wrong: Tensor) -> str:
    """The first wrong element beside the right one."""
    place = wrong.nonzero()[0].tolist()
    return f"{given[tuple(place)].item()!r} for {truth[tuple(place)].item()!r} at {place}"
