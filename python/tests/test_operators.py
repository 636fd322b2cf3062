"""Forms of operators that PyTorch's own samples brought to light, all in one program."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import hearth
import pytest
import torch
from torch import Tensor, nn

pytestmark = pytest.mark.usefixtures("tool")

ROWS = torch.tensor([True, False, True, True, False])


def written(x: Tensor, where: Any, values: Tensor) -> Tensor:
    y = x.clone()
    y[where] = values
    return y


def some(*shape: int) -> Tensor:
    return torch.rand(shape) > 0.5


torch.manual_seed(0)
PAIRS = torch.randn(5, 4, 2) * 2
COMPLEX: dict[str, Callable[[Tensor], Tensor]] = {
    **{
        name: getattr(torch, name)
        for name in [
            "exp",
            "expm1",
            "log",
            "log2",
            "log10",
            "log1p",
            "sqrt",
            "rsqrt",
            "reciprocal",
            "sigmoid",
            "sin",
            "cos",
            "tan",
            "sinh",
            "cosh",
            "tanh",
            "asin",
            "acos",
            "atan",
            "asinh",
            "acosh",
            "atanh",
        ]
    },
    "powers": lambda z: z ** z.flip(0) + z**2,
    "products": lambda z: torch.addmm(z[:, :1], z, z.T[:, :3], beta=1 - 2j, alpha=0.5j) + z.prod(1, keepdim=True),
    "sums": lambda z: torch.add(z, z.flip(1), alpha=2j) - z / (z.flip(0) + 3j) + z.cumsum(0) + z.mean(0),
    "places": lambda z: torch.constant_pad_nd(torch.where(z.real > 0, z, 2.5), (1, 2), 1.5 - 1j).index_add(
        0, torch.tensor([1, 1]), torch.full((2, 7), 2 + 1j)
    ),
}
CASES: dict[str, tuple[Callable[..., Tensor], tuple[Tensor, ...]]] = {
    "running sums of f64": (lambda x: x.cumsum(0), (torch.randn(40, 5, 5, dtype=torch.float64),)),
    "running logarithms of f64": (lambda x: x.logcumsumexp(0), (torch.randn(40, 5, 5, dtype=torch.float64),)),
    "a sum of truth values without the second": (lambda a, b: torch.add(a, b, alpha=False), (some(5, 5), some(5, 5))),
    "a mask of more axes": (lambda x, m, s: x.masked_scatter(m, s), (torch.randn(5), some(5, 5), torch.randn(5, 5))),
    "one row into several": (lambda x, v: written(x, ROWS, v), (torch.randn(5, 4), torch.randn(4))),
    "a row each": (lambda x, v: written(x, ROWS, v), (torch.randn(5, 4), torch.randn(3, 4))),
    "columns": (lambda x, v: written(x, (slice(None), ROWS), v), (torch.randn(2, 5, 4), torch.randn(2, 3, 4))),
    "rows that are added": (
        lambda x, v: torch.index_put(x, (ROWS,), v, accumulate=True),
        (torch.randn(5, 4), torch.randn(3, 4)),
    ),
    "no positions": (lambda x: x.gather(0, torch.zeros(2, 0, dtype=torch.int64)), (torch.randn(5),)),
    "no rows": (torch.matmul, (torch.randn(0, 5), torch.randn(5, 10))),
    "no columns": (torch.matmul, (torch.randn(4, 5), torch.randn(5, 0))),
    "nothing to sum": (torch.matmul, (torch.randn(4, 0), torch.randn(0, 3))),
    "no matrices": (torch.matmul, (torch.randn(0, 4, 5), torch.randn(0, 5, 3))),
    **{
        f"bytes {mode} {aligned} {shape}": (
            lambda x, mode=mode, aligned=aligned, size=size: nn.functional.interpolate(
                x, size, mode=mode, align_corners=aligned
            ),
            (torch.randint(0, 256, shape, dtype=torch.uint8),),
        )
        for mode in ("bilinear", "bicubic")
        for aligned in (False, True)
        for shape, size in [((2, 3, 13, 9), (8, 20)), ((1, 6, 5, 7), (5, 3)), ((1, 1, 2, 1), (3, 4))]
    },
    "averages of whole numbers": (
        lambda x: nn.functional.avg_pool2d(x, 3, 2, 1, ceil_mode=True, count_include_pad=False),
        (torch.randint(-9, 9, (2, 3, 7, 8)),),
    ),
    "averages of whole numbers and padding": (
        lambda x: nn.functional.avg_pool3d(x, 2, padding=1),
        (torch.randint(-9, 9, (2, 3, 3, 4, 4)),),
    ),
    "transposed, whole numbers": (
        lambda x, w, b: nn.functional.conv_transpose2d(x, w, b, 2, 1, 1, 3, 2),
        (torch.randint(-9, 9, (1, 3, 4, 5)), torch.randint(-9, 9, (3, 2, 3, 3)), torch.randint(-9, 9, (6,))),
    ),
    "long rows made shorter": (
        lambda i, w: nn.functional.embedding(i, w.clone(), max_norm=1.0),
        (torch.randint(0, 6, (2, 3)), torch.randn(6, 4)),
    ),
    "a scalar scattered into": (
        lambda x, i, v: x.scatter(0, i, v, reduce="add"),
        (torch.randn(()), torch.zeros((), dtype=torch.int64), torch.randn(())),
    ),
    "the least of the others": (
        lambda x, i, v: x.scatter_reduce(0, i, v, "amin", include_self=False),
        (torch.randint(-9, 9, (4, 3)), torch.randint(0, 4, (3, 3)), torch.randint(-9, 9, (3, 3))),
    ),
    "truth values added": (lambda x, v: torch.index_put(x, (ROWS,), v, accumulate=True), (some(5, 3), some(3, 3))),
    "signs of truth values": (torch.sign, (some(5),)),
    "places of f64": (
        lambda x: nn.functional.interpolate(x, (3, 4), mode="bilinear", align_corners=True),
        (torch.randn(2, 3, 4, 5, dtype=torch.float64),),
    ),
    **{
        f"complex {name}": (lambda x, call=call: torch.view_as_real(call(torch.view_as_complex(x))), (PAIRS.clone(),))
        for name, call in COMPLEX.items()
    },
    "complex truth": (
        lambda x: torch.any(torch.view_as_complex(x), 1) ^ torch.view_as_complex(x).isnan().logical_not()[:, 0],
        (PAIRS * (PAIRS > 0),),
    ),
    "complex variance": (lambda x: torch.view_as_complex(x).var(1), (PAIRS.clone(),)),
    **{
        f"sampling {mode} {padding} {aligned}": (
            lambda x, g, mode=mode, padding=padding, aligned=aligned: torch.grid_sampler_2d(
                x, g, mode, padding, aligned
            ),
            (torch.randn(2, 3, 5, 7), torch.randn(2, 4, 6, 2) * 2),
        )
        for mode in range(3)
        for padding in range(3)
        for aligned in (False, True)
    },
}


class All(nn.Module):
    """The results of all cases, by name."""

    def forward(self, inputs: dict[str, tuple[Tensor, ...]]) -> dict[str, Tensor]:
        return {name: case[0](*inputs[name]) for name, case in CASES.items()}


def test_all_of_them() -> None:
    inputs = {name: case[1] for name, case in CASES.items()}
    fast = hearth.optimize(All(), (inputs,), trials=0, against=None)
    assert fast.split is None, fast.report
    ours, theirs = fast(inputs), All()(inputs)
    assert ours.keys() == theirs.keys()
    for name, result in ours.items():
        near = 1e-12 if result.dtype == torch.float64 else 1e-4
        assert torch.allclose(result, theirs[name], rtol=near, atol=near), name
        assert result.dtype == theirs[name].dtype and result.shape == theirs[name].shape, name
