"""What is lowered deviates from the module by what the package says."""

from __future__ import annotations

import json
import re

import hearth
import pytest
import torch
from torch import nn

pytestmark = pytest.mark.usefixtures("tool")


@pytest.mark.parametrize(
    "lowered",
    [
        {"weights": "int8"},
        {"weights": "fp8"},
        {"weights": "int4"},
        {"precision": "int8"},
        {"precision": "bf16"},
        {"precision": "fp16"},
    ],  # fmt: skip
)
def test_the_deviation_is_stated(lowered: dict[str, str]) -> None:
    torch.manual_seed(0)
    module, x = nn.Sequential(nn.Linear(256, 512), nn.ReLU(), nn.Linear(512, 64)).eval(), torch.randn(64, 256)
    fast = hearth.optimize(module, x, trials=0, against=None, **lowered)  # type: ignore[arg-type]
    facts = json.loads((fast.path / "manifest.json").read_text())["provenance"]  # type: ignore[operator]
    name = next(iter(lowered.values()))
    assert f"\n  lowered: {name} (" in fast.report and f"\n  output 0: {facts['weights_deviation.0']}" in fast.report
    stated = re.match(r"rms ([0-9.]+) %, largest ([0-9.]+) % of the rms", facts["weights_deviation.0"])
    assert stated is not None
    with torch.no_grad():
        truth = module.double()(x.double())
        rms = (fast(x) - truth).norm() / truth.norm()
        largest = (fast(x) - truth).abs().max() / truth.square().mean().sqrt()
    # Each is the worst of two sets of inputs, of which this is one.
    assert 0.7 * float(stated[1]) < 100 * rms < 1.05 * float(stated[1])
    assert 0.5 * float(stated[2]) < 100 * largest < 1.05 * float(stated[2])
    assert rms > 1e-4


class Heavy(nn.Module):
    """Two products; the first one's rows have an element a thousand times as large as the others."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(256, 512), nn.Linear(512, 64)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.second(torch.tanh(self.first(x) * 0.1))  # type: ignore[no-any-return]


def test_layers_with_large_errors_stay() -> None:
    torch.manual_seed(0)
    module, x = Heavy().eval(), torch.randn(64, 256)
    x[:, 0] *= 1000
    with torch.no_grad():
        module.first.weight[:, 0] = 0
    fast = hearth.optimize(module, x, samples=[x], trials=0, against=None, precision="int8")
    assert "left as they are for their error: " in fast.report and "first.weight (" in fast.report, fast.report
    with torch.no_grad():
        assert (fast(x) - module(x)).norm() < 0.02 * module(x).norm()


def test_numbers_too_large_for_f16_stay() -> None:
    torch.manual_seed(0)
    module, x = Heavy().eval(), torch.randn(8, 256)
    with torch.no_grad():
        module.first.weight *= 1e6
    fast = hearth.optimize(module, x, samples=[x], trials=0, against=None, precision="fp16")
    assert "(no numbers)" in fast.report, fast.report
    with torch.no_grad():
        assert torch.allclose(fast(x), module(x), atol=0.02)


@pytest.mark.parametrize("size, ranges", [(1.0, 2), (0.01, 0)])
def test_ranges_follow_from_samples(size: float, ranges: int) -> None:
    """Samples that are a hundredth of what the model meets give ranges that are refused."""
    torch.manual_seed(0)
    module, x = nn.Sequential(nn.Linear(256, 512), nn.ReLU(), nn.Linear(512, 64)).eval(), torch.randn(64, 256)
    samples = [size * torch.randn(64, 256) for _ in range(4)]
    fast = hearth.optimize(module, x, trials=0, against=None, precision="int8", calibration=samples)
    said = f"but for {ranges} by the samples' range" if ranges else "found as the model runs)"
    assert said in fast.report, fast.report
    with torch.no_grad():
        assert (fast(x) - module(x)).norm() < 0.03 * module(x).norm()
