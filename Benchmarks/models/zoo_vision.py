"""Small networks in the manner of well-known vision models and others, written by hand with random weights.

They exist to find out what imports, not to be measured: every function returns `(module, example_inputs)` and runs in
milliseconds.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from support import frozen, randomize_batch_norms, seeded
from torch import Tensor, nn

Model = tuple[nn.Module, tuple[Tensor, ...]]


def finished(module: nn.Module, *inputs: Tensor) -> Model:
    """The module ready for inference with statistics that matter."""
    with seeded(1):
        randomize_batch_norms(module)
    return frozen(module), inputs


def unit(inputs: int, outputs: int, size: int = 3, stride: int = 1, groups: int = 1, act: nn.Module | None = None):
    """Convolution, batch norm, activation."""
    convolution = nn.Conv2d(inputs, outputs, size, stride, size // 2, groups=groups, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), act or nn.ReLU(inplace=True))


class Bottleneck(nn.Module):
    """ResNet's bottleneck."""

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            unit(inputs, width, 1), unit(width, width, 3, stride), unit(width, 4 * width, 1, act=nn.Identity())
        )
        self.short = unit(inputs, 4 * width, 1, stride, act=nn.Identity())

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.body(x) + self.short(x), inplace=True)


def resnet50() -> Model:
    """The stem and one bottleneck of each stage."""
    with seeded(0):
        stages = [Bottleneck(8, 4, 1), Bottleneck(16, 8, 2), Bottleneck(32, 16, 2)]
        module = nn.Sequential(
            unit(3, 8, 7, 2), nn.MaxPool2d(3, 2, 1), *stages, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10)
        )
        return finished(module, torch.randn(2, 3, 64, 64))


class InvertedResidual(nn.Module):
    """MobileNet's and EfficientNet's block, with squeeze and excitation where asked."""

    def __init__(self, width: int, act: type[nn.Module], squeeze: bool) -> None:
        super().__init__()
        inner = 4 * width
        self.widen = unit(width, inner, 1, act=act())
        self.deep = unit(inner, inner, 3, groups=inner, act=act())
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(inner, 4, 1), act(), nn.Conv2d(4, inner, 1),
            nn.Hardsigmoid() if act is nn.Hardswish else nn.Sigmoid(),
        )  # fmt: skip
        self.squeeze = squeeze
        self.narrow = unit(inner, width, 1, act=nn.Identity())

    def forward(self, x: Tensor) -> Tensor:
        y = self.deep(self.widen(x))
        if self.squeeze:
            y = y * self.gate(y)
        return x + self.narrow(y)


