"""One small model for each operator that networks commonly use (the problems of KernelBench and the suite were read for
the list): what an importer, an interpreter and a code generator are checked against.

    python Benchmarks/operators.py OUT_DIR [--only PREFIX …] [--levels raw middle core dynamic]

For every row NAME.LEVEL.pt2 and NAME.golden.safetensors (`input.I`, `output.I`, sets 1 to 3 as `set.K.…`), as
`hearth/capture.py` writes them. Inputs are small, shapes odd, seeds fixed.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "python")]

import operator_bodies as bodies  # noqa: E402
import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
from hearth import capture, loading, tensorfile  # noqa: E402
from torch import Tensor, nn  # noqa: E402

Row = tuple[Any, list[Any]]

aten = torch.ops.aten

# fmt: off
UNARY = [
    "abs", "neg", "exp", "exp2", "expm1", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh",
    "atanh", "sigmoid", "erf", "ceil", "floor", "round", "trunc", "frac", "sign", "square", "reciprocal", "isnan",
    "isinf", "isfinite", "logical_not",
]
UNARY_POSITIVE = ["sqrt", "rsqrt", "log", "log2", "log10", "log1p", "acosh", "lgamma"]
# fmt: on

# Rows whose result is undefined for repeated indices, which fresh random inputs would bring: they get no further sets.
DISTINCT_INDICES = ["index.scatter", "index.index_put", "index.index_copy"]


class Call(nn.Module):
    """A function as a module."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *inputs: Tensor) -> Any:
        return self.function(*inputs)


def f(*shape: int) -> Tensor:
    """Normal float32 values."""
    return torch.randn(shape)


def p(*shape: int) -> Tensor:
    """Positive float32 values, 0.1 to 2.1."""
    return torch.rand(shape) * 2 + 0.1


def i(high: int, *shape: int) -> Tensor:
    """int64 values below `high`."""
    return torch.randint(0, high, shape)


def b(*shape: int) -> Tensor:
    """Booleans."""
    return torch.rand(shape) > 0.5


