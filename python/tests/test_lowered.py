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
    "lowered", [{"weights": "int8"}, {"weights": "fp8"}, {"weights": "int4"}, {"precision": "int8"}]
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
