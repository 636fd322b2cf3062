"""Perceptrons with random weights: bound by memory at batch 1, by arithmetic at 64, by overhead when tiny."""

from __future__ import annotations

import itertools

import torch
from support import as_dtype, frozen, seeded
from torch import Tensor, nn

Model = tuple[nn.Module, tuple[Tensor, ...]]


def perceptron(widths: list[int]) -> nn.Sequential:
    """Linear layers of the given widths with ReLU between them."""
    layers: list[nn.Module] = []
    for i, (a, b) in enumerate(itertools.pairwise(widths)):
        layers += [nn.Linear(a, b)] + ([nn.ReLU()] if i + 2 < len(widths) else [])
    return nn.Sequential(*layers)


def build(widths: list[int], batch: int, dtype: torch.dtype = torch.float32) -> Model:
    """A perceptron and one input `[batch, widths[0]]`."""
    with seeded(1):
        module = frozen(perceptron(widths), dtype)
        return module, as_dtype((torch.randn(batch, widths[0]),), dtype)


WIDE = [1024, 4096, 4096, 1024]
TINY = [256, 512, 512, 10]


def tiny() -> Model:
    """256-512-512-10 at batch 1: what one call costs beside its arithmetic."""
    return build(TINY, 1)


def batch_1() -> Model:
    """1024-4096-4096-1024 at batch 1."""
    return build(WIDE, 1)


def batch_64() -> Model:
    """1024-4096-4096-1024 at batch 64."""
    return build(WIDE, 64)


def batch_1_bf16() -> Model:
    """`batch_1` in bfloat16."""
    return build(WIDE, 1, torch.bfloat16)


def batch_64_bf16() -> Model:
    """`batch_64` in bfloat16."""
    return build(WIDE, 64, torch.bfloat16)


def tiny_dynamic() -> tuple[nn.Module, tuple[Tensor, ...], dict]:
    """`tiny` at batch 8 with a symbolic batch of 1 to 256."""
    module, inputs = build(TINY, 8)
    return module, inputs, {"input": {0: ("batch", 1, 256)}}
