"""The random numbers that packages draw, in PyTorch.

The k-th call that draws, of the n-th run under a seed, gives element e what Philox4x32-10 makes of the counter (e, k, n) under the
seed as its key (J. K. Salmon and others, "Parallel random numbers: as easy as 1, 2, 3", 2011); the importer
(`Importer+Random.swift`) writes the same into packages. Within `PackageNumbers` PyTorch's own calls draw these, so that a module
can be compared with its package."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from hearth.runtime import Package

__all__ = ["STATE", "PackageNumbers", "follow"]

STATE = "hearth.random"
MASK = 0xFFFFFFFF


def follow(package: Package) -> Package:
    """Lets a package stand in a module's place: calls that draw take their seeds from PyTorch's generator, so that `torch.manual_seed`
    decides them, and results are PyTorch's tensors even where there is no input to tell."""
    package.gives_tensors = True
    if package.draws:
        package.seeds = lambda: int(torch.randint(2**63 - 1, ()))
    return package


class PackageNumbers(TorchDispatchMode):
    """A mode in which calls draw what a package draws in one run: the run number `run` since the seed was set."""

    def __init__(self, seed: int = 0, run: int = 0) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.seed, self.run, self.draws = seed, run, 0

    def state(self) -> Tensor:
        """The package's state after the run."""
        return torch.tensor([self.seed, self.run + 1])

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        rule = RULES.get(func.overloadpacket)
        if rule is None:
            return func(*args, **(kwargs or {}))
        schema = func._schema
        given: dict[str, Any] = dict(zip((argument.name for argument in schema.arguments), args, strict=False))
        given |= kwargs or {}
        for argument in schema.arguments:
            if argument.name not in given and argument.has_default_value():
                given[argument.name] = argument.default_value
        if schema.arguments and schema.arguments[0].alias_info is not None:  # In place.
            target = given["self"]
            return target.copy_(rule(Call(self, given, target)))
        out = given.pop("out", None)
        result = rule(Call(self, given, out))
        return result if out is None else out.copy_(result)


class Call:
    """One call that draws, with its arguments by name."""

    def __init__(self, mode: PackageNumbers, given: dict[str, Any], target: Tensor | None) -> None:
        self.mode, self.given = mode, given
        like = given.get("self", given.get("input"))
        like = like if isinstance(like, Tensor) else target
        size = given.get("size")
        self.shape = (
            tuple(size) if size is not None else tuple(like.shape) if like is not None else (given.get("n", 0),)
        )
        dtype = given.get("dtype") if target is None else target.dtype
        # A schema's own default is a number, not a type.
        dtype = dtype if isinstance(dtype, torch.dtype) else None
        self.dtype = dtype or (like.dtype if like is not None else None)
        self.device = given.get("device") or (like.device if like is not None else torch.device("cpu"))

    def floats(self) -> torch.dtype:
        """The type of floating-point results."""
        return self.dtype or torch.get_default_dtype()

    def words(self, shape: tuple[int, ...]) -> list[Tensor]:
        """Four words of 32 bits an element."""
        number, self.mode.draws = self.mode.draws, self.mode.draws + 1
        element = torch.arange(math.prod(shape), device=self.device, dtype=torch.int64)
        seed, run = self.mode.seed, self.mode.run
        return [word.reshape(shape) for word in philox(element, seed, run, number)]

    def unit(
        self, dtype: torch.dtype, shape: tuple[int, ...] | None = None, words: list[Tensor] | None = None
    ) -> Tensor:
        """Numbers of [0, 1) with as many bits as the type has."""
        words = words or self.words(self.shape if shape is None else shape)
        if dtype == torch.float64:
            return ((words[0] << 21) + (words[1] >> 11)).double() * 2.0**-53
        kept = {torch.bfloat16: 8, torch.float16: 11}.get(dtype, 24)
        return (words[0] >> 32 - kept).float().mul(2.0**-kept).to(dtype)

    def normal(self, dtype: torch.dtype) -> Tensor:
        """Numbers of the normal distribution, computed in f64 for that type and else in f32."""
        kind = torch.float64 if dtype == torch.float64 else torch.float32
        words = self.words(self.shape)
        u = self.unit(kind, words=words)
        v = self.unit(kind, words=words[2:] if kind == torch.float64 else words[1:])
        return (torch.sqrt(-2 * torch.log(1 - u)) * torch.cos(v * (2 * math.pi))).to(dtype)

    def exponential(self, dtype: torch.dtype, shape: tuple[int, ...] | None = None) -> Tensor:
        """Numbers of the exponential distribution of mean one, in f64 or f32."""
        return -torch.log(1 - self.unit(torch.float64 if dtype == torch.float64 else torch.float32, shape))

    def event(self, probability: float, shape: tuple[int, ...] | None = None) -> Tensor:
        """Whether events of a probability happened."""
        return (self.words(self.shape if shape is None else shape)[0] >> 8) < math.ceil(probability * 2**24)

    def whole(self) -> Tensor:
        """Whole numbers of 63 bits."""
        words = self.words(self.shape)
        return ((words[0] & 0x7FFFFFFF) << 32) + words[1]


def philox(element: Tensor, seed: int, run: int, draw: int) -> list[Tensor]:
    """Philox4x32-10 of elements; products wrap, as integers of PyTorch do."""
    counter: list[Any] = [element & MASK, (element >> 32) & MASK, torch.full_like(element, draw), run & MASK]
    key = [seed & MASK, (seed >> 32) & MASK]
    for turn in range(10):
        if turn:
            key = [(key[0] + 0x9E3779B9) & MASK, (key[1] + 0xBB67AE85) & MASK]
        first, second = counter[0] * 0xD2511F53, counter[2] * 0xCD9E8D57
        counter = [
            ((second >> 32) & MASK) ^ counter[1] ^ key[0],
            second & MASK,
            ((first >> 32) & MASK) ^ counter[3] ^ key[1],
            first & MASK,
        ]
    return counter