def rows() -> dict[str, Row]:
    """The table: name, function or module, inputs."""
    table: dict[str, Row] = {}
    for name in UNARY:
        table[f"unary.{name}"] = (getattr(torch, name), [torch.rand(3, 7) * 1.8 - 0.9])
    for name in UNARY_POSITIVE:
        table[f"unary.{name}"] = (getattr(torch, name), [p(3, 7) + (1 if name == "acosh" else 0)])
    activations: dict[str, Callable[..., Tensor]] = {
        "relu": F.relu,
        "relu6": F.relu6,
        "leaky_relu": lambda x: F.leaky_relu(x, 0.2),
        "elu": F.elu,
        "selu": F.selu,
        "celu": F.celu,
        "gelu": F.gelu,
        "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
        "silu": F.silu,
        "mish": F.mish,
        "softplus": lambda x: F.softplus(x, 2.0, 5.0),
        "softsign": F.softsign,
        "hardtanh": F.hardtanh,
        "hardsigmoid": F.hardsigmoid,
        "hardswish": F.hardswish,
        "hardshrink": F.hardshrink,
        "softshrink": F.softshrink,
        "tanhshrink": F.tanhshrink,
        "logsigmoid": F.logsigmoid,
        "threshold": lambda x: F.threshold(x, 0.1, -2.0),
        "glu": lambda x: F.glu(x, -1),
        "softmax": lambda x: F.softmax(x, 0),
        "softmin": lambda x: F.softmin(x, 1),
        "log_softmax": lambda x: F.log_softmax(x, -1),
        "dropout": lambda x: F.dropout(x, 0.5, training=False),
        "nan_to_num": lambda x: torch.nan_to_num(torch.log(x), nan=1.5, neginf=-9.0),
        "clamp": lambda x: torch.clamp(x, -0.5, 0.7),
        "clamp_min": lambda x: torch.clamp(x, min=0.1),
        "clamp_max": lambda x: torch.clamp_max(x, 0.2),
        "pow_2": lambda x: x**2,
        "pow_3": lambda x: x.pow(3),
        "pow_half": lambda x: x.abs().pow(0.5),
        "pow_scalar_base": lambda x: 2.0**x,
    }
    table |= {f"activation.{name}": (function, [f(5, 6)]) for name, function in activations.items()}
    table["activation.prelu"] = (nn.PReLU(3), [f(2, 3, 4)])
    binary: dict[str, tuple[Callable[..., Any], list[Any]]] = {
        "add": (torch.add, [f(3, 5), f(5)]),
        "add_alpha": (lambda x, y: torch.add(x, y, alpha=0.5), [f(3, 5), f(3, 1)]),
        "sub": (torch.sub, [f(2, 1, 5), f(4, 1)]),
        "rsub": (lambda x: 1.5 - x, [f(4)]),
        "mul": (torch.mul, [f(3, 5), f(3, 5)]),
        "mul_scalar": (lambda x: x * 3, [f(4)]),
        "mul_integers": (torch.mul, [i(9, 4), i(9, 4)]),
        "add_mixed": (torch.add, [i(9, 4), f(4)]),
        "add_zero_dim": (torch.add, [f(3).double(), torch.tensor(2.5)]),
        "div": (torch.div, [f(3, 5), p(5)]),
        "div_integers": (torch.div, [i(9, 5), i(4, 5) + 1]),
        "div_floor": (lambda x, y: torch.div(x, y, rounding_mode="floor"), [f(3, 5), p(5)]),
        "div_trunc_integers": (lambda x, y: torch.div(x, y, rounding_mode="trunc"), [i(9, 6) - 4, i(3, 6) + 1]),
        "floor_divide_integers": (lambda x: (x - 4) // 3, [i(9, 6)]),
        "remainder": (torch.remainder, [f(6), p(6)]),
        "remainder_integers": (lambda x: (x - 4) % 3, [i(9, 6)]),
        "fmod": (torch.fmod, [f(6), p(6)]),
        "pow": (torch.pow, [p(4), f(4)]),
        "atan2": (torch.atan2, [f(4), f(4)]),
        "hypot": (torch.hypot, [f(4), f(4)]),
        "maximum": (torch.maximum, [f(4, 3), f(3)]),
        "minimum": (torch.minimum, [f(4, 3), f(3)]),
        "compare": (lambda x, y: (x < y, x <= y, x > y, x >= y, x == y, x != y), [i(3, 4, 3), i(3, 3)]),
        "compare_scalar": (lambda x: (x < 0.1, x >= -0.2, x == 0, x != 1), [f(7)]),
        "logic": (lambda x, y: (x & y, x | y, x ^ y, ~x, torch.logical_and(x, y)), [b(8), b(8)]),
        "bits": (lambda x, y: (x & y, x | y, x ^ y, ~x, x << 2, x >> 1), [i(99, 8), i(99, 8)]),
        "where": (torch.where, [b(3, 5), f(3, 1), f(5)]),
        "where_scalar": (lambda c, x: torch.where(c, x, -1.0), [b(3, 5), f(5)]),
        "masked_fill": (lambda x, m: x.masked_fill(m, float("-inf")), [f(3, 5), b(3, 5)]),
        "lerp": (lambda x, y: torch.lerp(x, y, 0.3), [f(5), f(5)]),
        "addcmul": (lambda x, y, z: torch.addcmul(x, y, z, value=0.5), [f(5), f(5), f(5)]),
        "addcdiv": (lambda x, y, z: torch.addcdiv(x, y, z, value=0.5), [f(5), f(5), p(5)]),
        "in_place": (lambda x, y: x.clone().mul_(2).add_(y).relu_().sub_(0.1), [f(5), f(5)]),
        "in_place_view": (lambda x: bodies.write_view(x), [f(4, 6)]),
    }
    table |= {f"binary.{name}": row for name, row in binary.items()}
    reductions: dict[str, Callable[..., Any]] = {
        "sum": lambda x: x.sum(),
        "sum_dims": lambda x: x.sum((0, 2)),
        "sum_keep": lambda x: x.sum(1, keepdim=True),
        "mean": lambda x: x.mean(),
        "mean_dims": lambda x: x.mean((1, 2), keepdim=True),
        "prod": lambda x: (x.prod(), x.prod(1)),
        "max": lambda x: (x.max(), x.amax((0, 1)), *x.max(2)),
        "min": lambda x: (x.min(), x.amin(2, keepdim=True), *x.min(0)),
        "arg": lambda x: (x.argmax(), x.argmax(1), x.argmin(-1, keepdim=True)),
        "any_all": lambda x: ((x > 0).any(), (x > 0).all(1), (x > 0).any(2, keepdim=True)),
        "var": lambda x: (x.var(), x.var(1), x.var((0, 2), correction=0), torch.var_mean(x, 2)),
        "std": lambda x: (x.std(), x.std(-1, keepdim=True)),
        "norm": lambda x: (x.norm(), torch.norm(x, p=1, dim=1), torch.linalg.vector_norm(x, 3, (0, 1))),
        "norm_infinity": lambda x: torch.linalg.vector_norm(x, float("inf"), 2),
        "logsumexp": lambda x: torch.logsumexp(x, (1, 2)),
        "cumsum": lambda x: (x.cumsum(0), x.flip(2).cumsum(2)),
        "cumprod": lambda x: x.cumprod(1),
        "cummax": lambda x: (*torch.cummax(x, 1),),
        "count_nonzero": lambda x: (x > 0).sum(1),
        "median": lambda x: (*x.median(1),),
    }
    table |= {f"reduce.{name}": (function, [f(3, 4, 5)]) for name, function in reductions.items()}
    views: dict[str, Callable[..., Any]] = {
        "reshape": lambda x: (x.view(12, 6), x.reshape(-1), x.flatten(1), x.unflatten(2, (2, 3))),
        "permute": lambda x: (x.permute(2, 0, 1), x.transpose(0, 2), x.movedim(0, -1), x[0].t(), x.mT),
        "permute_contiguous": lambda x: x.permute(2, 0, 1).contiguous().view(6, 12),
        "expand": lambda x: (x[:, :1].expand(3, 7, 6), x[:1].expand(5, -1, -1), x[0, 0].broadcast_to(2, 6)),
        "squeeze": lambda x: (x[:1].squeeze(0), x[:, :1].squeeze(), x.unsqueeze(2), x[:, None]),
        "slice": lambda x: (x[1:], x[:, ::2], x[..., -3:-1], x[:, 1:100], x.narrow(1, 1, 2)),
        "select": lambda x: (x[1], x[:, -1], x.select(2, 3)),
        "split": lambda x: (*x.split(4, 2), *x.chunk(3, 2), *x.unbind(0), *x.split([1, 3], 1), *x.tensor_split(2, 0)),
        "cat": lambda x: (torch.cat((x, x * 2), 1), torch.stack((x, -x), 1), torch.cat((x, x[:0]), 0)),
        "pad": lambda x: (F.pad(x, (1, 2)), F.pad(x, (0, 1, 2, 0), value=3.5), F.pad(x, (-1, 1))),
        "pad_reflect": lambda x: (F.pad(x, (2, 1), mode="reflect"), F.pad(x, (1, 3), mode="replicate")),
        "pad_circular": lambda x: F.pad(x, (1, 2), mode="circular"),
        "flip_roll": lambda x: (x.flip(0, 2), x.roll(2, 1), x.roll((1, -2), (0, 2))),
        "repeat": lambda x: (x.repeat(1, 2, 1), x.repeat_interleave(2, 1), x.tile(2)),
        "unfold": lambda x: x.unfold(2, 3, 2),
        "diagonal": lambda x: (x[0].diagonal(), torch.diag(x[0, 0]), x.diagonal(1, 1, 2)),
        "triangle": lambda x: (x.tril(), x.triu(1), x.tril(-1)),
        "as_strided": lambda x: x.as_strided((3, 2), (6, 1), 4),
        "pixel_shuffle": lambda x: (F.pixel_shuffle(x.view(1, 4, 3, 6), 2), F.pixel_unshuffle(x.view(1, 3, 4, 6), 2)),
        "meshgrid": lambda x: torch.meshgrid(x[0, 0], x[0, 1], indexing="ij"),
        "channel_shuffle": lambda x: x.view(3, 2, 2, 6).transpose(1, 2).reshape(3, 4, 6),
        "select_scatter": lambda x: (torch.select_scatter(x, x[0], 0, 2), torch.slice_scatter(x, x[:, :2], 1, 1, 3)),
    }
    table |= {f"view.{name}": (function, [f(3, 4, 6)]) for name, function in views.items()}
    table |= {
        "make.full": (
            lambda x: (torch.full((2, 3), 1.5), torch.zeros(2), torch.ones(3, dtype=torch.int32) + x),
            [i(3, 3)],
        ),
        "make.like": (
            lambda x: (torch.zeros_like(x), torch.ones_like(x), torch.full_like(x, 2.5), x.new_zeros(2)),
            [f(3)],
        ),
        "make.range": (lambda x: (torch.arange(5), torch.arange(1.0, 2.0, 0.25), torch.linspace(0, 1, 5) * x), [f(5)]),
        "make.eye": (lambda x: torch.eye(3) + torch.tensor([1.0, 2.0, 3.0]) * x, [f(3)]),
        "make.tri": (lambda x: x * torch.tril(torch.ones(4, 4)), [f(4, 4)]),
        "cast.float": (lambda x: (x.bfloat16(), x.half(), x.double(), x.int(), x.bool(), x.long()), [f(3, 5) * 3]),
        "cast.integer": (lambda x: (x.float(), x.to(torch.int8), x.to(torch.uint8), x.bool(), x.int()), [i(100, 7)]),
        "cast.bool": (lambda x: (x.float(), x.long(), x.sum(), x.float().mean()), [b(9)]),
        "index.gather": (lambda x, n: torch.gather(x, 1, n), [f(4, 6), i(6, 4, 3)]),
        "index.take_along": (lambda x: torch.take_along_dim(x, x.argsort(1), 1), [f(4, 6)]),
        "index.scatter": (
            lambda x, n, y: x.scatter(1, n, y),
            [f(4, 6), torch.tensor([[0, 3], [5, 1], [2, 4], [1, 0]]), f(4, 2)],
        ),
        "index.scatter_value": (lambda x, n: x.scatter(1, n, 2.5), [f(4, 6), i(6, 4, 2)]),
        "index.scatter_add": (lambda x, n, y: x.scatter_add(0, n, y), [f(4, 6), i(4, 3, 6), f(3, 6)]),
        "index.scatter_reduce": (lambda x, n, y: x.scatter_reduce(0, n, y, "amax"), [f(4, 6), i(4, 3, 6), f(3, 6)]),
        "index.index_select": (lambda x, n: torch.index_select(x, 1, n), [f(4, 6), i(6, 3)]),
        "index.index": (lambda x, n: (x[n], x[:, n], x[n, n]), [f(4, 6), i(4, 3)]),
        "index.index_pair": (lambda x, n, m: x[n[:, None], m[None]], [f(4, 6), i(4, 3), i(6, 2)]),
        "index.index_put": (lambda x, n, y: x.index_put((n,), y), [f(4, 6), torch.tensor([2, 0]), f(2, 6)]),
        "index.index_put_accumulate": (
            lambda x, n, y: x.index_put((n,), y, accumulate=True),
            [f(4, 6), i(4, 5), f(5, 6)],
        ),
        "index.index_add": (lambda x, n, y: x.index_add(0, n, y, alpha=2), [f(4, 6), i(4, 5), f(5, 6)]),
        "index.index_copy": (lambda x, n, y: x.index_copy(0, n, y), [f(4, 6), torch.tensor([2, 0]), f(2, 6)]),
        "index.embedding": (nn.Embedding(9, 4, padding_idx=0), [i(9, 2, 5)]),
        "index.one_hot": (lambda n: F.one_hot(n, 6), [i(6, 4)]),
        "index.sort": (lambda x: (*x.sort(1), *x.sort(0, descending=True), x.argsort(1)), [f(4, 6)]),
        "index.topk": (lambda x: (*x.topk(3, 1), *x.topk(2, 0, largest=False)), [f(4, 6)]),
        "index.searchsorted": (lambda x, y: torch.searchsorted(x.sort()[0], y), [f(7), f(4)]),
        "index.masked_scatter_where": (lambda x, m: torch.where(m[:, None], x, x.flip(0)), [f(4, 6), b(4)]),
        "contract.mm": (torch.mm, [f(5, 7), f(7, 3)]),
        "contract.mm_transposed": (lambda x, y: x.t() @ y.t(), [f(7, 5), f(3, 7)]),
        "contract.bmm": (torch.bmm, [f(2, 5, 7), f(2, 7, 3)]),
        "contract.matmul_broadcast": (torch.matmul, [f(2, 1, 5, 7), f(3, 7, 4)]),
        "contract.matmul_vector": (lambda x, y: (x @ y, y @ x.t(), y @ y), [f(5, 7), f(7)]),
        "contract.addmm": (lambda c, x, y: torch.addmm(c, x, y, beta=0.5, alpha=2), [f(3), f(5, 7), f(7, 3)]),
        "contract.baddbmm": (torch.baddbmm, [f(2, 5, 3), f(2, 5, 7), f(2, 7, 3)]),
        "contract.outer": (torch.outer, [f(5), f(4)]),
        "contract.einsum": (lambda x, y: torch.einsum("bij,bkj->bik", x, y), [f(2, 3, 4), f(2, 5, 4)]),
        "contract.einsum_four": (lambda x, y: torch.einsum("bijl,lk->bijk", x, y), [f(2, 3, 4, 5), f(5, 6)]),
        "contract.linear": (nn.Linear(7, 5), [f(3, 7)]),
        "contract.linear_3d": (nn.Linear(7, 5, bias=False), [f(2, 3, 7)]),
        "contract.bilinear": (nn.Bilinear(3, 4, 5), [f(2, 3), f(2, 4)]),
        "convolve.1d": (nn.Conv1d(3, 5, 3, stride=2, padding=1), [f(2, 3, 11)]),
        "convolve.1d_dilated": (nn.Conv1d(4, 6, 3, dilation=2, groups=2), [f(1, 4, 13)]),
        "convolve.2d": (nn.Conv2d(3, 5, (3, 2), stride=(2, 1), padding=(1, 0)), [f(2, 3, 9, 7)]),
        "convolve.2d_depthwise": (nn.Conv2d(4, 8, 3, padding=1, groups=4, bias=False), [f(1, 4, 6, 7)]),
        "convolve.2d_pointwise": (nn.Conv2d(4, 6, 1), [f(2, 4, 5, 3)]),
        "convolve.2d_dilated": (nn.Conv2d(2, 3, 3, dilation=(2, 3), padding=2), [f(1, 2, 9, 11)]),
        "convolve.2d_same": (nn.Conv2d(2, 3, 4, padding="same"), [f(1, 2, 7, 6)]),
        "convolve.2d_circular": (nn.Conv2d(2, 3, 3, padding=1, padding_mode="circular"), [f(1, 2, 5, 6)]),
        "convolve.2d_unbatched": (nn.Conv2d(2, 3, 3), [f(2, 5, 6)]),
        "convolve.3d": (nn.Conv3d(2, 3, (3, 2, 3), stride=(1, 2, 1), padding=1), [f(1, 2, 5, 6, 7)]),
        "convolve.transposed_1d": (nn.ConvTranspose1d(3, 4, 4, stride=2, padding=1), [f(1, 3, 6)]),
        "convolve.transposed_2d": (nn.ConvTranspose2d(4, 6, 3, 2, 1, output_padding=1, groups=2), [f(1, 4, 5, 4)]),
        "convolve.transposed_2d_dilated": (nn.ConvTranspose2d(2, 3, (3, 2), dilation=2), [f(1, 2, 4, 5)]),
        "convolve.transposed_3d": (nn.ConvTranspose3d(2, 3, 3, stride=2), [f(1, 2, 3, 4, 3)]),
        "window.max_pool1d": (nn.MaxPool1d(3, 2, 1), [f(1, 2, 9)]),
        "window.max_pool2d": (nn.MaxPool2d(3, 2, 1, dilation=1, ceil_mode=True), [f(1, 2, 8, 7)]),
        "window.max_pool2d_dilated": (nn.MaxPool2d(2, 1, dilation=2), [f(1, 2, 6, 7)]),
        "window.max_pool2d_indices": (nn.MaxPool2d(2, return_indices=True), [f(1, 2, 6, 4)]),
        "window.max_pool3d": (nn.MaxPool3d(2), [f(1, 2, 4, 6, 4)]),
        "window.avg_pool1d": (nn.AvgPool1d(3, 2, 1), [f(1, 2, 9)]),
        "window.avg_pool2d": (nn.AvgPool2d(3, 2, 1, ceil_mode=True), [f(1, 2, 8, 7)]),
        "window.avg_pool2d_no_pad": (nn.AvgPool2d(3, 2, 1, count_include_pad=False), [f(1, 2, 8, 7)]),
        "window.avg_pool3d": (nn.AvgPool3d(2, 2), [f(1, 2, 4, 4, 6)]),
        "window.adaptive_avg": (
            lambda x: (F.adaptive_avg_pool2d(x, (3, 2)), F.adaptive_avg_pool2d(x, 1)),
            [f(1, 2, 7, 5)],
        ),
        "window.adaptive_max": (lambda x: F.adaptive_max_pool2d(x, (3, 2)), [f(1, 2, 7, 5)]),
        "window.unfold": (lambda x: F.unfold(x, (3, 2), padding=1, stride=2), [f(1, 2, 6, 5)]),
        "window.fold": (lambda x: F.fold(x, (6, 5), (3, 2), padding=1, stride=2), [f(1, 12, 9)]),
        "window.nearest": (
            lambda x: (F.interpolate(x, scale_factor=2.0), F.interpolate(x, size=(5, 9))),
            [f(1, 2, 4, 3)],
        ),
        "window.bilinear": (lambda x: F.interpolate(x, scale_factor=2.0, mode="bilinear"), [f(1, 2, 4, 3)]),
        "window.bilinear_corners": (
            lambda x: F.interpolate(x, (7, 5), mode="bilinear", align_corners=True),
            [f(1, 2, 4, 3)],
        ),
        "window.grid_sample": (
            lambda x, g: F.grid_sample(x, g.tanh(), align_corners=False),
            [f(1, 2, 5, 6), f(1, 3, 4, 2)],
        ),
        "norm.batch_1d": (bodies.batch_norm(nn.BatchNorm1d(4)), [f(5, 4)]),
        "norm.batch_2d": (bodies.batch_norm(nn.BatchNorm2d(4)), [f(2, 4, 3, 5)]),
        "norm.batch_3d": (bodies.batch_norm(nn.BatchNorm3d(3)), [f(1, 3, 2, 3, 4)]),
        "norm.batch_statistics": (nn.BatchNorm2d(4, track_running_stats=False), [f(2, 4, 3, 5)]),
        "norm.layer": (nn.LayerNorm(6), [f(2, 3, 6)]),
        "norm.layer_two_axes": (nn.LayerNorm((3, 6), elementwise_affine=False), [f(2, 3, 6)]),
        "norm.group": (nn.GroupNorm(2, 6), [f(2, 6, 4, 3)]),
        "norm.instance": (nn.InstanceNorm2d(3, affine=True), [f(2, 3, 4, 5)]),
        "norm.instance_1d": (nn.InstanceNorm1d(3), [f(2, 3, 7)]),
        "norm.rms": (nn.RMSNorm(6, eps=1e-5), [f(2, 3, 6)]),
        "norm.local_response": (nn.LocalResponseNorm(3), [f(1, 5, 4, 3)]),
        "norm.normalize": (lambda x: F.normalize(x, p=2.0, dim=1), [f(3, 5)]),
        "attend.plain": (F.scaled_dot_product_attention, [f(2, 3, 5, 8), f(2, 3, 7, 8), f(2, 3, 7, 8)]),
        "attend.causal": (
            lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True, scale=0.3),
            [f(2, 3, 6, 8), f(2, 3, 6, 8), f(2, 3, 6, 8)],
        ),
        "attend.bool_mask": (
            lambda q, k, v, m: F.scaled_dot_product_attention(q, k, v, attn_mask=m),
            [f(2, 3, 4, 8), f(2, 3, 7, 8), f(2, 3, 7, 8), b(1, 1, 4, 7) | (torch.arange(7) == 0)],
        ),
        "attend.float_mask": (
            lambda q, k, v, m: F.scaled_dot_product_attention(q, k, v, attn_mask=m),
            [f(2, 3, 4, 8), f(2, 3, 7, 8), f(2, 3, 7, 8), f(4, 7)],
        ),
        "attend.grouped": (
            lambda q, k, v: F.scaled_dot_product_attention(q, k, v, enable_gqa=True),
            [f(1, 6, 4, 8), f(1, 2, 5, 8), f(1, 2, 5, 8)],
        ),
        "attend.multihead": (bodies.Attention(12, 3), [f(2, 5, 12)]),
        "attend.encoder_layer": (nn.TransformerEncoderLayer(12, 3, 20, batch_first=True), [f(2, 5, 12)]),
        "recur.lstm": (nn.LSTM(4, 5, 2), [f(6, 2, 4)]),
        "recur.lstm_both_ways": (nn.LSTM(4, 5, batch_first=True, bidirectional=True), [f(2, 6, 4)]),
        "recur.lstm_state": (nn.LSTM(4, 5), [f(6, 2, 4), (f(1, 2, 5), f(1, 2, 5))]),
        "recur.lstm_projected": (nn.LSTM(4, 5, proj_size=3), [f(6, 2, 4)]),
        "recur.lstm_cell": (nn.LSTMCell(4, 5), [f(2, 4)]),
        "recur.gru": (nn.GRU(4, 5, 2, bidirectional=True), [f(6, 2, 4)]),
        "recur.gru_cell": (nn.GRUCell(4, 5), [f(2, 4), f(2, 5)]),
        "recur.rnn": (nn.RNN(4, 5, nonlinearity="relu"), [f(6, 2, 4)]),
        "loss.mse": (lambda x, y: (F.mse_loss(x, y), F.mse_loss(x, y, reduction="none")), [f(3, 4), f(3, 4)]),
        "loss.l1": (F.l1_loss, [f(3, 4), f(3, 4)]),
        "loss.smooth_l1": (lambda x, y: (F.smooth_l1_loss(x, y), F.huber_loss(x, y, delta=0.5)), [f(3, 4), f(3, 4)]),
        "loss.cross_entropy": (F.cross_entropy, [f(3, 5), i(5, 3)]),
        "loss.nll": (lambda x, n: F.nll_loss(F.log_softmax(x, 1), n), [f(3, 5), i(5, 3)]),
        "loss.kl": (lambda x, y: F.kl_div(x.log_softmax(1), y.softmax(1), reduction="batchmean"), [f(3, 5), f(3, 5)]),
        "loss.bce": (lambda x, y: F.binary_cross_entropy_with_logits(x, y), [f(3, 5), torch.rand(3, 5)]),
        "loss.hinge": (lambda x, y: torch.clamp(1 - x * y, min=0).mean(), [f(6), f(6).sign()]),
        "loss.triplet": (F.triplet_margin_loss, [f(3, 5), f(3, 5), f(3, 5)]),
        "loss.cosine": (lambda x, y: (F.cosine_similarity(x, y, 1), F.pairwise_distance(x, y)), [f(3, 5), f(3, 5)]),
        "loss.cdist": (lambda x, y: torch.cdist(x, y), [f(3, 5), f(4, 5)]),
        "loss.pdist": (F.pdist, [f(4, 5)]),
        "index.embedding_bag": (
            nn.EmbeddingBag(9, 4, mode="mean"),
            [i(9, 7), torch.tensor([0, 3, 3])],
        ),
        "index.embedding_bag_sum": (
            lambda x, w, k: F.embedding_bag(x, w, mode="sum", per_sample_weights=k),
            [i(9, 3, 4), f(9, 5), f(3, 4)],
        ),
        "index.embedding_bag_max": (
            lambda x, w: F.embedding_bag(x, w, mode="max", padding_idx=2),
            [i(5, 3, 4), f(5, 4)],
        ),
        "index.isin": (
            lambda x, y: (torch.isin(x, y), torch.isin(x, y, invert=True), torch.isin(x, 3)),
            [i(9, 7), i(9, 3)],
        ),
        "index.max_unpool2d": (
            lambda x: F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2),
            [f(1, 2, 6, 4)],
        ),
        "reduce.histc": (lambda x: torch.histc(x, 6, -1.0, 1.0), [f(40)]),
        "reduce.diff": (
            lambda x: (x.diff(), x.diff(2, 1), x.diff(dim=0, prepend=x[:1]), (x > 0).diff(dim=1)),
            [f(3, 4, 5)],
        ),
        "reduce.nan": (lambda x: (x.log().nanmean(1), x.log().nansum(0)), [f(3, 5)]),
        "reduce.linalg_norm": (
            lambda x: (torch.linalg.norm(x), torch.linalg.norm(x, 1, 1), torch.linalg.matrix_norm(x)),
            [f(3, 5)],
        ),
        "norm.weight": (
            lambda x, v, g: F.linear(x, torch._weight_norm(v, g, 0)),
            [f(2, 6), f(4, 6), f(4, 1)],
        ),
        "window.affine_grid": (lambda x: F.affine_grid(x, [2, 3, 4, 5], align_corners=False), [f(2, 2, 3)]),
        "unary.erfc": (torch.erfc, [torch.rand(3, 7) * 1.8 - 0.9]),
        "unary.angle": (lambda x: (x.angle(), x.isreal()), [f(3, 5)]),
        "complex.rotary": (bodies.rotary, [f(2, 5, 3, 8), f(5, 4)]),
        "complex.arithmetic": (bodies.complex_arithmetic, [f(3, 4, 2), f(3, 4, 2)]),
        "complex.views": (bodies.complex_views, [f(3, 4, 2)]),
        "complex.polar": (lambda r, a: torch.view_as_real(torch.polar(r, a)), [p(5), f(5)]),
        "fourier.real": (
            lambda x: (torch.fft.rfft(x).abs(), torch.view_as_real(torch.fft.rfft(x, 9, 1, "ortho"))),
            [f(3, 7, 6)],
        ),
        "fourier.real_two": (lambda x: torch.view_as_real(torch.fft.rfft2(x)), [f(2, 5, 6)]),
        "fourier.complex": (
            lambda x: (
                torch.fft.fft2(x).real,
                torch.fft.ifft(torch.fft.fft(x, norm="forward") + 1, norm="forward").real,
            ),
            [f(2, 5, 6)],
        ),
        "fourier.inverse": (
            lambda x: (torch.fft.irfft(torch.fft.rfft(x), 8), torch.fft.irfft2(torch.fft.rfft2(x))),
            [f(2, 5, 8)],
        ),
        "fourier.stft": (
            lambda x, w: torch.stft(x, 16, 4, 12, window=w, return_complex=True).abs(),
            [f(2, 50), p(12)],
        ),
        "fourier.shift": (lambda x: (torch.fft.fftshift(x), torch.fft.ifftshift(x, dim=1)), [f(5, 6)]),
        "gradient.embedding": (lambda g, n: aten.embedding_dense_backward(g, n, 6, 2, False), [f(2, 3, 4), i(6, 2, 3)]),
        "gradient.layer_norm": (bodies.layer_norm_gradient, [f(3, 4, 6), f(3, 4, 6), f(6), f(6)]),
        "gradient.group_norm": (bodies.group_norm_gradient, [f(2, 6, 4, 3), f(2, 6, 4, 3), f(6)]),
        "gradient.max_pool": (bodies.max_pool_gradient, [f(1, 2, 4, 4), f(1, 2, 8, 7)]),
        "gradient.avg_pool": (
            lambda g, x: aten.avg_pool2d_backward(g, x, [3, 2], [2, 2], [1, 0], True, False, None),
            [f(1, 2, 5, 4), f(1, 2, 8, 7)],
        ),
        "gradient.avg_pool_divisor": (
            lambda g, x: (
                aten.avg_pool2d_backward(g, x, [3, 2], [2, 2], [1, 0], False, True, None),
                aten.avg_pool2d_backward(g, x, [3, 2], [2, 2], [1, 0], False, True, 5),
            ),
            [f(1, 2, 4, 3), f(1, 2, 8, 7)],
        ),
        "gradient.adaptive_pool": (
            lambda g, x: aten._adaptive_avg_pool2d_backward(g, x),
            [f(1, 2, 3, 2), f(1, 2, 7, 5)],
        ),
        "gradient.convolution": (
            lambda g, x, w: aten.convolution_backward(
                g, x, w, [6], [2, 1], [1, 0], [1, 2], False, [0, 0], 2, [True, True, True]
            ),
            [f(2, 6, 5, 5), f(2, 4, 9, 7), f(6, 2, 3, 2)],
        ),
        "gradient.convolution_transposed": (
            lambda g, x, w: aten.convolution_backward(
                g, x, w, [6], [2, 2], [1, 1], [1, 1], True, [1, 0], 1, [True, True, True]
            ),
            [f(1, 6, 10, 7), f(1, 4, 5, 4), f(4, 6, 3, 3)],
        ),
        "control.cond": (bodies.Branch(), [f(4)]),
        "random.uniform": (
            lambda x: x + torch.rand_like(x) + torch.rand(5) * torch.empty_like(x).uniform_(-1, 2),
            [f(3, 5)],
        ),
        "random.normal": (
            lambda x, y: (
                torch.randn_like(x) + torch.normal(x, 2.0) * torch.normal(0.5, y) + torch.randn(3, 5).normal_(1, 2)
            ),
            [f(3, 5), p(3, 5)],
        ),
        "random.integers": (
            lambda x: (
                x[torch.randperm(7)],
                torch.randint(-3, 9, (4, 3)) + torch.randint_like(x, 2, 6)[:4, :3].long(),
                torch.empty(5, dtype=torch.uint8).random_(),
                torch.empty(6).random_(20),
            ),
            [f(7, 3)],
        ),
        "random.choices": (
            lambda x: (torch.multinomial(x, 4), torch.multinomial(x[0], 9, replacement=True), torch.multinomial(x, 1)),
            [p(3, 6)],
        ),
        "random.events": (
            lambda x: (torch.bernoulli(x / 3), torch.bernoulli(x, 0.3), torch.empty_like(x).bernoulli_(x / 4)),
            [p(3, 5)],
        ),
        "random.tails": (
            lambda x: (
                torch.empty_like(x).exponential_(2.0),
                torch.empty_like(x).geometric_(0.2),
                torch.empty_like(x).cauchy_(1, 2),
                torch.empty_like(x).log_normal_(0.5, 0.7),
            ),
            [f(3, 5)],
        ),
        "random.dropout": (
            lambda x: (
                F.dropout(x, 0.4, True),
                F.dropout2d(x, 0.5, True),
                F.alpha_dropout(x, 0.3, True),
                F.dropout(x, 1.0, True),
                F.dropout(x, 0.7, False),
            ),
            [f(2, 6, 3, 2)],
        ),
        "random.types": (
            lambda x: (
                torch.rand(9, dtype=torch.bfloat16) + torch.rand(9, dtype=torch.float16),
                torch.rand(9, dtype=torch.float64) + torch.randn_like(x),
                torch.randn(9, dtype=torch.float16),
            ),
            [f(9).double()],
        ),
        "bf16.linear_gelu": (nn.Sequential(nn.Linear(8, 6), nn.GELU()).bfloat16(), [f(3, 8).bfloat16()]),
        "bf16.conv_bn": (
            nn.Sequential(nn.Conv2d(3, 4, 3), bodies.batch_norm(nn.BatchNorm2d(4)), nn.ReLU()).bfloat16(),
            [f(1, 3, 6, 6).bfloat16()],
        ),
        "bf16.layer_norm_softmax": (nn.Sequential(nn.LayerNorm(8), nn.Softmax(-1)).bfloat16(), [f(3, 8).bfloat16()]),
        "bf16.chain": (lambda x, y: (x * y + 1.5).tanh().sum(-1), [f(3, 8).bfloat16(), f(8).bfloat16()]),
        "f16.linear_relu": (nn.Sequential(nn.Linear(8, 6), nn.ReLU()).half(), [f(3, 8).half()]),
        "f64.linear": (nn.Linear(8, 6).double(), [f(3, 8).double()]),
    }
    return table


