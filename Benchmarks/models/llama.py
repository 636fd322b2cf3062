"""A Llama (Touvron et al. 2023) of 12 layers and width 768 with random weights, 110 million parameters: prefill of
128 tokens, and one decode step over a static cache of 256 positions."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from support import frozen, seeded
from torch import Tensor, nn
from torch.nn import functional

Model = tuple[nn.Module, tuple[Tensor, ...]]


@dataclass(frozen=True)
class Config:
    """Sizes of a Llama; `kv_heads` below `heads` is grouped-query attention."""

    vocabulary: int = 32000
    hidden: int = 768
    layers: int = 12
    heads: int = 12
    kv_heads: int = 12
    intermediate: int = 2048
    theta: float = 10000.0
    eps: float = 1e-6

    @property
    def head_dim(self) -> int:
        """Width of one head."""
        return self.hidden // self.heads


class RMSNorm(nn.Module):
    """Root-mean-square norm over the last axis, computed in float32."""

    def __init__(self, width: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        wide = x.to(torch.float32)
        wide = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + self.eps)
        return self.weight * wide.to(x.dtype)


def rotated(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary embedding of `x` `[batch, heads, tokens, headDim]` by angles `[tokens, headDim]`."""
    low, high = x.chunk(2, dim=-1)
    return x * cos + torch.cat((-high, low), dim=-1) * sin


class Attention(nn.Module):
    """Causal attention; with a cache `[batch, kvHeads, positions, headDim]` it writes keys and values at `position`
    in place and attends over what the mask leaves."""

    def __init__(self, c: Config, cache: int) -> None:
        super().__init__()
        self.c = c
        self.q_proj = nn.Linear(c.hidden, c.heads * c.head_dim, bias=False)
        self.k_proj = nn.Linear(c.hidden, c.kv_heads * c.head_dim, bias=False)
        self.v_proj = nn.Linear(c.hidden, c.kv_heads * c.head_dim, bias=False)
        self.o_proj = nn.Linear(c.heads * c.head_dim, c.hidden, bias=False)
        if cache:
            shape = (1, c.kv_heads, cache, c.head_dim)
            self.register_buffer("key_cache", torch.zeros(shape), persistent=False)
            self.register_buffer("value_cache", torch.zeros(shape), persistent=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, position: Tensor | None, mask: Tensor | None) -> Tensor:
        batch, tokens, _ = x.shape
        c = self.c
        q = self.q_proj(x).view(batch, tokens, c.heads, c.head_dim).transpose(1, 2)
        k = self.k_proj(x).view(batch, tokens, c.kv_heads, c.head_dim).transpose(1, 2)
        v = self.v_proj(x).view(batch, tokens, c.kv_heads, c.head_dim).transpose(1, 2)
        q, k = rotated(q, cos, sin), rotated(k, cos, sin)
        if position is not None:
            self.key_cache.index_copy_(2, position, k)
            self.value_cache.index_copy_(2, position, v)
            k, v = self.key_cache, self.value_cache
        grouped = c.kv_heads != c.heads
        causal = position is None
        out = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=causal, enable_gqa=grouped)
        return self.o_proj(out.transpose(1, 2).reshape(batch, tokens, -1))


class SwiGLU(nn.Module):
    """Gated perceptron: `down(silu(gate(x)) * up(x))`."""

    def __init__(self, c: Config) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(c.hidden, c.intermediate, bias=False)
        self.up_proj = nn.Linear(c.hidden, c.intermediate, bias=False)
        self.down_proj = nn.Linear(c.intermediate, c.hidden, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down_proj(functional.silu(self.gate_proj(x)) * self.up_proj(x))


class Block(nn.Module):
    """One layer: norm and attention, norm and perceptron, each with a residual."""

    def __init__(self, c: Config, cache: int) -> None:
        super().__init__()
        self.input_layernorm = RMSNorm(c.hidden, c.eps)
        self.self_attn = Attention(c, cache)
        self.post_attention_layernorm = RMSNorm(c.hidden, c.eps)
        self.mlp = SwiGLU(c)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, position: Tensor | None, mask: Tensor | None) -> Tensor:
        x = x + self.self_attn(self.input_layernorm(x), cos, sin, position, mask)
        return x + self.mlp(self.post_attention_layernorm(x))


