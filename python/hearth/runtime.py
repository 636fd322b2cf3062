"""Runs packages that `hearth optimize` wrote, from Python: `Package.load("model.hearth")(x)`.

Needs the shared library (`hearth.library` says where it is looked for) and nothing else: PyTorch and NumPy are used
when the caller passes their tensors, never imported before. A package has flat inputs and outputs, in the order of the
exported model.

Tensors. Inputs are PyTorch tensors, NumPy arrays, objects with `__dlpack__`, or numbers for inputs without axes.
Results are PyTorch tensors when one of the inputs is, else NumPy arrays, in fresh memory, or in the tensors given as
`out`. Element types are taken as they are, never converted. What is not contiguous is copied first.

GPUs. Tensors of a call all lie on the package's GPU, or all on the host (then they travel through pinned memory). On
the GPU the model runs in PyTorch's current stream: after the work that produced its inputs. A call returns when its
results are there; with `wait=False` it returns at once and the results are there when the stream is, as with PyTorch's
own functions; what goes wrong is then raised by `wait()` or by a later call.

Threads. The interpreter's lock is released while the model runs. Calls of one session wait for each other; a package's
own call uses one session of its own, `session()` makes further ones, each with the model's state at its initial values.
A process that was forked must load packages itself.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Sequence
from ctypes import byref, c_int32, c_int64, c_uint64, c_void_p
from dataclasses import dataclass
from typing import Any

from hearth.families import TorchTensors, family_of
from hearth.library import (
    CODES,
    ELEMENTS,
    IN_STREAM,
    NO_WAIT,
    ON_DEVICE,
    READ_ONLY,
    UNVERIFIED,
    Description,
    DeviceUnavailable,
    HearthError,
    InputError,
    Library,
    PortStruct,
    RunFailed,
    SymbolStruct,
    Telemetry,
    TensorStruct,
)

__all__ = ["DeviceUnavailable", "HearthError", "InputError", "Package", "Port", "RunFailed", "Session", "Symbol"]


@dataclass(frozen=True)
class Port:
    """An input or output: its name, element type (as PyTorch and NumPy call it) and extents; a symbolic extent is a
    text."""

    name: str
    dtype: str
    shape: tuple[int | str, ...]
    value_symbol: int | None = None
    """For an input whose value is a dimension: the number of its symbol."""

    def __str__(self) -> str:
        return f"{self.name}: {self.dtype}[{', '.join(map(str, self.shape))}]"


@dataclass(frozen=True)
class Symbol:
    """A symbolic dimension: `s0`, `s1`, … in shapes, by position."""

    name: str
    minimum: int
    maximum: int | None
    typical: int


class _Handle:
    """A handle of the library; closes it when the last user has gone."""

    __slots__ = ("_close", "value", "process")

    def __init__(self, value: int, close: Callable[[int], None]) -> None:
        self.value, self._close, self.process = value, close, os.getpid()

    def __del__(self) -> None:
        # In a forked process the threads that a close would wait for do not exist.
        if self.process == os.getpid():
            self._close(self.value)


_sessions: weakref.WeakSet[Session] = weakref.WeakSet()


def _forget_bindings() -> None:
    """In a forked process: the next call of a session goes the long way, where it is refused."""
    for session in list(_sessions):
        session._bound = None
        session._lock = threading.Lock()


os.register_at_fork(after_in_child=_forget_bindings)


class Package:
    """A loaded package."""

    def __init__(self, library: Library, handle: int, path: str) -> None:
        self._library, self.path = library, path
        self.library = library.path
        """Where the shared library lies."""
        self._handle: _Handle | None = _Handle(handle, library.close)
        self._session: Session | None = None
        self._lock = threading.Lock()
        about = Description()
        library.check(library.describe(handle, byref(about)))
        self.name = about.name.decode()
        """The model's name."""
        self.device = about.device.decode()
        """Where it runs: cpu, cuda, cuda:1, opencl."""
        self.device_model = about.device_model.decode()
        """What the hardware calls itself."""
        self.is_tuned = bool(about.is_tuned)
        """Whether it was tuned on a machine like this one."""
        self.has_state = bool(about.has_state)
        """Whether runs change what later runs compute."""
        self.draws = bool(about.draws)
        """Whether runs draw random numbers; see `seed`."""
        self.seeds: Callable[[], int] | None = None
        """Where this is set, each call of the package's own session begins with the seed that it gives."""
        self.gives_tensors = False
        """Whether a package without inputs gives PyTorch's tensors rather than NumPy's arrays."""
        self.inputs = tuple(self._port(library.input, i) for i in range(about.inputs))
        self.outputs = tuple(self._port(library.output, i) for i in range(about.outputs))
        self.symbols = tuple(self._symbol(i) for i in range(about.symbols))

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str],
        device: str | None = None,
        threads: int | None = None,
        verified: bool = True,
        library: str | os.PathLike[str] | None = None,
    ) -> Package:
        """Opens the package at `path`. `device` is cpu, cuda, cuda:N or opencl, by default what the package was made
        for, and never another in its place; `threads` are the processor's, by default one per core; `verified=False`
        leaves out the check of the weights' hash. Throws `InputError` or `DeviceUnavailable`."""
        opened = Library.open(library)
        handle = c_void_p()
        opened.check(
            opened.open_package(
                os.fsencode(path),
                device.encode() if device is not None else None,
                threads or 0,
                0 if verified else UNVERIFIED,
                byref(handle),
            )
        )
        assert handle.value is not None
        return cls(opened, handle.value, os.fspath(path))

    def __call__(self, *inputs: Any, out: Any = None, wait: bool = True, **named: Any) -> Any:
        """Runs the model in the package's own session; see `Session.__call__`."""
        session = self._session
        if session is None:
            with self._lock:
                session = self._session = self._session or self.session()
        if self.seeds is not None:
            session.seed(self.seeds())
        return session(*inputs, out=out, wait=wait, **named)

    def session(self) -> Session:
        """A further user of the package, with the model's state at its initial values."""
        return Session(self)

    def seed(self, seed: int) -> None:
        """Lets the calls of the package's own session that follow draw the random numbers of a seed; see `Session.seed`."""
        if self._session is None:
            with self._lock:
                self._session = self._session or self.session()
        self._session.seed(seed)

    def reset(self) -> None:
        """Puts the state of the package's own session back to its initial values."""
        if self._session is not None:
            self._session.reset()

    def wait(self) -> None:
        """Waits for calls with `wait=False` of the package's own session; raises what went wrong in them."""
        if self._session is not None:
            self._session.wait()

    def telemetry(self) -> dict[str, float]:
        """What the device says of itself: watts, joules (since its driver was loaded), temperature, free_bytes,
        clocks."""
        found = Telemetry()
        self._library.check(self._library.telemetry(self._open().value, byref(found)))
        values = {name: getattr(found, name) for name, *_ in Telemetry._fields_}
        return {name: value for name, value in values.items() if value >= 0}

    def close(self) -> None:
        """Gives up the package and its own session. A call that runs ends in order, and so do other sessions."""
        with self._lock:  # a call of another thread may be making the session
            session, self._session, self._handle = self._session, None, None
        if session is not None:
            session.close()

    def __enter__(self) -> Package:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        ports = f"({', '.join(map(str, self.inputs))}) -> ({', '.join(map(str, self.outputs))})"
        return f"<hearth package {self.name} on {self.device}: {ports}>"

    def _open(self) -> _Handle:
        handle = self._handle
        if handle is None:
            raise HearthError(f"the package '{self.path}' is closed; load it again")
        _check_process(handle)
        return handle

    def _port(self, function: Callable[..., int], index: int) -> Port:
        port = PortStruct()
        self._library.check(function(self._open().value, index, byref(port)))
        shape = tuple(
            port.extents[i] if port.extents[i] >= 0 else port.expressions[i].decode() for i in range(port.rank)
        )
        symbol = port.value_symbol if port.value_symbol >= 0 else None
        return Port(port.name.decode(), ELEMENTS[port.type], shape, symbol)

    def _symbol(self, index: int) -> Symbol:
        found = SymbolStruct()
        self._library.check(self._library.symbol(self._open().value, index, byref(found)))
        maximum = found.maximum if found.maximum >= 0 else None
        return Symbol(found.name.decode(), found.minimum, maximum, found.typical)


