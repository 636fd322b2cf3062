"""Small networks in the manner of well-known audio models, written by hand with random weights; see `zoo_vision.py`."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from support import seeded
from torch import Tensor, nn
from zoo_vision import Model, finished


class VoiceDetector(nn.Module):
    """In the manner of silero-vad: a spectrum by strided convolution, an encoder and one step of an LSTM cell."""

    def __init__(self) -> None:
        super().__init__()
        window = torch.hann_window(64)
        angle = torch.arange(33)[:, None] * torch.arange(64)[None] * (2 * torch.pi / 64)
        self.register_buffer("basis", torch.cat([angle.cos(), -angle.sin()]).unsqueeze(1) * window)
        self.encoder = nn.Sequential(nn.Conv1d(33, 16, 3, padding=1), nn.ReLU(), nn.Conv1d(16, 8, 3, 2, 1), nn.ReLU())
        self.cell, self.head = nn.LSTMCell(8, 8), nn.Conv1d(8, 1, 1)

    def forward(self, wave: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        spectrum = F.conv1d(F.pad(wave.unsqueeze(1), (0, 32), mode="reflect"), self.basis, stride=32)
        real, imaginary = spectrum[:, :33], spectrum[:, 33:]
        x = self.encoder(torch.sqrt(real**2 + imaginary**2)).mean(-1)
        h, c = self.cell(x, (h, c))
        return torch.sigmoid(self.head(h.unsqueeze(-1).relu())).squeeze(), h, c


def voice_detector() -> Model:
    with seeded(0):
        return finished(VoiceDetector(), torch.randn(2, 256), torch.randn(2, 8), torch.randn(2, 8))


class Spectrogram(nn.Module):
    """A log-mel spectrogram by torch.stft, as audio models compute it."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("window", torch.hann_window(64))
        self.register_buffer("mel", torch.rand(33, 10))

    def forward(self, wave: Tensor) -> Tensor:
        spectrum = torch.stft(wave, 64, 16, window=self.window, return_complex=True)
        power = spectrum.abs() ** 2
        return torch.log10(torch.clamp(power.transpose(1, 2) @ self.mel, min=1e-10))


def spectrogram() -> Model:
    with seeded(0):
        return finished(Spectrogram(), torch.randn(2, 320))


class WaveNet(nn.Module):
    """Dilated causal convolutions with gates and skips; weights are normalised in forward."""

    def __init__(self) -> None:
        super().__init__()
        norm = torch.nn.utils.parametrizations.weight_norm
        self.first = nn.Conv1d(1, 8, 1)
        self.layers = nn.ModuleList(norm(nn.Conv1d(8, 16, 2, dilation=2**k)) for k in range(4))
        self.skips = nn.ModuleList(nn.Conv1d(8, 8, 1) for _ in range(4))
        self.last = nn.Conv1d(8, 16, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        total = 0
        for k, (layer, skip) in enumerate(zip(self.layers, self.skips, strict=True)):
            a, b = layer(F.pad(x, (2**k, 0))).chunk(2, 1)
            y = a.tanh() * b.sigmoid()
            total = total + skip(y)
            x = x + y
        return self.last(F.relu(total)).argmax(1)


def wavenet() -> Model:
    with seeded(0):
        return finished(WaveNet(), torch.randn(1, 1, 80))


class SpeechEncoder(nn.Module):
    """Convolutional subsampling, a conformer block with relative shift, and a bidirectional GRU."""

    def __init__(self) -> None:
        super().__init__()
        self.sub = nn.Sequential(nn.Conv2d(1, 4, 3, 2), nn.ReLU(), nn.Conv2d(4, 4, 3, 2), nn.ReLU())
        self.enter = nn.Linear(4 * 4, 16)
        self.norm, self.point, self.deep = (
            nn.LayerNorm(16),
            nn.Conv1d(16, 32, 1),
            nn.Conv1d(16, 16, 5, padding=2, groups=16),
        )
        self.batch, self.q, self.k = nn.BatchNorm1d(16), nn.Linear(16, 16), nn.Linear(16, 16)
        self.v, self.position = nn.Linear(16, 16), nn.Parameter(torch.randn(2, 8, 21) * 0.1)
        self.gru = nn.GRU(16, 8, batch_first=True, bidirectional=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.sub(x.unsqueeze(1))
        batch, channels, frames, bands = x.shape
        x = self.enter(x.transpose(1, 2).reshape(batch, frames, channels * bands))
        q = self.q(x).view(batch, frames, 2, 8).transpose(1, 2)
        k = self.k(x).view(batch, frames, 2, 8).transpose(1, 2)
        v = self.v(x).view(batch, frames, 2, 8).transpose(1, 2)
        relative = q @ self.position[:, :, : 2 * frames - 1]
        relative = F.pad(relative, (1, 0)).view(batch, 2, 2 * frames, frames)[:, :, 1:].reshape(batch, 2, frames, -1)
        scores = (q @ k.transpose(-2, -1) + relative[..., :frames]) / 8**0.5
        x = x + (scores.softmax(-1) @ v).transpose(1, 2).flatten(2)
        y = F.glu(self.point(self.norm(x).transpose(1, 2)), dim=1)
        x = x + F.silu(self.batch(self.deep(y))).transpose(1, 2)
        return self.gru(x)[0]


def speech_encoder() -> Model:
    with seeded(0):
        return finished(SpeechEncoder(), torch.randn(2, 40, 20))
