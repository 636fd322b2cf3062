"""`torch.compile(backend="hearth")`, against the module itself; what is compiled here has default schedules."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import torch
from hearth import InputError, backend, inductor
from hearth.backend import CompiledGraph, graphs
from hearth.timing import Comparison
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


def timed(monkeypatch: pytest.MonkeyPatch, ratio: float, high: float) -> None:
    """Makes up how Inductor compares; nothing is timed."""
    found = Comparison("inductor", ratio, ratio, high, 2e-3, 2e-3 * ratio)
    monkeypatch.setattr(backend, "beside", lambda *_: found)


NOW = {"search": "now", "trials": 0}


@pytest.mark.skipif(inductor.missing() is not None, reason="Inductor finds no C++ compiler")
@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_what_inductor_runs_faster_stays_with_it(mode: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    timed(monkeypatch, 0.5, 0.6)
    module, x = Net().eval(), torch.randn(8, 3).T
    fast = compiled(module, options=NOW)
    with mode():
        same(fast(x), module(x))
        graph = newest()
        assert graph.finding is not None and graph.finding.run is not None
        assert graph.report == (
            "Inductor runs it: 2.00 times as fast as packages "
            "(ours 2 ms, inductor 1 ms, ratio 0.50, 95 % interval 0.50 … 0.60)"
        )
        same(fast(x * 2), module(x * 2))
    with torch.no_grad():
        # Inductor takes weights as they are: nothing is packed again.
        module.first.weight.mul_(2)
        same(fast(x), module(x))
    assert graph.versions == 1


@pytest.mark.parametrize(("ratio", "high"), [(1.5, 1.6), (0.97, 0.98), (0.8, 1.01)])
def test_what_inductor_does_not_run_clearly_faster(ratio: float, high: float, monkeypatch: pytest.MonkeyPatch) -> None:
    timed(monkeypatch, ratio, high)
    monkeypatch.setattr(inductor, "function", lambda graph, _: graph.forward)
    module, x = Net().eval(), torch.randn(3, 8)
    with torch.no_grad():
        same(compiled(module, options=NOW)(x), module(x))
    assert newest().report.startswith("1 package runs it\n  Inductor is not faster by more than 5% (ours 2 ms, ")
    assert newest().finding.run is None  # type: ignore[union-attr]


@pytest.mark.parametrize("options", [{"search": "off"}, {**NOW, "fallback": False}])
def test_inductor_can_be_switched_off(options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inductor, "attempt", lambda *_: pytest.fail("Inductor was asked"))
    module, x = Net().eval(), torch.randn(3, 8)
    with torch.no_grad():
        same(compiled(module, options=options)(x), module(x))
    assert newest().finding is None and newest().report == "1 package runs it"


def test_without_a_compiler_inductor_is_left_out(monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    monkeypatch.setattr(inductor, "missing", lambda: "there is none")
    monkeypatch.setattr(inductor, "function", lambda *_: pytest.fail("Inductor was asked"))
    backend.note_once.cache_clear()
    x = torch.randn(3, 8)
    with torch.no_grad(), caplog.at_level(logging.WARNING, "hearth"):
        for _ in range(2):
            module = Net().eval()
            same(compiled(module, options=NOW)(x), module(x))
    assert caplog.text.count("not compared with Inductor: there is none") == 1
    assert newest().report == "1 package runs it\n  not compared with Inductor: there is none"


@pytest.mark.parametrize(
    ("between", "dynamic", "said"),
    [
        (lambda y: y * torch.rand(16), False, "it draws random numbers"),
        (torch.relu, True, "its sizes change"),
    ],
)
def test_graphs_that_are_not_inductors(between: Any, dynamic: bool, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inductor, "function", lambda *_: pytest.fail("Inductor was asked"))
    with torch.no_grad():
        compiled(Net(between).eval(), options=NOW, dynamic=dynamic)(torch.randn(3, 8))
    assert f"\n  not compared with Inductor: {said}" in newest().report


@pytest.mark.parametrize("fails", [False, True])
def test_both_take_turns_after_a_search_in_the_background(fails: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    class Turns:
        """Three calls, the second of which is Inductor's."""

        def __init__(self, mode: str) -> None:
            self.calls, self.is_mine = 0, True

        @property
        def is_ours(self) -> bool:
            return self.calls != 1

        def took(self, begun: float, ended: float) -> Comparison | None:
            self.calls += 1
            return Comparison("inductor", 0.5, 0.4, 0.6, 2e-3, 1e-3) if self.calls == 3 else None

    calls = []

    def function(graph: Any, _: Any) -> Any:
        def run(*inputs: Any) -> Any:
            calls.append(inputs)
            if fails:
                raise RuntimeError("no such luck")
            return graph(*inputs)

        return run

    monkeypatch.setattr(backend, "Turns", Turns)
    monkeypatch.setattr(inductor, "function", function)
    module, x = Net().eval(), torch.randn(3, 8)
    fast = compiled(module, options={"search": "background", "trials": 0})
    with torch.no_grad():
        same(fast(x), module(x))
        graph = newest()
        graph.wait()
        for _ in range(4):
            same(fast(x), module(x))
    if fails:
        assert len(calls) == 1 and "not compared with Inductor: its function fails: no such luck" in graph.report
    else:
        assert len(calls) == 2 and graph.report.startswith("Inductor runs it: 2.00 times as fast as packages")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"searches": "off"}, "no option 'searches'"),
        ({"search": "never"}, "it is one of off"),
        ({"trials": "3"}, "'trials'"),
        ({"fallback": "no"}, "'fallback'"),
    ],
)
def test_options_are_checked(options: dict[str, Any], said: str) -> None:
    with pytest.raises(Exception, match=said) as found, torch.no_grad():
        compiled(Net().eval(), options=options)(torch.randn(3, 8))
    assert (
        isinstance(found.value, InputError) or isinstance(found.value.__cause__, InputError) or said in str(found.value)
    )