def _check_process(handle: _Handle) -> None:
    if handle.process != os.getpid():
        raise HearthError("the package was loaded before this process was forked; load it here")


class _Bound:
    """What a session is prepared for, so that the next call with such inputs takes a few microseconds."""

    __slots__ = ("family", "device", "types", "values", "makers", "outputs", "flags", "stream")

    def __init__(self, family: Any, device: Any, types: list[tuple[Any, Any]], values: list[int]) -> None:
        self.family = family
        """`TorchTensors` or `NumPyArrays`."""
        self.device = device
        """PyTorch's device of the tensors; None for NumPy."""
        self.types = types
        """Element type and shape of each input."""
        self.values = values
        """Values of the inputs that are dimensions, in their order."""
        self.outputs: list[tuple[Any, Any]] = []
        """Element type and shape of each output."""
        self.makers: list[Callable[[], Any]] = []
        """A function for each output that makes memory for it."""
        self.flags = 0
        self.stream: Callable[[], int] | None = None
        """PyTorch's current stream; None on the host."""


class Session:
    """One user of a package, with a state of its own."""

    def __init__(self, package: Package) -> None:
        self.package = package
        library = self._library = package._library
        handle = c_void_p()
        library.check(library.session_open(package._open().value, byref(handle)))
        assert handle.value is not None
        self._handle: _Handle | None = _Handle(handle.value, library.session_close)
        self._run = library.session_run
        self._inputs = (c_void_p * max(1, len(package.inputs)))()
        self._outputs = (c_void_p * max(1, len(package.outputs)))()
        self._value_inputs = [i for i, port in enumerate(package.inputs) if port.value_symbol is not None]
        self._bound: _Bound | None = None
        self._lock = threading.Lock()
        _sessions.add(self)

    def __call__(self, *inputs: Any, out: Any = None, wait: bool = True, **named: Any) -> Any:
        """Runs the model and returns its output, or a tuple where it has several. `out` is memory for all outputs: a
        tensor or a sequence of them. Inputs may also be given by name. Throws `InputError` when they do not fit."""
        if named:
            inputs = self._by_name(inputs, named)
        with self._lock:
            handle = self._handle
            if handle is None:
                raise HearthError("the session is closed")
            bound = self._bound
            if bound is None or not bound.family.take(bound, inputs, self._inputs) or self._value_inputs:
                # The list keeps copies alive until the run has ended.
                bound, _held = self._prepare(handle, inputs)
            results = [make() for make in bound.makers] if out is None else self._given(bound, out)
            pointer = bound.family.pointer
            addresses = self._outputs
            for index, result in enumerate(results):
                addresses[index] = pointer(result)
            flags, stream = bound.flags, None
            if bound.stream is not None:
                flags, stream = flags if wait else flags | NO_WAIT, bound.stream()
            code = self._run(handle.value, self._inputs, addresses, flags, stream)
            if code:
                self._library.check(code)
        return results[0] if len(results) == 1 else tuple(results)

    def time(self, *inputs: Any, samples: int = 1, inner: int = 1) -> list[float]:
        """Nanoseconds a run of the device alone, the way of inputs and outputs left out, of `samples` times `inner`
        runs: events around the captured graph on a GPU. State goes on from run to run."""
        with self._lock:
            handle = self._opened()
            bound, _held = self._prepare(handle, inputs)
            results = [make() for make in bound.makers]
            for index, result in enumerate(results):
                self._outputs[index] = bound.family.pointer(result)
            if bound.stream is not None:
                bound.family.synchronise(bound.device)
            found = (c_uint64 * samples)()
            flags = bound.flags & ON_DEVICE
            self._library.check(
                self._library.session_time(handle.value, self._inputs, self._outputs, flags, samples, inner, found)
            )
        return [value / inner for value in found]

    def wait(self) -> None:
        """Waits for calls with `wait=False`; raises what went wrong in them."""
        with self._lock:
            self._library.check(self._library.session_wait(self._opened().value))

    def seed(self, seed: int) -> None:
        """Lets the calls that follow draw the random numbers of a seed: the same ones for the same seed, on every device. A
        session begins with the seed 0. Throws `InputError` where the model draws none."""
        with self._lock:
            self._library.check(self._library.session_seed(self._opened().value, seed))

    def reset(self) -> None:
        """Puts the model's state back to its initial values."""
        with self._lock:
            self._library.check(self._library.session_reset(self._opened().value))

    def read_state(self, name: str, into: Any) -> Any:
        """Copies the state of that name to a contiguous tensor of the host of the state's type and shape, and returns
        it."""
        family = family_of((into,))
        tensor = family.leaf(into, None)
        if not family.is_plain(tensor) or family is TorchTensors and tensor.device.type != "cpu":
            raise InputError("a state is copied to a contiguous tensor of the host")
        with self._lock:
            code = self._library.session_state(
                self._opened().value, name.encode(), family.pointer(tensor), tensor.nbytes
            )
            self._library.check(code)
        return into

    def import_host(self, tensor: Any, read_only: bool = False) -> HostImport:
        """Lends the session a contiguous tensor of the host that later calls take as input or `out`: on a GPU large ones
        then travel between its memory and the device without a copy in between. Lending costs about as much as a few such
        copies, so it pays for memory that is used again and again. The tensor is kept alive until the result is closed,
        or a `with` ends; its memory must not be resized or unmapped before."""
        return HostImport(self, tensor, read_only)

    def traffic(self) -> tuple[int, int]:
        """Bytes that calls with tensors of the host copied so far: between those and the device, and through memory of
        the session."""
        direct, staged = c_uint64(), c_uint64()
        with self._lock:
            self._library.check(self._library.session_traffic(self._opened().value, byref(direct), byref(staged)))
        return direct.value, staged.value

    def close(self) -> None:
        """Gives up the session, after the call that runs, if one does."""
        with self._lock:
            self._handle = None
            self._bound = None

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _opened(self) -> _Handle:
        if self._handle is None:
            raise HearthError("the session is closed")
        _check_process(self._handle)
        return self._handle

    def _by_name(self, inputs: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, ...]:
        ports = self.package.inputs
        names = [port.name for port in ports]
        unknown = [name for name in named if name not in names]
        if unknown:
            raise InputError(f"the model has no input '{unknown[0]}'; its inputs are {', '.join(names)}")
        found = list(inputs)
        for port in ports[len(inputs) :]:
            if port.name not in named:
                raise InputError(f"input '{port.name}' is missing; the model takes {port}")
            found.append(named[port.name])
        twice = [port.name for port in ports[: len(inputs)] if port.name in named]
        if twice:
            raise InputError(f"input '{twice[0]}' is given twice")
        return tuple(found)

    def _prepare(self, handle: _Handle, inputs: Sequence[Any]) -> tuple[_Bound, Sequence[Any]]:
        """Binds the session to these inputs; returns what it is bound to, and the inputs as they are passed on."""
        _check_process(handle)
        package = self.package
        ports = package.inputs
        if len(inputs) != len(ports):
            names = ", ".join(port.name for port in ports)
            raise InputError(f"the model has {len(ports)} inputs ({names}), but {len(inputs)} were given")
        family = TorchTensors if not inputs and package.gives_tensors else family_of(inputs)
        tensors = [family.leaf(x, port) for x, port in zip(inputs, ports, strict=True)]
        device = family.common_device(tensors, package)
        tensors = [x if family.is_plain(x) else family.plain(x) for x in tensors]
        values = [int(tensors[i]) if _is_number(tensors[i]) else 0 for i in self._value_inputs]
        types = [(x.dtype, x.shape) for x in tensors]
        bound = self._bound
        if bound is None or (bound.family, bound.device, bound.types, bound.values) != (family, device, types, values):
            self._bound = None
            bound = _Bound(family, device, types, values)
            self._bind(handle, bound)
            self._bound = bound
        for index, tensor in enumerate(tensors):
            self._inputs[index] = family.pointer(tensor)
        return bound, tensors

    def _bind(self, handle: _Handle, bound: _Bound) -> None:
        package, family = self.package, bound.family
        given = (TensorStruct * max(1, len(package.inputs)))()
        found = (TensorStruct * max(1, len(package.outputs)))()
        values = dict(zip(self._value_inputs, bound.values, strict=True))
        for index, (dtype, shape) in enumerate(bound.types):
            name = family.name(dtype)
            if name not in CODES:
                raise InputError(
                    f"input '{package.inputs[index].name}' is of type {name}; the model takes {package.inputs[index]}"
                )
            extents = (c_int64 * max(1, len(shape)))(*shape)
            given[index] = TensorStruct(CODES[name], len(shape), extents, None, values.get(index, 0))
        self._library.check(self._library.session_bind(handle.value, given, len(package.inputs), found))
        for index in range(len(package.outputs)):
            tensor = found[index]
            shape = tuple(tensor.extents[axis] for axis in range(tensor.rank))
            dtype = family.dtype(ELEMENTS[tensor.type])
            bound.outputs.append((dtype, shape))
            bound.makers.append(family.maker(dtype, shape, bound.device))
        if family is TorchTensors and bound.device.type == "cuda":
            bound.flags = ON_DEVICE | IN_STREAM
            bound.stream = family.stream(bound.device)

    def _given(self, bound: _Bound, out: Any) -> list[Any]:
        """The caller's memory for outputs, checked."""
        results = list(out) if isinstance(out, (tuple, list)) else [out]
        ports = self.package.outputs
        if len(results) != len(ports):
            raise InputError(f"the model has {len(ports)} outputs, but {len(results)} were given as 'out'")
        for port, (dtype, shape), result in zip(ports, bound.outputs, results, strict=True):
            family = bound.family
            if not family.owns(result):
                raise InputError(f"'out' for '{port.name}' should be {family.what}, as the inputs are")
            if result.dtype != dtype or tuple(result.shape) != shape:
                raise InputError(
                    f"'out' for '{port.name}' should be {family.name(dtype)}{list(shape)}, "
                    f"but is {family.name(result.dtype)}{list(result.shape)}"
                )
            if not family.is_plain(result):
                raise InputError(f"'out' for '{port.name}' is not contiguous, or on a GPU not aligned to 16 bytes")
            if bound.device is not None and result.device != bound.device:
                raise InputError(f"'out' for '{port.name}' is on {result.device}, the inputs on {bound.device}")
        return results


