"""`torch.compile(backend="hearth")`, against the module itself; what is compiled here has default schedules."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import torch
from hearth import InputError, backend
from hearth.backend import CompiledGraph, graphs
from torch import nn

pytestmark = pytest.mark.usefixtures("tool")


class Net(nn.Module):
    """Two layers, with whatever stands between them."""

    def __init__(self, between: Any = torch.relu) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(8, 16), nn.Linear(16, 4)
        self.between = between

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.second(self.between(self.first(x)))


@pytest.fixture(autouse=True)
def fresh() -> Any:
    torch.manual_seed(0)
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def compiled(module: Any, **settings: Any) -> Any:
    return torch.compile(module, backend="hearth", **{"options": {"search": "off"}, **settings})


def newest() -> CompiledGraph:
    return graphs()[-1]


def same(a: Any, b: Any) -> None:
    torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


def test_a_model_is_one_package() -> None:
    module, x = Net().eval(), torch.randn(3, 8)
    fast = compiled(module)
    with torch.no_grad():
        same(fast(x), module(x))
        split = newest().split
        assert split is not None and len(split.parts) == 1 and not split.kept
        same(fast(x * 2), module(x * 2))
    assert newest().versions == 1


def test_what_a_package_cannot_hold_stays_with_pytorch() -> None:
    module, x = Net(lambda y: torch.linalg.qr(y)[0]).eval(), torch.randn(16, 8)
    fast = compiled(module)
    with torch.inference_mode():
        same(fast(x), module(x))
    split = newest().split
    assert split is not None and len(split.parts) == 2
    assert [(one.operator, one.count) for one in split.kept] == [("aten.linalg_qr.default", 1)]
    assert "test_backend.py" in split.kept[0].line and "not supported" in split.kept[0].reason


def test_complex_values_stay_with_pytorch() -> None:
    class Spectrum(nn.Module):
        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            y = torch.fft.fft(x * 2)
            return y, y.abs() + 1

    x = torch.randn(4, 8)
    with torch.no_grad():
        for ours, theirs in zip(compiled(Spectrum())(x), Spectrum()(x), strict=True):
            same(ours, theirs)


def test_written_weights_are_packed_again() -> None:
    module, x = Net().eval(), torch.randn(3, 8)
    fast = compiled(module)
    with torch.no_grad():
        fast(x)
        module.first.weight.mul_(2)
        same(fast(x), module(x))
        module.load_state_dict({name: value + 1 for name, value in module.state_dict().items()})
        same(fast(x), module(x))
        assert newest().versions == 3
        fast(x)
        assert newest().versions == 3


def test_weights_that_change_all_the_time_end_in_pytorch(monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    monkeypatch.setattr(backend, "MOST_VERSIONS", 1)
    module, x = Net().eval(), torch.randn(3, 8)
    fast = compiled(module)
    with torch.no_grad(), caplog.at_level(logging.WARNING, "hearth"):
        for _ in range(3):
            module.first.weight.mul_(1.5)
            same(fast(x), module(x))
    assert caplog.text.count("runs in PyTorch from now on") == 1


def test_two_models_of_one_class_keep_their_weights() -> None:
    first, second, x = Net().eval(), Net().eval(), torch.randn(3, 8)
    with torch.no_grad():
        for module in (first, second, first):
            same(compiled(module)(x), module(x))


def test_a_buffer_that_is_written_is_the_modules() -> None:
    class Counter(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("sum", torch.zeros(8))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.sum += x.sum(0)
            return self.sum * 2

    module, x = Counter(), torch.ones(3, 8)
    fast = compiled(module)
    with torch.no_grad():
        for calls in (1, 2, 3):
            assert fast(x).tolist() == [6.0 * calls] * 8
            assert module.sum.tolist() == [3.0 * calls] * 8


def test_inputs_that_are_written_and_aliases() -> None:
    def change(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x.add_(1)
        return x[1:], x * 2

    ours, theirs = torch.arange(4.0), torch.arange(4.0)
    with torch.no_grad():
        view, product = compiled(change)(ours)
        expected, _ = change(theirs)
        same(ours, theirs)
        view.zero_()
        expected.zero_()
    same(ours, theirs)
    same(product, torch.tensor([2.0, 4.0, 6.0, 8.0]))


def test_sizes_that_change_need_one_graph() -> None:
    module = Net().eval()
    fast = compiled(module, dynamic=True)
    with torch.no_grad():
        fast(torch.randn(5, 8))
        before = len(graphs())
        for rows in (2, 3, 64):
            x = torch.randn(rows, 8)
            same(fast(x), module(x))
    assert len(graphs()) == before


def test_a_dimension_that_is_marked_dynamic() -> None:
    module, x = Net().eval(), torch.randn(6, 8)
    torch._dynamo.mark_dynamic(x, 0)
    fast = compiled(module)
    with torch.no_grad():
        same(fast(x), module(x))
        same(fast(x[:3].clone()), module(x[:3]))
    assert len(graphs()) and newest().versions == 1


def test_graph_breaks() -> None:
    def breaks(x: torch.Tensor) -> torch.Tensor:
        y = x * 2
        if y.sum() > 0:
            return y + 1
        return y - 1

    fast = compiled(breaks)
    with torch.no_grad():
        for sign in (1, -1):
            same(fast(sign * torch.ones(4)), breaks(sign * torch.ones(4)))


def test_inputs_that_do_not_lie_in_order() -> None:
    module, x = Net().eval(), torch.randn(8, 5)
    with torch.no_grad():
        same(compiled(module)(x.T), module(x.T))


def test_gradients_are_pytorchs(caplog: Any) -> None:
    module, x = Net(), torch.randn(3, 8)
    with caplog.at_level(logging.WARNING, "hearth"):
        compiled(module)(x).sum().backward()
    assert module.first.weight.grad is not None and "torch.no_grad()" in caplog.text


def test_tensors_of_other_devices_are_pytorchs(caplog: Any) -> None:
    with caplog.at_level(logging.WARNING, "hearth"), torch.no_grad():
        assert compiled(Net().to("meta"))(torch.randn(3, 8, device="meta")).shape == (3, 4)
    assert "with tensors on meta runs in PyTorch" in caplog.text


def test_a_search_in_the_background(tmp_path: Any) -> None:
    module, x = Net().eval(), torch.randn(3, 8)
    options = {"search": "background", "trials": 2, "budget": 20, "archive": str(tmp_path / "archive.sqlite")}
    fast = compiled(module, options=options)
    with torch.no_grad():
        same(fast(x), module(x))
        graph = newest()
        first = graph.split
        graph.wait()
        assert graph.split is not first and graph.versions == 1
        same(fast(x), module(x))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"searches": "off"}, "no option 'searches'"),
        ({"search": "never"}, "it is one of off"),
        ({"trials": "3"}, "'trials'"),
    ],
)
def test_options_are_checked(options: dict[str, Any], said: str) -> None:
    with pytest.raises(Exception, match=said) as found, torch.no_grad():
        compiled(Net().eval(), options=options)(torch.randn(3, 8))
    assert (
        isinstance(found.value, InputError) or isinstance(found.value.__cause__, InputError) or said in str(found.value)
    )
