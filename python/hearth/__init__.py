"""Hearth: makes PyTorch models fast on the hardware at hand, and runs them without PyTorch's compilers.

    import hearth

    fast = hearth.optimize(model, example_inputs)      # a drop-in module; hearth.optimizing
    fast = torch.compile(model, backend="hearth")      # graphs that TorchDynamo captures; hearth.backend
    y = hearth.Package.load("model.hearth")(x)         # a package without its model; hearth.runtime

Importing this loads neither PyTorch nor NumPy; what needs them is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hearth.library import DeviceUnavailable, HearthError, InputError, RunFailed
    from hearth.optimized import OptimizedModule
    from hearth.optimizing import CaptureError, export, load, optimize
    from hearth.runtime import Package, Session
    from hearth.tool import BuildError

__all__ = [
    "BuildError",
    "CaptureError",
    "DeviceUnavailable",
    "HearthError",
    "InputError",
    "OptimizedModule",
    "Package",
    "RunFailed",
    "Session",
    "export",
    "load",
    "optimize",
]

_HOMES = {
    "library": ["DeviceUnavailable", "HearthError", "InputError", "RunFailed"],
    "optimized": ["OptimizedModule"],
    "optimizing": ["CaptureError", "export", "load", "optimize"],
    "runtime": ["Package", "Session"],
    "tool": ["BuildError"],
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"hearth.{home}"), name)
    raise AttributeError(f"module 'hearth' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
