"""PyTorch (or ONNX Runtime, or OpenVINO) as the baseline, and Hearth's own package called the same way: a long-lived
side process that `hearth bench` and the judge drive with frames over stdin and stdout.
`Documentation/baseline-protocol.md` is the protocol; in short, a frame is a 32-bit little-endian length and that many
bytes of JSON, one reply for each request, in order:

    {"do": "load", "model": "FILE.py:FUNCTION" | "FILE.pt2", "mode": MODE, "threads": N, "dtype": "f32"|"bf16"|"f16"?,
     "device": "cpu"|"cuda"|"cuda:1"?, "library": FILE?}
    {"do": "inputs", "path": FILE}                input.I, further sets set.K.input.I, as capture writes them
    {"do": "warm", "calls": N, "seconds": S, "alone": A?}  compiles and calls until both are reached
    {"do": "run", "calls": N, "discard": D, "set": K, "settle_ms": M?}
    {"do": "device", "samples": N, "inner": M, "set": K}   nanoseconds a call of the device alone, where it says
    {"do": "outputs", "path": FILE}               output.I of the last timed call
    {"do": "reset"}                               the model's state as it was at first, where the engine can
    {"do": "memory"}   {"do": "quit"}

Replies carry `"ok": true` and the results, or `"ok": false`, an error code and one line. Libraries are imported on
`load`, after the environment that suits the mode has been set; so a process serves one model in one mode.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import signal
import struct
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

if TYPE_CHECKING:
    from hearth.engines import Engine

PROTOCOL = 1
MAXIMUM_FRAME = 1 << 26

TORCH_MODES = ("eager", "compile", "compile-freezing", "reduce-overhead", "max-autotune", "max-autotune-freezing")
OTHER_MODES = ("onnxruntime", "openvino")
OURS = "hearth"
MODES = (*TORCH_MODES, *OTHER_MODES, OURS)

# How long a process goes on burning a core after its last call, in milliseconds, rounded up from what was measured:
# libgomp's workers spin for 7 to 10 ms, ONNX Runtime's for 35 ms, OpenVINO's for less than one, ours for 50
# microseconds.
SETTLE_MS = {mode: 15.0 for mode in TORCH_MODES} | {"onnxruntime": 50.0, "openvino": 2.0, OURS: 1.0}

# Error codes are closed: the other side switches over them.
BAD_REQUEST, MODEL, INPUTS, UNSUPPORTED, FAILED = "bad-request", "model", "inputs", "unsupported", "failed"


class Refusal(Exception):
    """A request that ends in an error reply: a code of the list above and one line."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def environment(mode: str, threads: int, device: str = "cpu") -> dict[str, str]:
    """Variables that a mode needs before its libraries load. Threads bound to cores help PyTorch's OpenMP and hurt the
    pools of ONNX Runtime and OpenVINO, so those get none. Where a GPU computes they would only keep Inductor from
    compiling on more than the core that the calling thread is bound to."""
    chosen = {"OMP_NUM_THREADS": str(threads)}
    if mode in OTHER_MODES or mode == OURS:
        return chosen
    if device == "cpu":
        chosen |= {"OMP_PROC_BIND": "close", "OMP_PLACES": "cores"}
    if mode.endswith("-freezing"):
        chosen["TORCHINDUCTOR_FREEZING"] = "1"
    return chosen


def field(request: dict[str, Any], name: str, kind: type, default: Any = None) -> Any:
    """A field of a request, checked; throws `Refusal`."""
    value = request.get(name, default)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, kind) or isinstance(value, bool) and kind is not bool:
        raise Refusal(BAD_REQUEST, f"'{request.get('do')}': field '{name}' must be of type {kind.__name__}")
    if isinstance(value, (int, float)) and kind is not bool and value < 0:
        raise Refusal(BAD_REQUEST, f"'{request.get('do')}': field '{name}' must not be negative")
    return value


# The cores that this process was given, before a library binds its threads to some of them.
ALLOWED = os.sched_getaffinity(0)


