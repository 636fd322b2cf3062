"""`torch.compile(model, backend="hearth")` with tensors on a GPU. Without one only what leads to the compiler is tested."""

from __future__ import annotations

import logging
import operator
from pathlib import Path

import pytest
import torch
from hearth import backend
from hearth.programs import devices, program, save
from hearth.tool import refused_calls
from torch import Tensor, fx, nn
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")


class Net(nn.Module):
    """Convolutions, a norm with buffers, and a table that is made where the input is."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm = nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16)
        self.last = nn.Linear(16, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.norm(self.first(x)))
        return self.last(x.mean((2, 3))) + torch.arange(10, device=x.device)


def test_programs_are_of_the_processor(tmp_path: Path) -> None:
    """A graph of a GPU's tensors is written as the processor's, and stays what it is itself."""
    nodes = fx.Graph()
    x, w = nodes.placeholder("x"), nodes.placeholder("w")
    table = nodes.call_function(
        torch.ops.aten.arange.default, (4,), {"device": torch.device("cuda"), "pin_memory": False}
    )
    product = nodes.call_function(torch.ops.aten.mm.default, (x, w))
    total = nodes.call_function(torch.ops.aten.add.Tensor, (product, table))
    nodes.output((total,))
    mode = FakeTensorMode()

    def fake(*shape: int, dtype: torch.dtype = torch.float32) -> FakeTensor:
        return FakeTensor(mode, torch.empty(shape, dtype=dtype, device="meta"), torch.device("cuda", 0))

    x.meta["val"], w.meta["val"], product.meta["val"], total.meta["val"] = (
        fake(3, 2),
        fake(2, 4),
        fake(3, 4),
        fake(3, 4),
    )
    table.meta["val"] = fake(4, dtype=torch.int64)
    graph = fx.GraphModule({}, nodes)
    made = program(graph, {"w": torch.ones(2, 4)})
    assert devices(made.graph_module) == {torch.device("cpu")} and devices(graph) == {torch.device("cuda", 0)}
    assert table.kwargs["device"] == torch.device("cuda")
    save(made, tmp_path / "model.pt2")
    found = torch.export.load(tmp_path / "model.pt2").module()(torch.ones(3, 2))
    assert torch.equal(found[0], 2 + torch.arange(4).expand(3, 4))


def test_norms_that_give_statistics_import(tmp_path: Path, tool: None) -> None:
    """On a GPU PyTorch declares statistics of a norm in eval mode, on the processor empty ones."""
    nodes = fx.Graph()
    x, w = nodes.placeholder("x"), nodes.placeholder("w")
    norm = nodes.call_function(torch.ops.aten._native_batch_norm_legit_no_training.default, (x, w, w, w, w, 0.1, 1e-5))
    picked = [nodes.call_function(operator.getitem, (norm, place)) for place in range(3)]
    nodes.output(tuple(picked))
    with FakeTensorMode():
        values = torch.empty(2, 4, 3), torch.empty(4), torch.empty(4)
    norm.meta["val"] = values
    for node, value in zip([x, w, *picked], [values[0], values[1], *values], strict=True):
        node.meta["val"] = value
    save(program(fx.GraphModule({}, nodes), {"w": torch.ones(4)}), tmp_path / "model.pt2")
    assert refused_calls(tmp_path / "model.pt2") == []


@needs_gpu
@pytest.mark.parametrize("search", ["off", "now"])
def test_a_model_on_a_gpu(search: str, tool: None, caplog: pytest.LogCaptureFixture) -> None:
    torch.manual_seed(0)
    model, x = Net().eval().cuda(), torch.randn(4, 3, 32, 32, device="cuda")
    options = {"search": search} | ({"trials": 20, "budget": 30} if search == "now" else {})
    with caplog.at_level(logging.WARNING, "hearth"), torch.no_grad():
        fast = torch.compile(model, backend="hearth", options=options)
        for rows in (x, x[:, :, :16, :16].contiguous()):
            torch.testing.assert_close(fast(rows), model(rows), rtol=1e-3, atol=1e-3)
        # Weights that are written are seen.
        model.last.bias += 1
        torch.testing.assert_close(fast(x), model(x), rtol=1e-3, atol=1e-3)
    assert not caplog.text
    assert any(graph.split is not None and graph.split.parts for graph in backend.graphs())


@needs_gpu
def test_tensors_of_two_devices_are_handed_back(caplog: pytest.LogCaptureFixture) -> None:
    torch._dynamo.reset()
    with caplog.at_level(logging.WARNING, "hearth"), torch.no_grad():
        compiled = torch.compile(lambda a, b: a.cuda() + b, backend="hearth", options={"search": "off"})
        assert compiled(torch.ones(3), torch.ones(3, device="cuda")).sum() == 6
    assert "with tensors on cpu and cuda:0 runs in PyTorch" in caplog.text
