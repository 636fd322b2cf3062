"""Attention, recurrence, sorting, gathering and arithmetic of all element types in the forms that PyTorch gives them: rows as
in `operators.py`, held against eager PyTorch.

    python Benchmarks/cells.py OUT_DIR [--only PREFIX …] [--levels raw middle core]
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import operators  # noqa: E402
import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
from operators import Row, b, f, i  # noqa: E402
from torch import Tensor, nn  # noqa: E402

FLOATS = {"f64": torch.float64, "f16": torch.float16, "bf16": torch.bfloat16}
INTEGERS = {"i64": torch.int64, "i32": torch.int32, "i16": torch.int16, "i8": torch.int8, "u8": torch.uint8}


def whole(dtype: torch.dtype, *shape: int) -> Tensor:
    """Integers over the whole range of a type."""
    limits = torch.iinfo(dtype)
    return torch.randint(limits.min, limits.max, shape, dtype=torch.int64 if limits.bits == 64 else torch.int64).to(
        dtype
    )


def divisor(dtype: torch.dtype, *shape: int) -> Tensor:
    """Integers without 0, of both signs where the type has them; −1 is left out beside the least number."""
    values = torch.randint(2, 9, shape).to(dtype)
    return values if dtype == torch.uint8 else torch.where(torch.rand(shape) > 0.5, values, -values)


def integer_rows() -> dict[str, Row]:
    """Arithmetic that wraps around, division, shifts, comparisons, reductions and promotion."""
    table: dict[str, Row] = {}
    for name, dtype in INTEGERS.items():
        x, y, d = whole(dtype, 3, 37), whole(dtype, 37), divisor(dtype, 37)
        small = torch.randint(0, 7, (37,)).to(dtype)
        table |= {
            f"integer.{name}_arithmetic": (lambda x, y: (x + y, x - y, x * y, -x, x + 3, 2 - x, x * 5), [x, y]),
            f"integer.{name}_unary": (lambda x: (x.abs(), x.sign(), x.square(), x**3, ~x, x.clamp(-3, 9)), [x]),
            f"integer.{name}_division": (
                lambda x, d: (
                    x // d,
                    x % d,
                    torch.fmod(x, d),
                    torch.div(x, d, rounding_mode="trunc"),
                    x / d,
                    x // 3,
                    x % 7,
                    torch.div(x, d, rounding_mode="floor"),
                ),
                [x, d],
            ),
            f"integer.{name}_bits": (
                lambda x, y, s: (x & y, x | y, x ^ y, x << s, x >> s, x << 2, x >> 1),
                [x, y, small],
            ),
            f"integer.{name}_order": (
                lambda x, y: (
                    x < y,
                    x == y,
                    torch.maximum(x, y),
                    torch.minimum(x, y),
                    x.amax(1),
                    x.argmin(1),
                    *x.sort(1),
                    *x.topk(4, 1, largest=False),
                ),
                [x, y],
            ),
            f"integer.{name}_reduce": (
                lambda x: (x.sum(1), x.sum(), x.prod(1), x.cumsum(1), x.any(1), x.all(0), x.amin(), x.float().mean()),
                [x],
            ),
            f"integer.{name}_cast": (
                lambda x: (x.float(), x.double(), x.bool(), x.to(torch.int8), x.to(torch.uint8), x.to(torch.int32)),
                [x],
            ),
        }
    a, c, u = whole(torch.int8, 19), whole(torch.int32, 19), whole(torch.uint8, 19)
    table |= {
        "integer.promotion": (
            lambda a, c, u, t: (a + c, a + u, u * c, a * 2.5, a + t, u - a, a + True, t > a, a / u.clamp(min=1), c * a),
            [a, c, u, b(19)],
        ),
        "integer.zero_dim": (lambda a, c: (a + c.sum(), a * c[0], a.float() * c[0]), [a, c]),
        "integer.bool": (
            lambda x, y: (
                x & y,
                x | y,
                x ^ y,
                ~x,
                x + y,
                x * y,
                x.sum(),
                x.int() - y.int(),
                x < y,
                x == y,
                x.cumsum(0),
            ),
            [b(21), b(21)],
        ),
        "integer.mm": (torch.mm, [i(9, 5, 7) - 4, i(9, 7, 6) - 4]),
        "integer.mm_i32": (torch.mm, [whole(torch.int32, 5, 7), whole(torch.int32, 7, 6)]),
        "integer.mm_i8": (torch.mm, [whole(torch.int8, 5, 17), whole(torch.int8, 17, 6)]),
        "integer.int_mm": (torch._int_mm, [whole(torch.int8, 24, 40), whole(torch.int8, 40, 16)]),
        "integer.casts_from_float": (
            lambda x: (x.long(), x.int(), x.to(torch.int16), x.to(torch.int8), x.bool()),
            [f(3, 17) * 30],
        ),
    }
    return table


def attention_rows() -> dict[str, Row]:
    """Every argument of scaled dot-product attention, odd lengths, all floating types."""
    sdpa = F.scaled_dot_product_attention
    row_hidden = b(1, 1, 4, 7)
    row_hidden[0, 0, 2] = False
    all_hidden = torch.zeros(4, 7)
    all_hidden[1] = float("-inf")
    all_hidden[3, 2:5] = float("-inf")
    table: dict[str, Row] = {
        "attend.odd": (sdpa, [f(1, 3, 17, 24), f(1, 3, 33, 24), f(1, 3, 33, 24)]),
        "attend.value_depth": (sdpa, [f(2, 3, 5, 8), f(2, 3, 7, 8), f(2, 3, 7, 20)]),
        "attend.scale": (lambda q, k, v: sdpa(q, k, v, scale=1.7), [f(2, 3, 5, 8), f(2, 3, 7, 8), f(2, 3, 7, 8)]),
        "attend.scale_zero": (lambda q, k, v: sdpa(q, k, v, scale=0.0), [f(1, 2, 5, 8), f(1, 2, 7, 8), f(1, 2, 7, 8)]),
        "attend.hidden_rows": (
            lambda q, k, v, m: sdpa(q, k, v, attn_mask=m),
            [f(2, 3, 4, 8), f(2, 3, 7, 8), f(2, 3, 7, 8), row_hidden],
        ),
        "attend.hidden_rows_float": (
            lambda q, k, v, m: sdpa(q, k, v, attn_mask=m),
            [f(2, 3, 4, 8), f(2, 3, 7, 8), f(2, 3, 7, 8), all_hidden],
        ),
        "attend.mask_per_head": (
            lambda q, k, v, m: sdpa(q, k, v, attn_mask=m),
            [f(2, 3, 4, 8), f(2, 3, 7, 8), f(2, 3, 7, 8), f(2, 3, 4, 7)],
        ),
        "attend.mask_per_key": (
            lambda q, k, v, m: sdpa(q, k, v, attn_mask=m),
            [f(2, 3, 20, 8), f(2, 3, 37, 8), f(2, 3, 37, 8), b(2, 1, 1, 37) | (torch.arange(37) == 0)],
        ),
        "attend.causal_wide": (
            lambda q, k, v: sdpa(q, k, v, is_causal=True),
            [f(1, 2, 5, 8), f(1, 2, 9, 8), f(1, 2, 9, 8)],
        ),
        "attend.causal_tall": (
            lambda q, k, v: sdpa(q, k, v, is_causal=True),
            [f(1, 2, 21, 8), f(1, 2, 9, 8), f(1, 2, 9, 8)],
        ),
        "attend.grouped_causal": (
            lambda q, k, v: sdpa(q, k, v, is_causal=True, enable_gqa=True),
            [f(2, 6, 19, 16), f(2, 2, 19, 16), f(2, 2, 19, 16)],
        ),
        "attend.rank_3": (sdpa, [f(3, 5, 8), f(3, 7, 8), f(3, 7, 8)]),
        "attend.rank_2": (sdpa, [f(5, 8), f(7, 8), f(7, 8)]),
        "attend.rank_5": (sdpa, [f(2, 2, 3, 5, 8), f(2, 2, 3, 7, 8), f(2, 2, 3, 7, 8)]),
        "attend.one_query": (sdpa, [f(1, 4, 1, 16), f(1, 4, 70, 16), f(1, 4, 70, 16)]),
        "attend.one_key": (sdpa, [f(1, 4, 3, 16), f(1, 4, 1, 16), f(1, 4, 1, 16)]),
        "attend.batch_broadcast": (sdpa, [f(2, 3, 5, 8), f(1, 3, 7, 8), f(1, 3, 7, 8)]),
        "attend.by_hand": (
            lambda q, k, v: torch.softmax((q @ k.transpose(-2, -1)) / 3.0, -1) @ v,
            [f(2, 3, 5, 8), f(2, 3, 7, 8), f(2, 3, 7, 8)],
        ),
        "attend.by_hand_masked": (
            lambda q, k, v, m: torch.softmax((q @ k.transpose(-2, -1)).masked_fill(m, -1e9) * 0.25, -1) @ v,
            [f(2, 3, 5, 8), f(2, 3, 7, 8), f(2, 3, 7, 8), b(5, 7)],
        ),
    }
    for name, dtype in FLOATS.items():
        shapes = [f(2, 3, 17, 8), f(2, 3, 9, 8), f(2, 3, 9, 8)]
        q, k, v = (x.to(dtype) for x in shapes)
        table |= {
            f"attend.{name}": (sdpa, [q, k, v]),
            f"attend.{name}_causal": (lambda q, k, v: sdpa(q, k, v, is_causal=True), [q, k, v]),
            f"attend.{name}_mask": (lambda q, k, v, m: sdpa(q, k, v, attn_mask=m), [q, k, v, f(17, 9).to(dtype)]),
            f"attend.{name}_bool": (
                lambda q, k, v, m: sdpa(q, k, v, attn_mask=m),
                [q[:, :, :1], k, v, b(1, 9) | (torch.arange(9) == 0)],
            ),
            f"attend.{name}_encoder": (
                nn.TransformerEncoderLayer(12, 3, 20, batch_first=True, dtype=dtype),
                [f(2, 5, 12).to(dtype)],
            ),
        }
    return table


def recurrence_rows() -> dict[str, Row]:
    """Every argument of the recurrent modules."""
    x, y = f(6, 3, 4), f(3, 6, 4)
    table: dict[str, Row] = {
        "recur.lstm_layers": (nn.LSTM(4, 5, 3, dropout=0.5), [x]),
        "recur.lstm_all": (nn.LSTM(4, 5, 2, bidirectional=True, batch_first=True, dropout=0.2), [y]),
        "recur.lstm_no_bias": (nn.LSTM(4, 5, bias=False), [x]),
        "recur.lstm_unbatched": (nn.LSTM(4, 5), [f(6, 4)]),
        "recur.lstm_projected": (nn.LSTM(4, 5, proj_size=3), [x]),
        "recur.lstm_projected_all": (nn.LSTM(4, 7, 2, bidirectional=True, proj_size=3, batch_first=True), [y]),
        "recur.lstm_projected_state": (nn.LSTM(4, 5, proj_size=2), [x, (f(1, 3, 2), f(1, 3, 5))]),
        "recur.lstm_projected_wide": (nn.LSTM(20, 40, proj_size=24), [f(9, 1, 20)]),
        "recur.lstm_one_step": (nn.LSTM(4, 5), [f(1, 3, 4)]),
        "recur.lstm_odd": (nn.LSTM(11, 37), [f(7, 5, 11)]),
        "recur.gru_no_bias": (nn.GRU(4, 5, bias=False), [x]),
        "recur.gru_all": (nn.GRU(4, 5, 2, bidirectional=True, batch_first=True), [y]),
        "recur.gru_state": (nn.GRU(4, 5), [x, f(1, 3, 5)]),
        "recur.rnn_tanh": (nn.RNN(4, 5, 2), [x]),
        "recur.rnn_relu_both": (nn.RNN(4, 5, nonlinearity="relu", bidirectional=True, batch_first=True), [y]),
        "recur.rnn_no_bias": (nn.RNN(4, 5, bias=False), [x]),
        "recur.rnn_cell": (nn.RNNCell(4, 5), [f(3, 4), f(3, 5)]),
    }
    for name, dtype in FLOATS.items():
        table |= {
            f"recur.{name}_lstm": (nn.LSTM(4, 5, 2, bidirectional=True, dtype=dtype), [x.to(dtype)]),
            f"recur.{name}_projected": (nn.LSTM(4, 5, proj_size=3, dtype=dtype), [x.to(dtype)]),
            f"recur.{name}_gru": (nn.GRU(4, 5, dtype=dtype), [x.to(dtype)]),
            f"recur.{name}_rnn": (nn.RNN(4, 5, dtype=dtype), [x.to(dtype)]),
        }
    return table


def floating_rows() -> dict[str, Row]:
    """Normalisation, activations, sorting, products and gathers in f64, f16 and bf16."""
    table: dict[str, Row] = {}
    for name, dtype in FLOATS.items():
        x, y, m = f(5, 37).to(dtype), f(5, 37).to(dtype), f(37, 19).to(dtype)
        activations: dict[str, Callable[..., Any]] = {
            "activations": lambda x: (F.gelu(x), F.silu(x), x.tanh(), x.sigmoid(), x.exp(), F.softplus(x), F.elu(x)),
            "softmax": lambda x: (x.softmax(-1), x.log_softmax(0), x.logsumexp(1)),
            "reduce": lambda x: (x.sum(1), x.mean(), x.amax(0), x.argmax(1), x.var(1), x.cumsum(1), x.norm()),
            "order": lambda x: (*x.sort(1), *x.topk(3, 1), *x.median(1)),
            "functions": lambda x: (x.sin(), x.cos(), x.erf(), x.abs().sqrt(), x.abs().log1p(), x.expm1(), x.atan()),
            "rms": lambda x: F.rms_norm(x, (37,)),
        }
        table |= {f"floating.{name}_{key}": (function, [x]) for key, function in activations.items()}
        table |= {
            f"floating.{name}_binary": (lambda x, y: (x + y, x * y, x / y, x**2, torch.fmod(x, y), x // y), [x, y]),
            f"floating.{name}_layer_norm": (nn.LayerNorm(37, dtype=dtype), [x]),
            f"floating.{name}_products": (
                lambda x, m, c: (x @ m, torch.addmm(c, x, m), F.linear(x, m.t(), c), torch.addmm(c, x, m, alpha=0.5)),
                [x, m, f(19).to(dtype)],
            ),
            f"floating.{name}_gather": (lambda x, n: (x[:, n], torch.embedding(x, n % 5)), [x, i(37, 4)]),
            f"floating.{name}_convolve": (nn.Conv2d(3, 5, 3, padding=1, dtype=dtype), [f(1, 3, 7, 6).to(dtype)]),
            f"floating.{name}_pool": (lambda x: (F.max_pool1d(x, 3), F.avg_pool1d(x, 3)), [x[None]]),
        }
    return table


def gather_rows() -> dict[str, Row]:
    """Indices: negative ones where PyTorch has them."""
    negative = torch.tensor([-1, 2, -4, 0])
    return {
        "gather.negative": (lambda x, n: (x[n], x[:, n], x[n, n]), [f(4, 6), negative]),
        "gather.negative_put": (lambda x, n, y: x.index_put((n,), y), [f(4, 6), torch.tensor([-1, 1]), f(2, 6)]),
        "gather.bool": (lambda x, m: x.masked_fill(m, 2.0), [f(4, 6), b(4, 6)]),
        "gather.i32": (lambda x, n: (x[n], torch.index_select(x, 0, n), F.embedding(n, x)), [f(4, 6), i(4, 5).int()]),
    }


def rows() -> dict[str, Row]:
    """The table: name, function or module, inputs."""
    return integer_rows() | attention_rows() | recurrence_rows() | floating_rows() | gather_rows()


if __name__ == "__main__":
    sys.exit(operators.main(rows))
