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


def until(m: Model, x: Tensor) -> Any:
    return while_loop(lambda x, n: x.abs().sum() < 100, lambda x, n: (m.a(x) + 2 * x, n + 1), (x, torch.tensor(0)))


def many_turns(m: Model, x: Tensor) -> Any:
    return while_loop(lambda i, x: i < 900, lambda i, x: (i + 1, m.a(x).sin()), (torch.tensor(0), x))[1]


def two_loops(m: Model, x: Tensor) -> Any:
    first = while_loop(lambda x, y: x.sum() < 9, lambda x, y: (y + 1, x * 2), (x, x + 0.5))
    return while_loop(lambda x: x.sum() > 1, lambda x: (x * 0.5,), (first[0] + first[1],))[0]


@pytest.mark.parametrize("function", [until, many_turns, two_loops])
def test_packages_hold_loops_that_values_end(function: Callable[..., Any]) -> None:
    model, x = Model(function), torch.rand(3, 4) + 0.1
    fast = optimized(model, (x,))
    assert fast.split is None
    for given in (x, 10 * x, 100 * x, x - 0.6, x):
        with torch.no_grad():
            torch.testing.assert_close(fast(given), model(given), rtol=1e-4, atol=1e-4)


def test_scans_of_any_length() -> None:
    model = Model(recurrent)
    fast = optimized(model, (torch.randn(5, 3, 4),), {"inputs": ({0: torch.export.Dim("turns", min=2, max=60)},)})
    assert fast.split is None
    for turns in (2, 3, 5, 59, 60):
        x = torch.randn(turns, 3, 4)
        with torch.no_grad():
            torch.testing.assert_close(fast(x), model(x), rtol=1e-4, atol=1e-5)


def test_a_loop_in_a_branch_stays_with_pytorch() -> None:
    def step(m: Model, x: Tensor) -> Any:
        def positive(x: Tensor) -> Tensor:
            return while_loop(lambda x: x.sum() < 100, lambda x: (x * 2,), (x,))[0]

        return m.a(torch.cond(x.sum() > 0, positive, lambda x: x.clone(), (x,)))

    model, x = Model(step), torch.rand(3, 4) + 0.1
    fast = optimized(model, (x,))
    assert "1 call that a package cannot hold" in fast.report
    assert "a loop that is not written out, within another loop or a branch" in fast.report
    for given in (x, 10 * x, -x):
        with torch.no_grad():
            torch.testing.assert_close(fast(given), model(given), rtol=1e-4, atol=1e-4)