@contextmanager
def unbound() -> Iterator[None]:
    """Lets this thread, and processes that it starts, run on every core that this process was given meanwhile."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, ALLOWED)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def no_garbage_collection() -> Iterator[None]:
    """Keeps the collector out of the timed calls."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class Server:
    """State of one baseline process, and a method for each request."""

    def __init__(self) -> None:
        self.engine: Engine | None = None
        self.calls: list[Callable[[], Any]] = []
        self.last: Any = None
        self.settle_ms = 0.0

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """The reply to one request."""
        handlers: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "hello": lambda _: {"protocol": PROTOCOL, "pid": os.getpid(), "modes": list(MODES)},
            "load": self.load,
            "inputs": self.inputs,
            "warm": self.warm,
            "run": self.run,
            "device": self.device,
            "outputs": self.outputs,
            "reset": self.reset,
            "memory": self.memory,
            "quit": lambda _: {},
        }
        do = request.get("do")
        try:
            if not isinstance(do, str) or do not in handlers:
                raise Refusal(BAD_REQUEST, f"unknown request {do!r}; there are: {', '.join(handlers)}")
            return {"ok": True, **handlers[do](request)}
        except Refusal as refusal:
            return {"ok": False, "code": refusal.code, "error": str(refusal)}
        except Exception as error:
            line = " ".join(f"{type(error).__name__}: {error}".split())
            return {"ok": False, "code": FAILED, "error": line[:500]}

    def loaded(self) -> Engine:
        """The engine; a request that comes before `load` is refused."""
        if self.engine is None:
            raise Refusal(BAD_REQUEST, "no model yet: 'load' comes first")
        return self.engine

    def load(self, request: dict[str, Any]) -> dict[str, Any]:
        """Imports the libraries, loads the model and prepares the mode; compilation itself happens in `warm`."""
        model, mode = field(request, "model", str), field(request, "mode", str)
        threads, dtype = field(request, "threads", int, 2), field(request, "dtype", str, "")
        device, library = field(request, "device", str, "cpu"), field(request, "library", str, "")
        if self.engine is not None:
            raise Refusal(BAD_REQUEST, "a model is loaded already: a process serves one model in one mode")
        if mode not in MODES:
            raise Refusal(BAD_REQUEST, f"unknown mode '{mode}'; there are: {', '.join(MODES)}")
        for name, value in environment(mode, threads, device).items():
            os.environ.setdefault(name, value)
        start = time.perf_counter_ns()
        from hearth import engines
        from hearth.loading import ModelError

        try:
            self.engine = engines.load(model, mode, threads, dtype, device, library)
        except ModelError as error:
            raise Refusal(MODEL, str(error)) from None
        except engines.Unsupported as error:
            raise Refusal(UNSUPPORTED, str(error)) from None
        self.calls = self.engine.bind_all([self.engine.example()])
        self.settle_ms = SETTLE_MS[mode] if device == "cpu" else 0.0
        return {"mode": mode, "ns": time.perf_counter_ns() - start, **self.engine.versions()}

    def inputs(self, request: dict[str, Any]) -> dict[str, Any]:
        """Reads input sets; they are copied into aligned memory of this process, so sending `inputs` again is how the
        other side changes them."""
        from hearth import tensorfile
        from hearth.engines import input_sets

        engine = self.loaded()
        try:
            sets = input_sets(tensorfile.read(field(request, "path", str)), engine.example())
        except ValueError as error:
            raise Refusal(INPUTS, str(error)) from None
        self.calls = engine.bind_all(sets)
        return {"sets": len(sets)}

    def chosen(self, request: dict[str, Any]) -> Callable[[], Any]:
        """The bound call of the request's input set."""
        index = field(request, "set", int, 0)
        self.loaded()
        if index >= len(self.calls):
            raise Refusal(BAD_REQUEST, f"set {index} of {len(self.calls)} does not exist")
        return self.calls[index]

    def warm(self, request: dict[str, Any]) -> dict[str, Any]:
        """Calls until `calls` calls and `seconds` seconds are reached; the first call compiles. A process that is not
        `alone` may use every core for it: bound threads would put all processes that compile on the first."""
        calls, seconds = field(request, "calls", int, 3), field(request, "seconds", float, 0.0)
        alone = field(request, "alone", bool, True)
        call, engine = self.chosen(request), self.loaded()
        start = time.perf_counter_ns()
        done, first = 0, 0
        with engine.context(), nullcontext() if alone else unbound():
            while done < calls or time.perf_counter_ns() - start < seconds * 1e9:
                call()
                done += 1
                first = first or time.perf_counter_ns() - start
        return {"calls": done, "first_ns": first, "wall_ns": time.perf_counter_ns() - start}

    def run(self, request: dict[str, Any]) -> dict[str, Any]:
        """Times calls one by one. `discard` calls before them are not timed: they bring caches and threads back after
        the other side had the machine. Afterwards the process sleeps `settle_ms` before it replies (by default as long
        as the mode's library is known to spin), so that its workers are asleep when the other side is timed."""
        calls, discard = field(request, "calls", int), field(request, "discard", int, 1)
        settle = field(request, "settle_ms", float, self.settle_ms)
        call, engine = self.chosen(request), self.loaded()
        clock = time.perf_counter_ns
        times = [0] * calls
        with no_garbage_collection(), engine.context():
            for _ in range(discard):
                call()
            start = clock()
            for index in range(calls):
                self.last = None  # outputs are freed outside the timed call
                before = clock()
                self.last = call()
                times[index] = clock() - before
            wall = clock() - start
        time.sleep(settle / 1000)
        return {"ns": times, "wall_ns": wall}

    def device(self, request: dict[str, Any]) -> dict[str, Any]:
        """Nanoseconds a call of the device alone, `samples` times the mean of `inner` calls; none where only the wall
        says."""
        samples, inner = field(request, "samples", int, 5), field(request, "inner", int, 10)
        call, engine = self.chosen(request), self.loaded()
        with no_garbage_collection(), engine.context():
            call()
            times = engine.device_times(field(request, "set", int, 0), max(1, samples), max(1, inner))
        time.sleep(self.settle_ms / 1000)
        return {"ns": times}

    def reset(self, _: dict[str, Any]) -> dict[str, Any]:
        """Puts the model's state back to its initial values; refused by engines that cannot."""
        from hearth import engines

        try:
            self.loaded().reset()
        except engines.Unsupported as error:
            raise Refusal(UNSUPPORTED, str(error)) from None
        return {}

    def outputs(self, request: dict[str, Any]) -> dict[str, Any]:
        """Writes the outputs of the last timed call."""
        from hearth import tensorfile

        engine, path = self.loaded(), field(request, "path", str)
        if self.last is None:
            raise Refusal(BAD_REQUEST, "nothing has run yet: 'run' comes first")
        tensors = engine.tensors(self.last)
        tensorfile.write(path, {f"output.{i}": t for i, t in enumerate(tensors) if t is not None})
        return {"outputs": len(tensors)}

    def memory(self, _: dict[str, Any]) -> dict[str, Any]:
        """Peak and present resident memory of this process in bytes."""
        resident = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
        return {"peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, "bytes": resident}


def read_frame(stream: BinaryIO) -> dict[str, Any] | None:
    """The next request, or `None` at the end of the stream. Throws `Refusal` for a frame that is no request."""
    head = stream.read(4)
    if len(head) < 4:
        return None
    (length,) = struct.unpack("<I", head)
    if length > MAXIMUM_FRAME:
        raise Refusal(BAD_REQUEST, f"frame of {length} bytes is longer than {MAXIMUM_FRAME}")
    body = stream.read(length)
    if len(body) < length:
        return None
    try:
        request = json.loads(body)
    except ValueError as error:
        raise Refusal(BAD_REQUEST, f"frame is not JSON: {error}") from None
    if not isinstance(request, dict):
        raise Refusal(BAD_REQUEST, "frame is not a JSON object")
    return request


def write_frame(stream: BinaryIO, reply: dict[str, Any]) -> None:
    """Sends one reply."""
    body = json.dumps(reply).encode()
    stream.write(struct.pack("<I", len(body)) + body)
    stream.flush()


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Answers requests until `quit` or the end of the stream."""
    server = Server()
    while True:
        try:
            request = read_frame(source)
        except Refusal as refusal:
            write_frame(sink, {"ok": False, "code": refusal.code, "error": str(refusal)})
            if "longer" in str(refusal):
                return  # the stream cannot be resynchronised
            continue
        if request is None:
            return
        write_frame(sink, server.answer(request))
        if request.get("do") == "quit":
            return


def main() -> int:
    """Serves on stdin and stdout. Whatever libraries print to stdout goes to stderr instead."""
    # Ctrl-C reaches the whole group; the parent decides when this process ends, by closing the stream.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(sys.stdin.buffer, sink)
    sink.close()
    # Compile workers of PyTorch must not hold up the exit.
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
