"""Models at the sizes that GPUs are compared at, with random weights: language models of 7 and 8 billion parameters,
encoders, convolutional networks in fp16 and channels-last order, an LSTM and a chain of matrix-vector products."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from bert import BertEncoder
from bert import Config as BertConfig
from convolutional import MobileNetV2
from llama import Attention, Config, Llama, RMSNorm
from support import as_dtype, frozen, randomize_batch_norms, seeded
from torch import Tensor, nn
from torch.nn import functional

Model = tuple[nn.Module, tuple[Tensor, ...]]


def fill(module: nn.Module, deviation: float = 0.02) -> None:
    """Random weights for billions of parameters: runs of one block of normal numbers, each from a place of its own."""
    block = torch.randn(1 << 22)
    for number, parameter in enumerate(module.parameters()):
        flat = parameter.data.view(-1)
        if parameter.dim() < 2:
            flat.copy_(1 + 0.1 * block[: flat.numel()])
            continue
        source = (block * deviation).to(parameter.dtype).roll(7919 * number)
        for start in range(0, flat.numel(), source.numel()):
            part = flat[start : start + source.numel()]
            part.copy_(source[: part.numel()])


class BiasedAttention(Attention):
    """Attention whose projections have biases, as Qwen2's."""

    def __init__(self, c: Config, cache: int) -> None:
        super().__init__(c, cache)
        self.q_proj = nn.Linear(c.hidden, c.heads * c.head_dim)
        self.k_proj = nn.Linear(c.hidden, c.kv_heads * c.head_dim)
        self.v_proj = nn.Linear(c.hidden, c.kv_heads * c.head_dim)


LLAMA_8B = Config(128256, 4096, 32, 32, 8, 14336, 500000.0, 1e-5)
QWEN_7B = Config(152064, 3584, 28, 28, 4, 18944, 1000000.0, 1e-6)


def language_model(c: Config, cache: int, biased: bool = False, used: int = 512) -> Llama:
    """A model in bfloat16 whose cache holds `used` positions, made without a float32 copy."""
    with seeded(5):
        with torch.device("meta"):
            module = Llama(c, cache)
            if biased:
                for layer in module.layers:
                    layer.self_attn = BiasedAttention(c, cache)
        module = frozen(module, torch.bfloat16).to_empty(device="cpu")
        fill(module)
        for layer in module.modules():
            if isinstance(layer, Attention) and cache:
                for store, scale in ((layer.key_cache, 1.0), (layer.value_cache, 0.5)):
                    store.zero_()
                    store[:, :, :used].normal_(0.0, scale)
            elif isinstance(layer, RMSNorm):
                layer.weight.data.uniform_(0.8, 1.2)
        frequencies = 1.0 / (c.theta ** (torch.arange(0, c.head_dim, 2).float() / c.head_dim))
        module.inv_freq = frequencies
        return module


def decoding(c: Config, cache: int = 2048, position: int = 512, biased: bool = False) -> Model:
    """One decode step at `position` of a static cache."""
    module = language_model(c, cache, biased, position)
    return module, (torch.tensor([[4711 % c.vocabulary]]), torch.tensor([position]))


def llama_8b_decode() -> Model:
    """Llama-3.1-8B's shape, position 512 of 2048."""
    return decoding(LLAMA_8B)


def llama_8b_decode_0() -> Model:
    """The first position."""
    return decoding(LLAMA_8B, position=0)


def llama_8b_decode_2047() -> Model:
    """The last position of 2048."""
    return decoding(LLAMA_8B, position=2047)


def llama_8b_decode_16k() -> Model:
    """Position 16,000 of 16,384."""
    return decoding(LLAMA_8B, 16384, 16000)


class CodedLinear(nn.Module):
    """A linear layer that restores its weight from fewer bits: `fp8` (float8_e4m3fn) and `int8` with a scale a row, `int4`
    with a scale for each 32 elements, neighbours in one byte."""

    def __init__(self, linear: nn.Linear, form: str) -> None:
        super().__init__()
        weight = linear.weight.data
        self.form = form
        self.shape = weight.shape
        wide = weight.view(*weight.shape[:-1], -1, 32) if form == "int4" else weight
        greatest = wide.abs().amax(-1, keepdim=True).clamp(min=1e-6)
        if form == "fp8":
            scale = greatest / 448
            codes = (wide / scale).clamp(-448, 448).to(torch.float8_e4m3fn)
        elif form == "int8":
            scale = greatest / 127
            codes = (wide / scale).round().clamp(-127, 127).to(torch.int8)
        else:
            scale = greatest / 7
            whole = ((wide / scale).round() + 8).clamp(0, 15).to(torch.uint8).view(weight.shape)
            codes = whole[:, 0::2] | whole[:, 1::2] << 4
        self.register_buffer("codes", codes)
        self.register_buffer("scale", scale)

    def forward(self, x: Tensor) -> Tensor:
        if self.form == "int4":
            whole = torch.stack((self.codes & 15, self.codes >> 4), -1).view(*self.scale.shape[:-1], 32)
            weight = ((whole.to(x.dtype) - 8) * self.scale).view(self.shape)
        else:
            weight = self.codes.to(x.dtype) * self.scale
        return functional.linear(x, weight)


