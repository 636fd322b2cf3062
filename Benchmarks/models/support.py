"""What every model file shares: seeds, files of installed packages, and generated sound."""

from __future__ import annotations

import contextlib
import importlib.util
import math
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Runs its body with PyTorch's generator at `seed` and restores the generator afterwards."""
    state = torch.get_rng_state()
    torch.manual_seed(seed)
    try:
        yield
    finally:
        torch.set_rng_state(state)


def package_file(package: str, relative: str) -> Path:
    """A file inside an installed package, found without importing it: the packages that carry weights need libraries
    (audio, resampling, voice detection) that inference does not."""
    spec = importlib.util.find_spec(package)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / relative
        if path.is_file():
            return path
    raise FileNotFoundError(f"package '{package}' with '{relative}' is not installed (run dev/setup-venv --models)")


def randomize_batch_norms(module: nn.Module) -> None:
    """Gives every batch norm the statistics of a trained one; fresh ones (mean 0, variance 1) would make folding
    them a no-op that no test could see."""
    for layer in module.modules():
        if isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)):
            nn.init.uniform_(layer.weight, 0.7, 1.2)
            nn.init.normal_(layer.bias, 0.0, 0.1)
            nn.init.normal_(layer.running_mean, 0.0, 0.2)
            nn.init.uniform_(layer.running_var, 0.6, 1.4)


def frozen(module: nn.Module, dtype: torch.dtype = torch.float32) -> nn.Module:
    """The module ready for inference: evaluation mode, no gradients, element type `dtype`."""
    return module.eval().requires_grad_(False).to(dtype)


def as_dtype(inputs: tuple[Tensor, ...], dtype: torch.dtype) -> tuple[Tensor, ...]:
    """The same inputs with floating-point ones as `dtype`."""
    return tuple(x.to(dtype) if x.is_floating_point() else x for x in inputs)


def sound(seconds: float, seed: int, rate: int = 16000) -> Tensor:
    """A voice-like sound, `[samples]` in -1...1: a gliding fundamental with vibrato, decaying harmonics under two
    moving formants, syllables with pauses, and a little noise. The same seed gives the same sound."""
    generator = torch.Generator().manual_seed(seed)
    u = torch.rand(8, generator=generator, dtype=torch.float64).tolist()
    count = int(seconds * rate)
    t = torch.arange(count, dtype=torch.float64) / rate
    pitch = (90 + 200 * u[0]) * torch.exp2((u[1] - 0.5) * t / max(seconds, 0.1))
    pitch = pitch * (1 + 0.012 * torch.sin(2 * math.pi * (4.5 + 2 * u[2]) * t))
    phase = 2 * math.pi * torch.cumsum(pitch, 0) / rate
    first = 500 + 250 * torch.sin(2 * math.pi * (0.7 + u[3]) * t)
    second = 1600 + 500 * torch.sin(2 * math.pi * (0.5 + u[4]) * t + u[5])
    wave = torch.zeros(count, dtype=torch.float64)
    for k in range(1, 25):
        tone = k * pitch
        gain = torch.exp(-(((tone - first) / 180) ** 2)) + 0.6 * torch.exp(-(((tone - second) / 260) ** 2)) + 0.15 / k
        wave += torch.where(tone < rate / 2, gain, 0.0) * torch.sin(k * phase)
    syllables = torch.clamp(1.4 * torch.sin(2 * math.pi * (2.2 + u[6]) * t + 6 * u[7]) + 0.5, 0, 1)
    wave = wave * syllables + 0.004 * torch.randn(count, generator=generator, dtype=torch.float64)
    return (0.5 * wave / wave.abs().max()).float()


def mel_filters(rate: int, fft: int, bands: int) -> Tensor:
    """Slaney-style mel filters `[bands, fft / 2 + 1]`, area-normalised, as librosa makes them by default."""

    def mel(hertz: Tensor) -> Tensor:
        high = 15 + torch.log(torch.clamp(hertz, min=1e-9) / 1000) / (math.log(6.4) / 27)
        return torch.where(hertz >= 1000, high, hertz * 3 / 200)

    def hertz(m: Tensor) -> Tensor:
        return torch.where(m >= 15, 1000 * torch.exp((math.log(6.4) / 27) * (m - 15)), m * 200 / 3)

    top = float(mel(torch.tensor(rate / 2, dtype=torch.float64)))
    edges = hertz(torch.linspace(0, top, bands + 2, dtype=torch.float64))
    bins = torch.linspace(0, rate / 2, fft // 2 + 1, dtype=torch.float64)
    rising = (bins[None] - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins[None]) / (edges[2:] - edges[1:-1])[:, None]
    return torch.clamp(torch.minimum(rising, falling), min=0) * (2 / (edges[2:] - edges[:-2]))[:, None]


def mel_frames(wave: Tensor, rate: int = 16000, fft: int = 400, hop: int = 160, bands: int = 40) -> Tensor:
    """Power mel spectrogram `[frames, bands]` of `wave` `[samples]`, not logarithmic."""
    window = torch.hann_window(fft, dtype=torch.float64)
    spectrum = torch.stft(wave.double(), fft, hop, window=window, center=True, pad_mode="constant", return_complex=True)
    return (mel_filters(rate, fft, bands) @ spectrum.abs() ** 2).T.float()
