"""Control flow in the graph: branches and loops in packages, and what stays with PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import hearth
import pytest
import torch
from hearth import CaptureError
from hearth.optimized import OptimizedModule
from torch import Tensor, nn
from torch._higher_order_ops import scan, while_loop
from torch._higher_order_ops.map import map as mapped

pytestmark = pytest.mark.usefixtures("tool")


class Model(nn.Module):
    """A function of its inputs and two layers."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.a, self.b, self.function = nn.Linear(4, 4), nn.Linear(4, 4), function

    def forward(self, *inputs: Tensor) -> Any:
        return self.function(self, *inputs)


def optimized(model: Model, inputs: tuple[Tensor, ...], dynamic_shapes: Any = None) -> OptimizedModule:
    torch.manual_seed(0)
    try:
        return hearth.optimize(model.eval(), inputs, dynamic_shapes=dynamic_shapes, trials=0, against=None)
    except CaptureError as error:
        if "does not export this loop" in str(error):
            pytest.skip(f"torch {torch.__version__} does not export this loop")
        raise


def branch(m: Model, x: Tensor) -> Tensor:
    return torch.cond(x.sum() > 0, lambda x: m.a(x).sin(), lambda x: m.b(x) * 2, (x,))


def branches_in_branches(m: Model, x: Tensor) -> Tensor:
    def positive(x: Tensor) -> Tensor:
        return torch.cond(x.max() > 1, lambda x: x.exp(), lambda x: m.a(x), (x,))

    return torch.cond(x.sum() > 0, positive, lambda x: x.clone(), (x,))


def counted(m: Model, x: Tensor) -> Any:
    return while_loop(lambda i, x: i < 5, lambda i, x: (i + 2, m.a(x) + i), (torch.tensor(0), x))


def recurrent(m: Model, x: Tensor) -> Any:
    def step(state: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        state = torch.tanh(m.a(state) + x)
        return state, torch.cond(x.sum() > 0, lambda s: s * 2, lambda s: s - 1, (state,))

    return scan(step, torch.zeros(3, 4), x, dim=0)


def rows(m: Model, x: Tensor) -> Any:
    return mapped(lambda row, w: m.b(row) * w.sum(), x, m.a.weight)


@pytest.mark.parametrize("function", [branch, branches_in_branches, counted, recurrent, rows])
def test_packages_hold_branches_and_loops(function: Callable[..., Any]) -> None:
    sizes = (5, 3, 4) if function in (recurrent, rows) else (3, 4)
    model, x = Model(function), torch.randn(sizes)
    fast = optimized(model, (x,))
    assert fast.split is None
    for given in (x.abs(), -x.abs(), 3 * x.abs(), x):
        with torch.no_grad():
            torch.testing.assert_close(fast(given), model(given), rtol=1e-4, atol=1e-5)


def test_a_branch_on_sizes() -> None:
    model = Model(lambda m, x: torch.cond(x.shape[0] > 4, lambda x: m.a(x), lambda x: m.b(x), (x,)))
    fast = optimized(model, (torch.randn(6, 4),), {"inputs": ({0: torch.export.Dim("rows", min=2, max=9)},)})
    for count in (2, 4, 5, 9):
        x = torch.randn(count, 4)
        with torch.no_grad():
            torch.testing.assert_close(fast(x), model(x), rtol=1e-4, atol=1e-5)


def test_a_loop_that_values_end_stays_with_pytorch() -> None:
    model = Model(lambda m, x: m.a(while_loop(lambda x: x.sum() < 100, lambda x: (x * 2,), (x,))[0]))
    x = torch.rand(3, 4) + 0.1
    fast = optimized(model, (x,))
    assert "1 call that a package cannot hold" in fast.report
    assert "while_loop, 1 times, first at test_control_flow.py:" in fast.report and "hangs" not in fast.report
    assert "only loops that count whole numbers from a constant are written out" in fast.report
    for given in (x, 10 * x, 100 * x):
        with torch.no_grad():
            torch.testing.assert_close(fast(given), model(given), rtol=1e-4, atol=1e-4)
