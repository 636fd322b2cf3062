"""What the runtime must know of PyTorch's tensors and NumPy's arrays: one class each, with the same functions. Neither
library is imported before the caller has passed its tensors."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from hearth.library import HearthError, InputError

if TYPE_CHECKING:
    from hearth.runtime import Package, Port, _Bound


def family_of(inputs: Sequence[Any]) -> Any:
    """What computes with such inputs: PyTorch when one of them is its tensor or lies on a GPU, else NumPy."""
    torch = sys.modules.get("torch")
    if torch is not None and any(isinstance(x, torch.Tensor) for x in inputs):
        return TorchTensors
    for x in inputs:
        # DLPack's number of the host's memory is 1; what else there is only PyTorch takes here.
        if hasattr(x, "__dlpack_device__") and int(x.__dlpack_device__()[0]) != 1:
            return TorchTensors
    return NumPyArrays


class TorchTensors:
    """PyTorch's tensors."""

    what = "a PyTorch tensor"

    @staticmethod
    def take(bound: _Bound, inputs: Sequence[Any], addresses: Any) -> bool:
        """Writes the inputs' addresses when they are as bound."""
        if len(inputs) != len(bound.types):
            return False
        device, index = bound.device, 0
        try:
            for x, (dtype, shape) in zip(inputs, bound.types, strict=True):
                if (
                    x.dtype is not dtype
                    or x.shape != shape
                    or x.device != device
                    or not x.is_contiguous()
                    or x.is_neg()
                ):
                    return False
                address = x.data_ptr()
                if address & 15 and device.type != "cpu":
                    return False
                addresses[index] = address
                index += 1
        except (AttributeError, TypeError, RuntimeError):
            return False
        return True

    @staticmethod
    def pointer(x: Any) -> int:
        return x.data_ptr()

    @staticmethod
    def owns(x: Any) -> bool:
        import torch

        return isinstance(x, torch.Tensor)

    @staticmethod
    def leaf(x: Any, port: Port | None) -> Any:
        import torch

        if isinstance(x, torch.Tensor):
            if x.layout is not torch.strided or x.device.type == "meta":
                raise InputError(
                    f"input '{port.name if port else '?'}' should be a dense tensor, not {x.layout} {x.device}"
                )
            return x.detach()
        if isinstance(x, (bool, int, float)):
            return torch.tensor(x, dtype=getattr(torch, port.dtype) if port else None)
        if hasattr(x, "__dlpack__"):
            return torch.from_dlpack(x)  # type: ignore[attr-defined]
        raise no_tensor(x, port)

    @staticmethod
    def common_device(tensors: list[Any], package: Package) -> Any:
        import torch

        kind, _, number = package.device.partition(":")
        if not tensors:
            return torch.device("cuda", int(number or 0)) if kind == "cuda" else torch.device("cpu")
        first = tensors[0].device
        for x, port in zip(tensors, package.inputs, strict=True):
            if x.device != first:
                raise InputError(
                    f"input '{port.name}' is on {x.device}, but '{package.inputs[0].name}' on {first}; "
                    "put all inputs of a call on one device"
                )
        if first.type != "cpu" and (first.type != kind or first.index != int(number or 0)):
            raise InputError(f"the inputs are on {first}, but the package runs on {package.device}; move one of them")
        return first

    @staticmethod
    def is_plain(x: Any) -> bool:
        return x.is_contiguous() and not x.is_neg() and (x.device.type == "cpu" or x.data_ptr() % 16 == 0)

    @staticmethod
    def plain(x: Any) -> Any:
        # Kernels of a GPU read runs of 16 bytes; a slice may begin anywhere.
        whole = x.resolve_neg().contiguous()
        return whole if whole.device.type == "cpu" or whole.data_ptr() % 16 == 0 else whole.clone()

    @staticmethod
    def name(dtype: Any) -> str:
        return str(dtype).removeprefix("torch.")

    @staticmethod
    def dtype(name: str) -> Any:
        import torch

        return getattr(torch, name)

    @staticmethod
    def maker(dtype: Any, shape: tuple[int, ...], device: Any) -> Callable[[], Any]:
        from torch import empty

        return lambda: empty(shape, dtype=dtype, device=device)

    @staticmethod
    def stream(device: Any) -> Callable[[], int]:
        """A function for the handle of PyTorch's current stream; the quick one where this PyTorch has it."""
        import torch

        index = device.index
        quick = getattr(torch._C, "_cuda_getCurrentRawStream", None)
        if quick is not None:
            return lambda: quick(index)
        return lambda: torch.cuda.current_stream(index).cuda_stream

    @staticmethod
    def synchronise(device: Any) -> None:
        import torch

        torch.cuda.synchronize(device)


class NumPyArrays:
    """NumPy's arrays."""

    what = "a NumPy array"

    @staticmethod
    def take(bound: _Bound, inputs: Sequence[Any], addresses: Any) -> bool:
        """Writes the inputs' addresses when they are as bound."""
        if len(inputs) != len(bound.types):
            return False
        index = 0
        try:
            for x, (dtype, shape) in zip(inputs, bound.types, strict=True):
                if x.dtype != dtype or x.shape != shape or not (x.flags.c_contiguous and x.flags.aligned):
                    return False
                addresses[index] = x.ctypes.data
                index += 1
        except (AttributeError, TypeError):
            return False
        return True

    @staticmethod
    def pointer(x: Any) -> int:
        return x.ctypes.data

    @staticmethod
    def owns(x: Any) -> bool:
        import numpy

        return isinstance(x, numpy.ndarray)

    @staticmethod
    def leaf(x: Any, port: Port | None) -> Any:
        import numpy

        if isinstance(x, (numpy.ndarray, numpy.generic)):
            return numpy.asarray(x)
        if isinstance(x, (bool, int, float)):
            return numpy.asarray(x, dtype=NumPyArrays.dtype(port.dtype) if port else None)
        if hasattr(x, "__dlpack__"):
            return numpy.from_dlpack(x)
        raise no_tensor(x, port)

    @staticmethod
    def common_device(tensors: list[Any], package: Package) -> Any:
        return None

    @staticmethod
    def is_plain(x: Any) -> bool:
        return bool(x.flags.c_contiguous and x.flags.aligned and x.dtype.isnative)

    @staticmethod
    def plain(x: Any) -> Any:
        import numpy

        return numpy.array(x, dtype=x.dtype.newbyteorder("="), order="C")

    @staticmethod
    def name(dtype: Any) -> str:
        return dtype.name

    @staticmethod
    def dtype(name: str) -> Any:
        import numpy

        if name not in ("bfloat16", "float8_e4m3fn", "float8_e5m2"):
            return numpy.dtype(name)
        try:
            import ml_dtypes
        except ImportError:
            raise HearthError(f"NumPy has no {name}; install ml_dtypes, or pass PyTorch tensors") from None
        return numpy.dtype(getattr(ml_dtypes, name))

    @staticmethod
    def maker(dtype: Any, shape: tuple[int, ...], device: Any) -> Callable[[], Any]:
        from numpy import empty

        return lambda: empty(shape, dtype)

    @staticmethod
    def synchronise(device: Any) -> None:
        """Nothing: NumPy's arrays are there."""


def no_tensor(x: Any, port: Port | None) -> InputError:
    takes = f"; the model takes {port}" if port else ""
    name = f"input '{port.name}'" if port else "this"
    return InputError(f"{name} should be a tensor, an array or a number, not {type(x).__name__}{takes}")
