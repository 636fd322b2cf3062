"""A perceptron in int8 as dynamic quantisation makes it: weights are bytes with one scale a column, activations become
bytes with one scale a row while the model runs, and sums are exact in int32."""

from __future__ import annotations

import itertools

import torch
from mlp import WIDE
from support import seeded
from torch import Tensor, nn


class Int8Linear(nn.Module):
    """A linear layer over int8 products, `[rows, inputs]` to `[rows, outputs]`."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        weight = torch.randn(outputs, inputs) / inputs**0.5
        scale = weight.abs().amax(1) / 127
        self.register_buffer(
            "weight", (weight / scale[:, None]).round().clamp(-128, 127).to(torch.int8).t().contiguous()
        )
        self.register_buffer("scale", scale)
        self.register_buffer("bias", torch.randn(outputs) * 0.1)

    def forward(self, x: Tensor) -> Tensor:
        """Quantises the rows of `x`, multiplies, and scales back."""
        scale = x.abs().amax(-1, keepdim=True).clamp(min=1e-5) / 127
        rows = (x / scale).round().clamp(-128, 127).to(torch.int8)
        return torch._int_mm(rows, self.weight).to(torch.float32) * scale * self.scale + self.bias


def batch_64() -> tuple[nn.Module, tuple[Tensor, ...]]:
    """1024-4096-4096-1024 at batch 64."""
    with seeded(1):
        layers: list[nn.Module] = []
        for place, (a, b) in enumerate(itertools.pairwise(WIDE)):
            layers += [Int8Linear(a, b)] + ([nn.ReLU()] if place + 2 < len(WIDE) else [])
        return nn.Sequential(*layers).eval().requires_grad_(False), (torch.randn(64, WIDE[0]),)
