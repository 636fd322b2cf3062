"""One operation each, at sizes of language and image models: what a GPU's reductions, rows and few-row products take alone."""

from __future__ import annotations

from collections.abc import Callable

import torch
from support import frozen, seeded
from torch import Tensor, nn
from torch.nn import functional

Model = tuple[nn.Module, tuple[Tensor, ...]]


class Operation(nn.Module):
    """A function of its inputs."""

    def __init__(self, function: Callable[..., Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.function(*inputs)


def operation(function: Callable[..., Tensor], *shapes: tuple[int, ...], dtype: torch.dtype = torch.float32) -> Model:
    """The function on random inputs."""
    with seeded(3):
        return Operation(function).eval(), tuple(torch.randn(shape).to(dtype) for shape in shapes)


def linear(rows: int, inputs: int, outputs: int) -> Model:
    """A product with weights in bfloat16."""
    with seeded(3):
        module = frozen(nn.Linear(inputs, outputs, bias=False), torch.bfloat16)
        return module, (torch.randn(rows, inputs).to(torch.bfloat16),)


def column_sums() -> Model:
    return operation(lambda x: (x * x).sum(0), (4096, 2048))


def token_mean() -> Model:
    return operation(lambda x: x.mean(1), (8, 1500, 1280), dtype=torch.bfloat16)


def channel_softmax() -> Model:
    return operation(lambda x: x.softmax(1), (8, 64, 56, 56), dtype=torch.float16)


def channel_sums() -> Model:
    return operation(lambda x: x.sum((0, 1, 2)), (8, 112, 112, 64))


def row_softmax() -> Model:
    return operation(lambda x: x.softmax(-1), (4096, 1000))


def row_norm() -> Model:
    return operation(lambda x: functional.layer_norm(x, (4096,)), (2048, 4096))


def decode_attention() -> Model:
    heads = ((1, 32, 1, 128), (1, 32, 2048, 128), (1, 32, 2048, 128))
    return operation(functional.scaled_dot_product_attention, *heads, dtype=torch.bfloat16)


def four_rows() -> Model:
    return linear(4, 2048, 11008)


def thousand() -> Model:
    return linear(1000, 4096, 1000)


def group_norm() -> Model:
    with seeded(3):
        module = frozen(nn.GroupNorm(32, 320), torch.float16)
        return module, (torch.randn(2, 320, 64, 64).half(),)


def turned() -> Model:
    return operation(lambda x: x.t() * 2, (4096, 2048))


def convolution() -> Model:
    with seeded(3):
        module = frozen(nn.Conv2d(64, 64, 3, padding=1, bias=False), torch.float16)
        return module, (torch.randn(8, 64, 56, 56).half(),)


def strided_convolution() -> Model:
    with seeded(3):
        module = frozen(nn.Conv2d(128, 256, 3, stride=2, padding=1, bias=False), torch.float16)
        return module, (torch.randn(4, 128, 28, 28).half(),)


def greatest() -> Model:
    return operation(lambda x: x.argmax(-1), (1, 128256))


def running_sums() -> Model:
    return operation(lambda x: x.cumsum(-1), (512, 5000))


def lookup() -> Model:
    with seeded(3):
        module = frozen(nn.Embedding(32000, 4096), torch.bfloat16)
        return module, (torch.randint(0, 32000, (4, 512)),)


def largest_windows() -> Model:
    return operation(lambda x: functional.max_pool2d(x, 3, 2, 1), (8, 64, 112, 112), dtype=torch.float16)


def enlarged() -> Model:
    return operation(
        lambda x: functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False), (4, 64, 64, 64)
    )


def joined() -> Model:
    return operation(lambda x, y: torch.cat((functional.silu(x), y * 2), 1), (64, 512, 128), (64, 256, 128))


def batched_product() -> Model:
    return operation(torch.matmul, (64, 197, 64), (64, 64, 197), dtype=torch.float16)


def windows_by_channel() -> Model:
    with seeded(3):
        module = frozen(nn.Conv2d(96, 96, 7, padding=3, groups=96), torch.float16)
        return module, (torch.randn(4, 96, 56, 56).half(),)
