"""LSTMs: one with random weights and the speaker encoder of the package resemblyzer with its trained weights."""

from __future__ import annotations

import torch
from support import frozen, mel_frames, package_file, seeded, sound
from torch import Tensor, nn

Model = tuple[nn.Module, tuple[Tensor, ...]]


class Tagger(nn.Module):
    """Two LSTM layers and a linear layer on every step: `[batch, steps, 128]` to `[batch, steps, 64]`."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(128, 256, 2, batch_first=True)
        self.head = nn.Linear(256, 64)

    def forward(self, x: Tensor) -> Tensor:
        steps, _ = self.lstm(x)
        return self.head(steps)


class VoiceEncoder(nn.Module):
    """Resemblyzer's network: three LSTM layers over mel frames `[batch, 160, 40]`, the last state through a linear
    layer and ReLU, scaled to length one: `[batch, 256]`."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(40, 256, 3, batch_first=True)
        self.linear = nn.Linear(256, 256)
        self.relu = nn.ReLU()

    def forward(self, mels: Tensor) -> Tensor:
        _, (hidden, _) = self.lstm(mels)
        raw = self.relu(self.linear(hidden[-1]))
        return raw / torch.norm(raw, dim=1, keepdim=True)


def lstm() -> Model:
    """`Tagger` over 100 steps at batch 1."""
    with seeded(3):
        return frozen(Tagger()), (torch.randn(1, 100, 128),)


def partials(seed: int, count: int = 2) -> Tensor:
    """`count` partial utterances `[count, 160, 40]` of a generated voice, volume-normalised to -30 dBFS as resemblyzer
    does; they overlap by about half."""
    wave = sound(1.6 + 0.77 * (count - 1) + 0.1, seed)
    wave = wave * (10 ** (-30 / 20) / wave.square().mean().sqrt())
    mels = mel_frames(wave)
    return torch.stack([mels[i * 77 : i * 77 + 160] for i in range(count)])


def voice_encoder() -> Model:
    """Resemblyzer's speaker encoder with its trained weights, two partial utterances of 1.6 s."""
    module = VoiceEncoder()
    path = package_file("resemblyzer", "pretrained.pt")
    state = torch.load(path, map_location="cpu", weights_only=True)["model_state"]
    # The checkpoint also holds the two scalars of the training loss.
    missing, unexpected = module.load_state_dict(state, strict=False)
    if missing or set(unexpected) - {"similarity_weight", "similarity_bias"}:
        raise ValueError(f"'{path}' does not fit: missing {missing}, unexpected {unexpected}")
    return frozen(module), (partials(1),)


def voice_encoder_inputs(seed: int) -> tuple[Tensor, ...]:
    """Partial utterances of another generated voice; the example's has seed 1."""
    return (partials(seed + 1),)