def source_of(name: str, row: Row) -> loading.Source:
    """A row as capture takes it."""
    body, inputs = row
    module = (body if isinstance(body, nn.Module) else Call(body)).eval().requires_grad_(False)
    return loading.Source(module, tuple(inputs), {}, None, Path(__file__), name, None)


def dynamic(source: loading.Source) -> torch.export.ExportedProgram | None:
    """The functional program with every extent dynamic that torch.export can keep so; `None` where it keeps none."""
    shapes = tuple(tuple(torch.export.Dim.AUTO for _ in x.shape) for x in source.args)
    if isinstance(source.module, Call):
        shapes = (shapes,)
    with torch.no_grad():
        program = torch.export.export(copy.deepcopy(source.module), source.args, dynamic_shapes=shapes, strict=False)
    return program.run_decompositions({}) if program.range_constraints else None


def other_sizes(program: torch.export.ExportedProgram, source: loading.Source) -> tuple[Any, ...] | None:
    """Inputs like the example's with every symbol of the program one larger; `None` where a range forbids it."""
    inputs = []
    generator = torch.Generator().manual_seed(7)
    names = set(program.graph_signature.user_inputs)
    holders = [node for node in program.graph.nodes if node.op == "placeholder" and node.name in names]
    for holder, given in zip(holders, source.args, strict=True):
        value = given
        for axis, extent in enumerate(holder.meta["val"].shape):
            if isinstance(extent, int):
                continue
            symbols = extent.node.expr.free_symbols
            hints = {symbol: extent.node.shape_env.backed_var_to_val[symbol] + 1 for symbol in symbols}
            if any(hints[symbol] > program.range_constraints[symbol].upper for symbol in symbols):
                return None
            count = int(extent.node.expr.xreplace(hints))
            value = value.index_select(axis, torch.arange(count) % value.shape[axis])
        inputs.append(value if value is given else capture.varied(value, generator))
    return tuple(inputs)