def coded(model: Model, form: str) -> Model:
    """The model with all linear layers in fewer bits; each weight goes as its codes come."""
    module, inputs = model
    for parent in list(module.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Linear):
                setattr(parent, name, CodedLinear(child, form))
    return module, inputs


def llama_8b_decode_fp8() -> Model:
    """`llama_8b_decode` with weights in float8_e4m3fn."""
    return coded(decoding(LLAMA_8B), "fp8")


def llama_8b_decode_int8() -> Model:
    """`llama_8b_decode` with weights in 8-bit integers."""
    return coded(decoding(LLAMA_8B), "int8")


def llama_8b_decode_int4() -> Model:
    """`llama_8b_decode` with weights in 4-bit blocks of 32."""
    return coded(decoding(LLAMA_8B), "int4")


def llama_small_coded(form: str) -> Model:
    """Two narrow layers in fewer bits, for tests."""
    return coded(decoding(Config(256, 128, 2, 4, 2, 256, 10000.0, 1e-5), 64, 16), form)


def llama_small_fp8() -> Model:
    """Two narrow layers in float8_e4m3fn."""
    return llama_small_coded("fp8")


def llama_small_int8() -> Model:
    """Two narrow layers in 8-bit integers."""
    return llama_small_coded("int8")


def llama_small_int4() -> Model:
    """Two narrow layers in 4-bit blocks of 32."""
    return llama_small_coded("int4")


def llama_8b_four_layers() -> Model:
    """Four layers of `llama_8b_decode` and a small vocabulary: for correctness at full width."""
    return decoding(Config(4096, 4096, 4, 32, 8, 14336, 500000.0, 1e-5))


def qwen_7b_decode() -> Model:
    """Qwen2.5-7B's shape, position 512 of 2048."""
    return decoding(QWEN_7B, biased=True)


def llama_8b_prefill() -> Model:
    """512 tokens at once."""
    module = language_model(LLAMA_8B, 0)
    with seeded(6):
        return module, (torch.randint(0, LLAMA_8B.vocabulary, (1, 512)),)


def bert_large(batch: int, tokens: int) -> Model:
    """BERT-large in bfloat16."""
    with seeded(7):
        c = BertConfig(hidden=1024, layers=24, heads=16, intermediate=4096)
        module = frozen(BertEncoder(c, pooler=False), torch.bfloat16)
        return module, (torch.randint(0, c.vocabulary, (batch, tokens)), torch.ones(batch, tokens, dtype=torch.int64))


def bert_large_b1() -> Model:
    """Batch 1, 128 tokens."""
    return bert_large(1, 128)


def bert_large_b8() -> Model:
    """Batch 8, 512 tokens."""
    return bert_large(8, 512)


@dataclass(frozen=True)
class EncoderConfig:
    """Sizes of a transformer with the norms before its layers."""

    hidden: int
    layers: int
    heads: int
    intermediate: int
    key_bias: bool = True


class PreNormLayer(nn.Module):
    """Norm and attention, norm and GELU perceptron, each with a residual; `[batch, tokens, hidden]`."""

    def __init__(self, c: EncoderConfig) -> None:
        super().__init__()
        self.heads = c.heads
        self.norm1, self.norm2 = nn.LayerNorm(c.hidden), nn.LayerNorm(c.hidden)
        self.query, self.value = nn.Linear(c.hidden, c.hidden), nn.Linear(c.hidden, c.hidden)
        self.key = nn.Linear(c.hidden, c.hidden, bias=c.key_bias)
        self.out = nn.Linear(c.hidden, c.hidden)
        self.up, self.down = nn.Linear(c.hidden, c.intermediate), nn.Linear(c.intermediate, c.hidden)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm1(x)
        shape = (x.shape[0], x.shape[1], self.heads, -1)
        q, k, v = (layer(y).view(shape).transpose(1, 2) for layer in (self.query, self.key, self.value))
        x = x + self.out(functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(x.shape))
        return x + self.down(functional.gelu(self.up(self.norm2(x))))


class VisionTransformer(nn.Module):
    """ViT-B/16 (Dosovitskiy et al. 2021): `[batch, 3, 224, 224]` to 1000 classes."""

    def __init__(self, c: EncoderConfig) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, c.hidden, 16, 16)
        self.token = nn.Parameter(torch.randn(1, 1, c.hidden) * 0.02)
        self.positions = nn.Parameter(torch.randn(1, 197, c.hidden) * 0.02)
        self.layers = nn.ModuleList(PreNormLayer(c) for _ in range(c.layers))
        self.norm, self.head = nn.LayerNorm(c.hidden), nn.Linear(c.hidden, 1000)

    def forward(self, image: Tensor) -> Tensor:
        x = self.patches(image).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], dim=1) + self.positions
        for layer in self.layers:
            x = layer(x)
        return self.head(self.norm(x)[:, 0])


