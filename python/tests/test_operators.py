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
    "places of f64": (
        lambda x: nn.functional.interpolate(x, (3, 4), mode="bilinear", align_corners=True),
        (torch.randn(2, 3, 4, 5, dtype=torch.float64),),
    ),
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