def uniform(call: Call) -> Tensor:
    low, high = call.given["from"], call.given["to"]
    drawn = call.unit(call.floats())
    return drawn if (low, high) == (0, 1) else drawn * (high - low) + low


def normal(call: Call) -> Tensor:
    mean, std = call.given["mean"], call.given["std"]
    like = next((x for x in (mean, std) if isinstance(x, Tensor)), None)
    if like is not None and "self" not in call.given:
        shapes = [x.shape for x in (mean, std) if isinstance(x, Tensor)]
        call.shape = tuple(torch.broadcast_shapes(*shapes))  # type: ignore[no-untyped-call]
        call.dtype, call.device = like.dtype, like.device
    kind = torch.float64 if call.floats() == torch.float64 else torch.float32
    return (call.normal(kind) * std + mean).to(call.floats())


def geometric(call: Call) -> Tensor:
    drawn, p = call.exponential(call.floats()), call.given["p"]
    drawn = drawn * 0 + 1 if p >= 1 else torch.ceil(drawn / -math.log1p(-p)).clamp(min=1)
    return drawn.to(call.floats())


def integers(call: Call) -> Tensor:
    low, high = call.given.get("low", 0), call.given["high"]
    return (call.whole() % (high - low) + low).to(call.dtype or torch.int64)


HELD = {
    torch.int64: 2**63 - 1,
    torch.int32: 2**31,
    torch.int16: 2**15,
    torch.int8: 2**7,
    torch.uint8: 2**8,
    torch.bool: 2,
}
HELD |= {torch.float64: 2**53 + 1, torch.float32: 2**24 + 1, torch.float16: 2**11 + 1, torch.bfloat16: 2**8 + 1}


def filling(call: Call) -> Tensor:
    assert call.dtype is not None
    low, high = call.given.get("from") or 0, call.given.get("to")
    high = HELD[call.dtype] if high is None else high
    return (call.whole() % (high - low) + low).to(call.dtype)


def permutation(call: Call) -> Tensor:
    call.shape = (call.given["n"],)
    return torch.sort(call.whole(), stable=True)[1].to(call.dtype or torch.int64)


def multinomial(call: Call) -> Tensor:
    weights, count = call.given["self"], call.given["num_samples"]
    p = weights if weights.dtype == torch.float64 else weights.float()
    if count == 1 or not call.given["replacement"]:
        keys = p / call.exponential(p.dtype)
        return torch.sort(keys, dim=-1, descending=True, stable=True)[1][..., :count]
    sums = torch.cumsum(p, -1)
    u = call.unit(p.dtype, (*p.shape[:-1], count))
    reached = sums.unsqueeze(-2) <= (u * sums[..., -1:]).unsqueeze(-1)
    return reached.sum(-1).clamp(max=p.shape[-1] - 1)


def bernoulli(call: Call) -> Tensor:
    given, target = call.given, call.given["self"]
    p = given.get("p", target)
    if not isinstance(p, Tensor):
        return call.event(p).to(target.dtype)
    kind = torch.float64 if p.dtype == torch.float64 else torch.float32
    return (call.unit(kind) < p.to(kind)).to(target.dtype)


def dropped(x: Tensor, kept: Tensor, p: float) -> Tensor:
    return x * kept.to(x.dtype) * (1 / (1 - p))


def native_dropout(call: Call) -> tuple[Tensor, Tensor]:
    x, p, train = call.given["input"], call.given["p"], call.given.get("train")
    if train is False or p == 0:
        return x.clone(), torch.ones_like(x, dtype=torch.bool)
    if p == 1:
        return x * 0, torch.zeros_like(x, dtype=torch.bool)
    kept = call.event(1 - p)
    return dropped(x, kept, p), kept


def log_normal(call: Call) -> Tensor:
    return torch.exp(call.normal(call.floats()) * call.given["std"] + call.given["mean"])


def cauchy(call: Call) -> Tensor:
    drawn = torch.tan((call.unit(call.floats()) - 0.5) * math.pi)
    return drawn * call.given["sigma"] + call.given["median"]


aten = torch.ops.aten
RULES: dict[Any, Callable[[Call], Any]] = {
    aten.rand: lambda call: call.unit(call.floats()),
    aten.rand_like: lambda call: call.unit(call.floats()),
    aten.randn: lambda call: call.normal(call.floats()),
    aten.randn_like: lambda call: call.normal(call.floats()),
    aten.uniform_: uniform,
    aten.uniform: uniform,
    aten.normal_: normal,
    aten.normal: normal,
    aten.normal_functional: normal,
    aten.exponential_: lambda call: (call.exponential(call.floats()) / call.given["lambd"]).to(call.floats()),
    aten.exponential: lambda call: (call.exponential(call.floats()) / call.given["lambd"]).to(call.floats()),
    aten.geometric_: geometric,
    aten.geometric: geometric,
    aten.cauchy_: cauchy,
    aten.cauchy: cauchy,
    aten.log_normal_: log_normal,
    aten.log_normal: log_normal,
    aten.randint: integers,
    aten.randint_like: integers,
    aten.random_: filling,
    aten.random: filling,
    aten.randperm: permutation,
    aten.multinomial: multinomial,
    aten.bernoulli_: bernoulli,
    aten.bernoulli: bernoulli,
    aten.native_dropout: native_dropout,
}