class SpeechEncoder(nn.Module):
    """Whisper's encoder (Radford et al. 2022): mel frames `[batch, 128, 3000]` to states `[batch, 1500, hidden]`."""

    def __init__(self, c: EncoderConfig) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(128, c.hidden, 3, padding=1)
        self.conv2 = nn.Conv1d(c.hidden, c.hidden, 3, 2, 1)
        self.positions = nn.Parameter(torch.randn(1500, c.hidden) * 0.02)
        self.layers = nn.ModuleList(PreNormLayer(c) for _ in range(c.layers))
        self.norm = nn.LayerNorm(c.hidden)

    def forward(self, mels: Tensor) -> Tensor:
        x = functional.gelu(self.conv2(functional.gelu(self.conv1(mels)))).transpose(1, 2) + self.positions
        for layer in self.layers:
            x = layer(x)
        return self.norm(x)


def vit_b16() -> Model:
    """ViT-B/16 at batch 1 in fp16."""
    with seeded(8):
        module = frozen(VisionTransformer(EncoderConfig(768, 12, 12, 3072)), torch.float16)
        return module, (torch.randn(1, 3, 224, 224).to(torch.float16),)


def whisper_large_encoder() -> Model:
    """Whisper-large-v3's encoder at batch 1 in bfloat16."""
    with seeded(9):
        module = frozen(SpeechEncoder(EncoderConfig(1280, 32, 20, 5120, key_bias=False)), torch.bfloat16)
        return module, (torch.randn(1, 128, 3000).to(torch.bfloat16),)


class Bottleneck(nn.Module):
    """ResNet's bottleneck (He et al. 2016): 1x1, 3x3 with the stride, 1x1, and a residual."""

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()

        def unit(a: int, b: int, size: int, step: int = 1) -> nn.Sequential:
            return nn.Sequential(nn.Conv2d(a, b, size, step, size // 2, bias=False), nn.BatchNorm2d(b))

        self.a, self.b, self.c = unit(inputs, width, 1), unit(width, width, 3, stride), unit(width, 4 * width, 1)
        self.short = unit(inputs, 4 * width, 1, stride) if stride != 1 or inputs != 4 * width else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        y = self.c(functional.relu(self.b(functional.relu(self.a(x)))))
        return functional.relu(y + self.short(x))


class ResNet50(nn.Module):
    """ResNet-50: `[batch, 3, 224, 224]` to 1000 classes."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU())
        layers: list[nn.Module] = []
        inputs = 64
        for width, count, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
            for place in range(count):
                layers.append(Bottleneck(inputs, width, stride if place == 0 else 1))
                inputs = 4 * width
        self.layers, self.head = nn.Sequential(*layers), nn.Linear(2048, 1000)

    def forward(self, x: Tensor) -> Tensor:
        x = self.layers(functional.max_pool2d(self.stem(x), 3, 2, 1))
        return self.head(functional.adaptive_avg_pool2d(x, 1).flatten(1))


def vision(kind: type[nn.Module], batch: int) -> Model:
    """A network in fp16 with its weights and pixels in channels-last order."""
    with seeded(2):
        module = kind()
        for layer in module.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
        randomize_batch_norms(module)
        module = frozen(module, torch.float16).to(memory_format=torch.channels_last)
        pixels = as_dtype((torch.randn(batch, 3, 224, 224),), torch.float16)[0]
        return module, (pixels.to(memory_format=torch.channels_last),)


def resnet50_b1() -> Model:
    """ResNet-50 at batch 1."""
    return vision(ResNet50, 1)


def resnet50_b32() -> Model:
    """ResNet-50 at batch 32."""
    return vision(ResNet50, 32)


def mobilenet_v2() -> Model:
    """MobileNetV2 at batch 1."""
    return vision(MobileNetV2, 1)


class Recurrent(nn.Module):
    """Two LSTM layers of 512: `[batch, 64, 512]` to the same."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(512, 512, 2, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.lstm(x)[0]


def lstm() -> Model:
    """LSTM 2 x 512 over 64 steps at batch 1 in fp16."""
    with seeded(3):
        return frozen(Recurrent(), torch.float16), (torch.randn(1, 64, 512).to(torch.float16),)


def mlp() -> Model:
    """Six layers of 1024 with ReLU at batch 1 in bfloat16."""
    with seeded(4):
        layers: list[nn.Module] = []
        for place in range(6):
            layers += [nn.Linear(1024, 1024)] + ([nn.ReLU()] if place < 5 else [])
        return frozen(nn.Sequential(*layers), torch.bfloat16), (torch.randn(1, 1024).to(torch.bfloat16),)
