"""Small models, each with something that an importer or a fusion must get right; quick enough for tests."""

from __future__ import annotations

from typing import Any

import torch
from support import frozen, randomize_batch_norms, seeded
from torch import Tensor, nn
from torch.nn import functional

Model = tuple[nn.Module, tuple[Any, ...]]


class Chain(nn.Module):
    """Twelve common operations on `[rows, 1024]`, one kernel when fused: bias, GELU, residual, layer norm, scale,
    clamp, tanh, product, cast to bfloat16 and back, sigmoid gate, difference."""

    def __init__(self, width: int = 1024) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.randn(width))
        self.gain = nn.Parameter(torch.rand(width) + 0.5)
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, residual: Tensor) -> Tensor:
        y = functional.gelu(x + self.bias) + residual
        y = torch.clamp(self.norm(y) * self.gain * 0.5, -3, 3)
        y = torch.tanh(y) * residual
        y = y.to(torch.bfloat16).to(torch.float32)
        return y * torch.sigmoid(x) - residual


class Nested(nn.Module):
    """A dict of tensors and a list in, a dict of a tuple, an untouched input, a view and a constant out."""

    def forward(self, batch: dict[str, Any]) -> dict[str, Any]:
        first, second = batch["values"]
        top = torch.topk(first, 3, dim=-1)
        return {
            "pair": (first + second, top.values),
            "indices": top.indices,
            "same": second,
            "view": first.t(),
            "constant": torch.full((2, 2), 7, dtype=torch.int32),
            "mask": batch["mask"] & (first > 0),
        }


class Tied(nn.Module):
    """Embedding and output projection share one weight; a second parameter is a view of the first storage."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(100, 32)
        self.head = nn.Linear(32, 100, bias=False)
        self.head.weight = self.embed.weight
        self.register_buffer("rows", self.embed.weight.detach()[10:20])

    def forward(self, ids: Tensor) -> Tensor:
        return self.head(self.embed(ids)) + self.rows.sum()


class Counter(nn.Module):
    """State changed in place: a running mean and a step counter."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(16))
        self.register_buffer("steps", torch.tensor(0))

    def forward(self, x: Tensor) -> Tensor:
        self.steps += 1
        self.mean.mul_(0.9).add_(x.mean(0), alpha=0.1)
        return (x - self.mean) * self.steps


class Recurrent(nn.Module):
    """A bidirectional GRU and a tanh cell over `[batch, steps, 24]`."""

    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(24, 20, 2, batch_first=True, bidirectional=True)
        self.rnn = nn.RNN(40, 12, batch_first=True)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.rnn(self.gru(x)[0])


