"""Functions and modules of more than one line that rows of `operators.py` are made of."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

aten = torch.ops.aten


def rotary(x: Tensor, angle: Tensor) -> Tensor:
    """Rotary positions by complex products, as Llama's first code has them."""
    turns = torch.polar(torch.ones_like(angle), angle)[None, :, None]
    return torch.view_as_real(torch.view_as_complex(x.reshape(2, 5, 3, 4, 2)) * turns).flatten(3)


def complex_arithmetic(x: Tensor, y: Tensor) -> tuple[Tensor, ...]:
    """Sums, products and quotients of complex and real operands."""
    a, b = torch.view_as_complex(x), torch.view_as_complex(y)
    return tuple(torch.view_as_real(z) for z in (a + b, a - b * 2, a * x[..., 0], a / b, a.conj() * b, (a * 0.1).exp()))


def complex_views(x: Tensor) -> tuple[Tensor, ...]:
    """Views, joins and sums of complex tensors, their size and angle."""
    a = torch.view_as_complex(x)
    joined = torch.cat([a[1:].t().reshape(2, 4), torch.complex(x[..., 1], x[..., 0])[:2]])
    return joined.abs(), joined.angle(), joined.sum(0).real, joined.unsqueeze(1).imag


def layer_norm_gradient(g: Tensor, x: Tensor, w: Tensor, b: Tensor) -> list[Tensor]:
    """Gradients of a layer norm by input, weight and bias."""
    _, mean, factor = aten.native_layer_norm(x, [6], w, b, 1e-5)
    return aten.native_layer_norm_backward(g, x, [6], mean, factor, w, b, [True, True, True])


def group_norm_gradient(g: Tensor, x: Tensor, w: Tensor) -> list[Tensor]:
    """Gradients of a group norm by input, weight and bias."""
    _, mean, factor = aten.native_group_norm(x, w, None, 2, 6, 12, 3, 1e-5)
    return aten.native_group_norm_backward(g, x, mean, factor, w, 2, 6, 12, 3, [True, True, True])


def max_pool_gradient(g: Tensor, x: Tensor) -> Tensor:
    """The gradient of a pooling with overlapping windows."""
    _, places = F.max_pool2d(x, 3, 2, 1, return_indices=True)
    return aten.max_pool2d_with_indices_backward(g, x, [3, 3], [2, 2], [1, 1], [1, 1], False, places)


def write_view(x: Tensor) -> Tensor:
    """Writes through views of a copy: a row, a strided block, a scalar."""
    y = x.clone()
    y[1] = 2.0
    y[:, 1:5:2].mul_(3)
    y[0, 0] += y[3, 3]
    return y


def batch_norm(module: nn.Module) -> nn.Module:
    """A batch norm with the statistics of a trained one."""
    nn.init.uniform_(module.weight, 0.5, 1.5)
    nn.init.normal_(module.bias)
    nn.init.normal_(module.running_mean)
    nn.init.uniform_(module.running_var, 0.5, 1.5)
    return module


class Attention(nn.Module):
    """Self-attention by nn.MultiheadAttention, weights returned."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.inner = nn.MultiheadAttention(width, heads, batch_first=True)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        return self.inner(x, x, x)


class Branch(nn.Module):
    """A branch on a value, as torch.cond."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cond(x.sum() > 0, lambda v: v * 2, lambda v: v - 1, (x,))