def inverted(act: type[nn.Module], squeeze: bool) -> Model:
    """A network of inverted residuals."""
    with seeded(0):
        blocks = [InvertedResidual(8, act, squeeze) for _ in range(2)]
        module = nn.Sequential(unit(3, 8, 3, 2, act=act()), *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        return finished(module, torch.randn(1, 3, 40, 40))


def mobilenet_v3() -> Model:
    return inverted(nn.Hardswish, squeeze=True)


def efficientnet() -> Model:
    return inverted(nn.SiLU, squeeze=True)


def efficientnet_lite() -> Model:
    return inverted(nn.ReLU6, squeeze=False)


class Dense(nn.Module):
    """DenseNet's block: every layer sees all earlier ones."""

    def __init__(self, width: int, growth: int, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Sequential(
                nn.BatchNorm2d(width + k * growth), nn.ReLU(), nn.Conv2d(width + k * growth, growth, 3, padding=1)
            )
            for k in range(layers)
        )

    def forward(self, x: Tensor) -> Tensor:
        features = [x]
        for layer in self.layers:
            features.append(layer(torch.cat(features, 1)))
        return torch.cat(features, 1)


def densenet() -> Model:
    with seeded(0):
        module = nn.Sequential(
            unit(3, 8), Dense(8, 4, 3), nn.BatchNorm2d(20), nn.ReLU(), nn.Conv2d(20, 10, 1), nn.AvgPool2d(2),
            Dense(10, 4, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(18, 5),
        )  # fmt: skip
        return finished(module, torch.randn(1, 3, 16, 16))


class Shuffle(nn.Module):
    """ShuffleNet v2's unit: half of the channels pass, then channels are shuffled."""

    def __init__(self, width: int) -> None:
        super().__init__()
        half = width // 2
        self.body = nn.Sequential(
            unit(half, half, 1), unit(half, half, 3, groups=half, act=nn.Identity()), unit(half, half, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        left, right = x.chunk(2, dim=1)
        x = torch.cat((left, self.body(right)), dim=1)
        batch, channels, height, width = x.size()
        x = x.view(batch, 2, channels // 2, height, width)
        return torch.transpose(x, 1, 2).contiguous().view(batch, -1, height, width)


def shufflenet() -> Model:
    with seeded(0):
        module = nn.Sequential(unit(3, 12, 3, 2), Shuffle(12), Shuffle(12), nn.Conv2d(12, 16, 1))
        return finished(module, torch.randn(1, 3, 32, 32))


class Fire(nn.Module):
    """SqueezeNet's module."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(width, 4, 1)
        self.narrow, self.wide = nn.Conv2d(4, width // 2, 1), nn.Conv2d(4, width // 2, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.squeeze(x))
        return torch.cat([F.relu(self.narrow(x)), F.relu(self.wide(x))], 1)


def squeezenet() -> Model:
    with seeded(0):
        module = nn.Sequential(
            nn.Conv2d(3, 8, 3, 2), nn.MaxPool2d(3, 2, ceil_mode=True), Fire(8), nn.Dropout(), nn.Conv2d(8, 5, 1)
        )
        return finished(module, torch.randn(1, 3, 33, 33))


class Inception(nn.Module):
    """Parallel branches of several window sizes."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.one = unit(width, 4, 1)
        self.three = nn.Sequential(unit(width, 3, 1), unit(3, 6))
        self.five = nn.Sequential(unit(width, 2, 1), unit(2, 4, 5))
        self.pool = nn.Sequential(nn.MaxPool2d(3, 1, 1), unit(width, 2, 1))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.one(x), self.three(x), self.five(x), self.pool(x)], 1)


def googlenet() -> Model:
    with seeded(0):
        module = nn.Sequential(
            unit(3, 8, 7, 2), nn.LocalResponseNorm(5), Inception(8), Inception(16), nn.AdaptiveAvgPool2d((2, 3))
        )
        return finished(module, torch.randn(1, 3, 28, 36))


def vgg() -> Model:
    with seeded(0):
        module = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(True), nn.MaxPool2d(2), nn.Conv2d(8, 12, 3, padding=1), nn.ReLU(True),
            nn.MaxPool2d(2), nn.AdaptiveAvgPool2d((7, 7)), nn.Flatten(), nn.Linear(588, 20), nn.ReLU(True), nn.Dropout(),
            nn.Linear(20, 10),
        )  # fmt: skip
        return finished(module, torch.randn(1, 3, 32, 32))


class UNet(nn.Module):
    """Down, up by a transposed convolution, up by interpolation, with skips that need cropping by padding."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.third = unit(3, 8), unit(8, 16), unit(16, 32)
        self.up = nn.ConvTranspose2d(32, 16, 2, stride=2)
        self.merge, self.last = unit(32, 16), unit(24, 8)
        self.head = nn.Conv2d(8, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        a = self.first(x)
        b = self.second(F.max_pool2d(a, 2))
        c = self.third(F.max_pool2d(b, 2))
        up = self.up(c)
        up = F.pad(up, (0, b.shape[3] - up.shape[3], 0, b.shape[2] - up.shape[2]))
        d = self.merge(torch.cat([b, up], 1))
        d = F.interpolate(d, size=a.shape[2:], mode="bilinear", align_corners=False)
        return self.head(self.last(torch.cat([a, d], 1))).softmax(1)


def unet() -> Model:
    with seeded(0):
        return finished(UNet(), torch.randn(1, 3, 22, 26))


class LayerNorm2d(nn.LayerNorm):
    """Layer norm over channels of an image."""

    def forward(self, x: Tensor) -> Tensor:
        x = x.permute(0, 2, 3, 1)
        x = F.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)
        return x.permute(0, 3, 1, 2)


class ConvNeXtBlock(nn.Module):
    """Depthwise 7×7, layer norm, a widened perceptron and a layer scale."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.deep = nn.Conv2d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.body = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.scale = nn.Parameter(torch.full((width, 1, 1), 0.5))

    def forward(self, x: Tensor) -> Tensor:
        y = self.body(self.norm(self.deep(x).permute(0, 2, 3, 1))).permute(0, 3, 1, 2)
        return x + self.scale * y


def convnext() -> Model:
    with seeded(0):
        module = nn.Sequential(
            nn.Conv2d(3, 16, 4, 4), LayerNorm2d(16, 1e-6), ConvNeXtBlock(16), LayerNorm2d(16), nn.Conv2d(16, 32, 2, 2),
            ConvNeXtBlock(32), nn.AdaptiveAvgPool2d(1), LayerNorm2d(32), nn.Flatten(1), nn.Linear(32, 10),
        )  # fmt: skip
        return finished(module, torch.randn(1, 3, 32, 32))


class WindowAttention(nn.Module):
    """Swin's attention in shifted windows with relative position bias; masks are made in forward."""

    def __init__(self, width: int, heads: int, window: int, shift: int) -> None:
        super().__init__()
        self.heads, self.window, self.shift = heads, window, shift
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.table = nn.Parameter(torch.randn((2 * window - 1) ** 2, heads) * 0.1)
        place = torch.stack(torch.meshgrid(torch.arange(window), torch.arange(window), indexing="ij")).flatten(1)
        relative = (place[:, :, None] - place[:, None, :]).permute(1, 2, 0) + window - 1
        self.register_buffer("index", (relative[..., 0] * (2 * window - 1) + relative[..., 1]).flatten())

    def forward(self, x: Tensor) -> Tensor:
        batch, height, width, channels = x.shape
        w, s = self.window, self.shift
        down, right = -height % w, -width % w
        x = F.pad(x, (0, 0, 0, right, 0, down))
        rows, columns = height + down, width + right
        if s:
            x = torch.roll(x, (-s, -s), (1, 2))
        count = (rows // w) * (columns // w)
        x = x.view(batch, rows // w, w, columns // w, w, channels).permute(0, 1, 3, 2, 4, 5)
        x = x.reshape(batch * count, w * w, channels)
        q, k, v = self.qkv(x).view(x.shape[0], w * w, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        scores = q * q.shape[-1] ** -0.5 @ k.transpose(-2, -1)
        scores = scores + self.table[self.index].view(w * w, w * w, -1).permute(2, 0, 1).unsqueeze(0)
        if s:
            mask = x.new_zeros((rows, columns))
            n = 0
            for h in ((0, -w), (-w, -s), (-s, None)):
                for v_ in ((0, -w), (-w, -s), (-s, None)):
                    mask[h[0] : h[1], v_[0] : v_[1]] = n
                    n += 1
            mask = mask.view(rows // w, w, columns // w, w).permute(0, 2, 1, 3).reshape(count, w * w)
            mask = mask.unsqueeze(1) - mask.unsqueeze(2)
            mask = mask.masked_fill(mask != 0, -100.0).masked_fill(mask == 0, 0.0)
            scores = scores.view(batch, count, self.heads, w * w, w * w) + mask.unsqueeze(1).unsqueeze(0)
            scores = scores.view(-1, self.heads, w * w, w * w)
        x = (scores.softmax(-1) @ v).transpose(1, 2).reshape(x.shape[0], w * w, channels)
        x = self.out(x).view(batch, rows // w, columns // w, w, w, channels).permute(0, 1, 3, 2, 4, 5)
        x = x.reshape(batch, rows, columns, channels)
        if s:
            x = torch.roll(x, (s, s), (1, 2))
        return x[:, :height, :width, :].contiguous()


class PatchMerging(nn.Module):
    """Four neighbours become one token."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.reduce, self.norm = nn.Linear(4 * width, 2 * width, bias=False), nn.LayerNorm(4 * width)

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-3:-1]
        x = F.pad(x, (0, 0, 0, width % 2, 0, height % 2))
        parts = [x[..., i::2, j::2, :] for i, j in ((0, 0), (1, 0), (0, 1), (1, 1))]
        return self.reduce(self.norm(torch.cat(parts, -1)))


class SwinBlock(nn.Module):
    """Attention and a perceptron with residuals."""

    def __init__(self, width: int, shift: int) -> None:
        super().__init__()
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = WindowAttention(width, 2, 4, shift)
        self.body = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.first(x))
        return x + self.body(self.second(x))


class Permute(nn.Module):
    """Channels last."""

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(0, 2, 3, 1)


def swin() -> Model:
    with seeded(0):
        module = nn.Sequential(
            nn.Conv2d(3, 16, 4, 4), Permute(), nn.LayerNorm(16), SwinBlock(16, 0), SwinBlock(16, 2), PatchMerging(16)
        )
        return finished(module, torch.randn(1, 3, 40, 36))


class ProposalNet(nn.Module):
    """MTCNN's first network."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 10, 3), nn.PReLU(10), nn.MaxPool2d(2, 2, ceil_mode=True), nn.Conv2d(10, 16, 3), nn.PReLU(16),
            nn.Conv2d(16, 32, 3), nn.PReLU(32),
        )  # fmt: skip
        self.probability, self.box = nn.Conv2d(32, 2, 1), nn.Conv2d(32, 4, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.body(x)
        return self.box(x), self.probability(x).softmax(1)


def mtcnn_proposal() -> Model:
    with seeded(0):
        return finished(ProposalNet(), torch.randn(1, 3, 35, 29))


class OutputNet(nn.Module):
    """MTCNN's last network."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 8, 3), nn.PReLU(8), nn.MaxPool2d(3, 2, ceil_mode=True), nn.Conv2d(8, 16, 3), nn.PReLU(16),
            nn.MaxPool2d(3, 2, ceil_mode=True), nn.Conv2d(16, 16, 3), nn.PReLU(16), nn.MaxPool2d(2, 2, ceil_mode=True),
        )  # fmt: skip
        self.dense, self.act = nn.Linear(16 * 16, 32), nn.PReLU(32)
        self.heads = nn.ModuleList([nn.Linear(32, 2), nn.Linear(32, 4), nn.Linear(32, 10)])

    def forward(self, x: Tensor) -> list[Tensor]:
        x = self.body(x).permute(0, 3, 2, 1).contiguous()
        x = self.act(self.dense(x.view(x.shape[0], -1)))
        probability, box, points = [head(x) for head in self.heads]
        return [box, points, probability.softmax(1)]


def mtcnn_output() -> Model:
    with seeded(0):
        return finished(OutputNet(), torch.randn(2, 3, 46, 46))


class Detector(nn.Module):
    """In the manner of a one-stage detector: a focus stem, feature pyramid, and boxes decoded over a grid."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = unit(12, 8, act=nn.SiLU())
        self.low, self.high = unit(8, 16, 3, 2, act=nn.SiLU()), unit(16, 16, 3, 2, act=nn.SiLU())
        self.pool, self.merge = nn.MaxPool2d(5, 1, 2), unit(32, 16, 1, act=nn.SiLU())
        self.up = nn.Upsample(scale_factor=2, mode="nearest")
        self.head = nn.Conv2d(32, 2 * 7, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.cat([x[..., ::2, ::2], x[..., 1::2, ::2], x[..., ::2, 1::2], x[..., 1::2, 1::2]], 1)
        low = self.low(self.stem(x))
        high = self.high(low)
        high = self.merge(torch.cat([high, self.pool(high)], 1))
        y = self.head(torch.cat([low, self.up(high)], 1))
        batch, _, rows, columns = y.shape
        y = y.view(batch, 2, 7, rows, columns).permute(0, 1, 3, 4, 2).contiguous().sigmoid()
        vertical, horizontal = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
        grid = torch.stack((horizontal, vertical), 2).view(1, 1, rows, columns, 2).float()
        y[..., 0:2] = (y[..., 0:2] * 2.0 - 0.5 + grid) * 4
        y[..., 2:4] = (y[..., 2:4] * 2) ** 2
        return y.view(batch, -1, 7)


def detector() -> Model:
    with seeded(0):
        return finished(Detector(), torch.randn(1, 3, 32, 32))


class PointNet(nn.Module):
    """A learned transform, shared perceptrons and a maximum over points."""

    def __init__(self) -> None:
        super().__init__()
        self.transform = nn.Sequential(nn.Conv1d(3, 16, 1), nn.BatchNorm1d(16), nn.ReLU())
        self.matrix = nn.Linear(16, 9)
        self.body = nn.Sequential(nn.Conv1d(3, 24, 1), nn.BatchNorm1d(24), nn.ReLU())
        self.head = nn.Linear(24, 5)

    def forward(self, x: Tensor) -> Tensor:
        matrix = self.matrix(torch.max(self.transform(x), 2, keepdim=True)[0].view(-1, 16)).view(-1, 3, 3)
        matrix = matrix + torch.eye(3, dtype=x.dtype, device=x.device).repeat(x.shape[0], 1, 1)
        x = torch.bmm(x.transpose(2, 1), matrix).transpose(2, 1)
        return F.log_softmax(self.head(torch.max(self.body(x), 2)[0]), dim=1)


def pointnet() -> Model:
    with seeded(0):
        return finished(PointNet(), torch.randn(2, 3, 50))


class Recommender(nn.Module):
    """Embedding bags for sparse features and their pairwise products, in the manner of DLRM."""

    def __init__(self) -> None:
        super().__init__()
        self.bags = nn.ModuleList(nn.EmbeddingBag(20, 8, mode=mode) for mode in ("sum", "mean", "sum"))
        self.dense, self.head = nn.Sequential(nn.Linear(5, 8), nn.ReLU()), nn.Linear(14, 1)
        rows, columns = torch.tril_indices(4, 4, -1)
        self.register_buffer("rows", rows)
        self.register_buffer("columns", columns)

    def forward(self, x: Tensor, items: Tensor) -> Tensor:
        dense = self.dense(x)
        sparse = [bag(items[:, k]) for k, bag in enumerate(self.bags)]
        all_ = torch.stack([dense, *sparse], 1)
        products = torch.bmm(all_, all_.transpose(1, 2))[:, self.rows, self.columns]
        return torch.sigmoid(self.head(torch.cat([dense, products], 1)))


def recommender() -> Model:
    with seeded(0):
        return finished(Recommender(), torch.randn(3, 5), torch.randint(0, 20, (3, 3, 4)))


class Generator(nn.Module):
    """A small image generator: transposed convolutions, instance norms, leaky units and pixel shuffles."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.ConvTranspose2d(8, 16, 4, 2, 1, bias=False), nn.InstanceNorm2d(16, affine=True), nn.LeakyReLU(0.2),
            nn.ReflectionPad2d(1), nn.Conv2d(16, 16, 3), nn.PixelShuffle(2), nn.ReplicationPad2d(2),
            nn.Conv2d(4, 3, 5), nn.Tanh(),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x)


def generator() -> Model:
    with seeded(0):
        return finished(Generator(), torch.randn(1, 8, 5, 6))


class Graph(nn.Module):
    """Two graph convolutions over an edge list: messages are gathered and summed by scatter."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(6, 8), nn.Linear(8, 3)

    def layer(self, x: Tensor, edges: Tensor, linear: nn.Linear) -> Tensor:
        source, target = edges[0], edges[1]
        degree = torch.zeros(x.shape[0]).index_add_(0, target, torch.ones(target.shape[0])).clamp(min=1)
        weight = degree[source].rsqrt() * degree[target].rsqrt()
        x = linear(x)
        return torch.zeros_like(x).index_add(0, target, x[source] * weight[:, None])

    def forward(self, x: Tensor, edges: Tensor) -> Tensor:
        x = self.layer(x, edges, self.first).relu()
        return self.layer(x, edges, self.second).log_softmax(-1)


def graph_network() -> Model:
    with seeded(0):
        return finished(Graph(), torch.randn(7, 6), torch.randint(0, 7, (2, 15)))