class Windows(nn.Module):
    """Convolutions of every kind and pooling: 1d, grouped, dilated, transposed, 3d, average, adaptive, norms,
    resampling."""

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Conv1d(4, 8, 5, padding=2, stride=2)
        self.up = nn.ConvTranspose2d(8, 6, 3, stride=2, padding=1, output_padding=1)
        self.grouped = nn.Conv2d(6, 12, 3, padding=2, dilation=2, groups=3)
        self.cube = nn.Conv3d(1, 2, 3, padding=1)
        self.group_norm = nn.GroupNorm(3, 12)
        self.instance_norm = nn.InstanceNorm2d(12, affine=True)
        self.batch_norm = nn.BatchNorm1d(8)

    def forward(self, signal: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x = functional.leaky_relu(self.batch_norm(self.one(signal)))
        y = self.up(x.reshape(1, 8, 8, -1))
        y = functional.hardswish(self.group_norm(self.grouped(y)))
        y = functional.avg_pool2d(self.instance_norm(y), 3, 2, 1, ceil_mode=True)
        z = functional.interpolate(y, scale_factor=2.0, mode="bilinear", align_corners=False)
        cube = functional.max_pool3d(functional.softplus(self.cube(z[:, None, :4])), 2)
        pooled = functional.adaptive_avg_pool2d(z, (3, 5))
        return pooled, cube, functional.interpolate(y, scale_factor=2.0, mode="nearest")


class Indexing(nn.Module):
    """Gathering, scattering, sorting, scanning, masks, integer arithmetic."""

    def forward(self, x: Tensor, index: Tensor) -> tuple[Tensor, ...]:
        picked = torch.gather(x, 1, index)
        added = torch.zeros_like(x).scatter_add(1, index, picked)
        ordered, order = torch.sort(x, dim=1, descending=True)
        masked = x.masked_fill(torch.ones_like(x, dtype=torch.bool).triu(1), float("-inf"))
        columns = x[:, index[0] // 2 % 3]
        rolled = torch.roll(torch.flip(x, (1,)), 2, 1)
        one_hot = functional.one_hot(index[0] % 5, 5)
        return (
            picked,
            added,
            ordered,
            order,
            masked.softmax(-1),
            columns,
            rolled,
            x.cumsum(1),
            x.argmax(1),
            x.amin(0),
            one_hot,
            torch.where(index > 2, index, -index).remainder(3),
        )


class Norms(nn.Module):
    """Every statistic: variance, standard deviation, norms, log-softmax, cosine similarity, losses."""

    def forward(self, x: Tensor, y: Tensor) -> tuple[Tensor, ...]:
        return (
            x.var(-1, keepdim=True),
            x.std(0, correction=0),
            functional.log_softmax(x, -1),
            functional.cosine_similarity(x, y),
            functional.mse_loss(x, y),
            functional.smooth_l1_loss(x, y),
            torch.logsumexp(x, -1),
            torch.linalg.vector_norm(x, ord=1, dim=-1),
            functional.normalize(x, dim=-1),
            functional.mish(x) + functional.elu(y) + functional.selu(x) + functional.hardtanh(y) + functional.silu(x),
            x.prod(-1),
            torch.einsum("ij,kj->ik", x, y),
        )


def chain() -> Model:
    """`Chain` on 64 rows."""
    with seeded(6):
        return frozen(Chain()), (torch.randn(64, 1024), torch.randn(64, 1024))


def nested() -> Model:
    """`Nested` on 4x6 values."""
    with seeded(7):
        return Nested(), ({"values": [torch.randn(4, 6), torch.randn(4, 6)], "mask": torch.rand(4, 6) > 0.4},)


def tied() -> Model:
    """`Tied` on 5 tokens."""
    with seeded(8):
        return frozen(Tied()), (torch.randint(0, 100, (1, 5)),)


def counter() -> Model:
    """`Counter` on 8 rows."""
    with seeded(9):
        return Counter(), (torch.randn(8, 16),)


def recurrent() -> Model:
    """`Recurrent` on 2 sequences of 7 steps."""
    with seeded(10):
        return frozen(Recurrent()), (torch.randn(2, 7, 24),)


def windows() -> Model:
    """`Windows` on one signal of 4 channels and 96 samples."""
    with seeded(11):
        module = Windows()
        randomize_batch_norms(module)
        return frozen(module), (torch.randn(1, 4, 96),)


def indexing() -> Model:
    """`Indexing` on 6x6."""
    with seeded(12):
        return Indexing(), (torch.randn(6, 6), torch.randint(0, 6, (6, 6)))


def norms() -> Model:
    """`Norms` on 4x10."""
    with seeded(13):
        return Norms(), (torch.randn(4, 10), torch.randn(4, 10))


class Dynamic(nn.Module):
    """Shapes computed from symbolic sizes: the sum of two halves, concatenation, a mean over the symbolic axis."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        batch, length, _ = x.shape
        half = length // 2
        pairs = x[:, :half] + x[:, length - half :]
        return torch.cat((pairs, x.mean(1, keepdim=True)), 1), x.new_full((batch,), length * 2 + 1)


def dynamic() -> tuple[nn.Module, tuple[Tensor, ...], dict[str, Any]]:
    """`Dynamic` with symbolic batch and length."""
    with seeded(14):
        return Dynamic(), (torch.randn(3, 12, 8),), {"x": {0: ("batch", 1, 64), 1: ("length", 4, 512)}}