class Llama(nn.Module):
    """Token identifiers `[1, tokens]` to logits `[1, tokens, vocabulary]`. With `cache` positions it decodes: one
    token and its position `[1]` (int64), state kept in the layers' cache buffers."""

    def __init__(self, c: Config, cache: int = 0) -> None:
        super().__init__()
        self.cache = cache
        self.embed_tokens = nn.Embedding(c.vocabulary, c.hidden)
        self.layers = nn.ModuleList(Block(c, cache) for _ in range(c.layers))
        self.norm = RMSNorm(c.hidden, c.eps)
        self.lm_head = nn.Linear(c.hidden, c.vocabulary, bias=False)
        frequencies = 1.0 / (c.theta ** (torch.arange(0, c.head_dim, 2).float() / c.head_dim))
        self.register_buffer("inv_freq", frequencies, persistent=False)

    def forward(self, ids: Tensor, position: Tensor | None = None) -> Tensor:
        x = self.embed_tokens(ids)
        at = torch.arange(ids.shape[1], device=ids.device) if position is None else position
        angles = at[:, None].float() * self.inv_freq.float()[None, :]
        angles = torch.cat((angles, angles), dim=-1)
        cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
        mask = None
        if position is not None:
            mask = (torch.arange(self.cache, device=ids.device)[None, :] <= position[:, None])[None, None]
        for layer in self.layers:
            x = layer(x, cos, sin, position, mask)
        return self.lm_head(self.norm(x))


def build(c: Config, cache: int, dtype: torch.dtype) -> Llama:
    """A Llama with random weights (normal, 0.02; norms near one) and a cache that looks half used."""
    module = Llama(c, cache)
    frequencies = module.inv_freq.clone()
    for layer in module.modules():
        if isinstance(layer, (nn.Linear, nn.Embedding)):
            nn.init.normal_(layer.weight, 0.0, 0.02)
        elif isinstance(layer, RMSNorm):
            nn.init.uniform_(layer.weight, 0.8, 1.2)
        elif isinstance(layer, Attention) and cache:
            nn.init.normal_(layer.key_cache[:, :, : cache // 2])
            nn.init.normal_(layer.value_cache[:, :, : cache // 2], 0.0, 0.5)
    frozen(module, dtype)
    module.inv_freq = frequencies  # angles stay float32 in every element type
    return module


def prefill(dtype: torch.dtype = torch.float32, c: Config = Config(), tokens: int = 128) -> Model:
    """128 tokens at once, logits for all of them."""
    with seeded(5):
        return build(c, 0, dtype), (torch.randint(0, c.vocabulary, (1, tokens)),)


def decode(dtype: torch.dtype = torch.float32, c: Config = Config(), cache: int = 256) -> Model:
    """One token at position `cache / 2`; calling again with the same position is the same step."""
    with seeded(5):
        module = build(c, cache, dtype)
        return module, (torch.randint(0, c.vocabulary, (1, 1)), torch.tensor([cache // 2]))


def prefill_bf16() -> Model:
    """`prefill` in bfloat16."""
    return prefill(torch.bfloat16)


def decode_bf16() -> Model:
    """`decode` in bfloat16."""
    return decode(torch.bfloat16)


def varied(seed: int, tokens: int) -> Tensor:
    """Random identifiers `[1, tokens]`."""
    with seeded(1000 + seed):
        return torch.randint(0, Config().vocabulary, (1, tokens))


def prefill_inputs(seed: int) -> tuple[Tensor, ...]:
    """Other tokens."""
    return (varied(seed, 128),)


def decode_inputs(seed: int) -> tuple[Tensor, ...]:
    """Another token at the same position, so that calls in any order see the same cache."""
    return varied(seed, 1), torch.tensor([128])


prefill_bf16_inputs = prefill_inputs
decode_bf16_inputs = decode_inputs

SMALL = Config(vocabulary=512, hidden=64, layers=2, heads=4, kv_heads=2, intermediate=160)


def small_prefill() -> Model:
    """Two layers of width 64 with grouped-query attention, 16 tokens: quick to test with."""
    return prefill(c=SMALL, tokens=16)


def small_decode() -> Model:
    """One decode step of the small model over a cache of 32."""
    return decode(c=SMALL, cache=32)


def small_decode_inputs(seed: int) -> tuple[Tensor, ...]:
    """Another token at another position."""
    with seeded(1000 + seed):
        return torch.randint(0, SMALL.vocabulary, (1, 1)), torch.tensor([16 - seed % 3])