def _is_number(tensor: Any) -> bool:
    """Whether a tensor has one element, which may stand for a dimension."""
    count = 1
    for extent in tensor.shape:
        count *= extent
    return count == 1


class HostImport:
    """Memory of the host that a session uses as it is; see `Session.import_host`."""

    def __init__(self, session: Session, tensor: Any, read_only: bool) -> None:
        self._session: Session | None = None
        family = family_of((tensor,))
        found = family.leaf(tensor, None)
        if not family.is_plain(found) or family is TorchTensors and found.device.type != "cpu":
            raise InputError("what is lent to a session is a contiguous tensor of the host")
        self._tensor = found
        self._address = family.pointer(found)
        taken = c_int32()
        library = session._library
        with session._lock:
            handle = session._opened()
            flags = READ_ONLY if read_only else 0
            library.check(library.session_import(handle.value, self._address, found.nbytes, flags, byref(taken)))
            self.refusal = None if taken.value else library.last_error().decode()
            """Why calls copy this tensor as they copy any other; None where they need not."""
        self.is_direct = bool(taken.value)
        """Whether the device takes the memory as it is."""
        if self.is_direct:
            self._session = session

    def close(self) -> None:
        """Takes the memory back."""
        session, self._session = self._session, None
        if session is not None:
            with session._lock:
                # Where the session has ended, so has what was lent to it.
                if session._handle is not None and session._handle.process == os.getpid():
                    session._library.check(session._library.session_end_import(session._handle.value, self._address))
        self._tensor = None

    def __enter__(self) -> HostImport:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        # The tensor may be freed next, so it must not be lent any longer.
        if self._session is not None:
            self.close()