def export(name: str, row: Row, out: Path, levels: list[str]) -> list[str]:
    """Writes the archives and recorded results of one row; returns what could not be written and why."""
    source = source_of(name, row)
    said = []
    tensors, _ = capture.golden(source, 0 if name in DISTINCT_INDICES else 3, 0)
    tensorfile.write(out / f"{name}.golden.safetensors", tensors)
    for level in levels:
        if level == "dynamic":
            with contextlib.suppress(Exception):  # Many operators fix their extents; there is nothing to test then.
                program = dynamic(source)
                if program is not None:
                    tensors, _ = capture.golden(source, 0, 0)
                    if (given := other_sizes(program, source)) is not None:
                        source.more_inputs = lambda _, given=given: given
                        tensors, _ = capture.golden(source, 1, 0)
                    torch.export.save(program, out / f"{name}.dynamic.pt2")
                    tensorfile.write(out / f"{name}.dynamic.golden.safetensors", tensors)
            continue
        program, reached, notes = capture.export(source, level)
        if reached == level:
            torch.export.save(program, out / f"{name}.{level}.pt2")
        else:
            said.append(f"{name}.{level}: {notes[0]}")
    return said


def main(table: Callable[[], dict[str, Row]] = rows) -> int:
    """Runs the command line over a table; 1 when a row could not be exported."""
    parser = argparse.ArgumentParser(description="Exports one small model for each operator.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--only", nargs="*", default=[""], help="rows whose name begins with one of these")
    parser.add_argument("--levels", nargs="*", default=list(capture.LEVELS), choices=[*capture.LEVELS, "dynamic"])
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    options.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    failed = 0
    for name, row in table().items():
        if not name.startswith(tuple(options.only)):
            continue
        try:
            for line in export(name, row, options.out, options.levels):
                print(line, flush=True)
        except Exception as error:
            failed += 1
            print(f"{name}: {loading.one_line(error)}", flush=True)
    print(f"{len(list(options.out.glob('*.pt2')))} archives in {options.out}, {failed} rows failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
