"""The Python runtime over the C interface: packages that `hearth optimize` made here, run from Python."""

from __future__ import annotations

import gc
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy
import pytest
import torch
from built import BUILT, ROOT, needs_build
from hearth import tensorfile
from hearth.baseline_client import Baseline
from hearth.library import SIGNATURES, DeviceUnavailable, HearthError, InputError, Library
from hearth.loading import load_function
from hearth.runtime import Package

pytestmark = needs_build


@pytest.fixture(scope="module", autouse=True)
def library() -> Library:
    """The library that was built here."""
    assert BUILT is not None
    os.environ["HEARTH_LIBRARY"] = str(BUILT[1])
    return Library.open()


@pytest.fixture(scope="module")
def built(models: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Packages of some of the small models, made by the command."""
    assert BUILT is not None
    folder = tmp_path_factory.mktemp("packages")
    packages = {}
    environment = {**os.environ, "HEARTH_HOME": str(ROOT), "HEARTH_PYTHON": sys.executable}
    environment["HEARTH_ARCHIVE"] = str(folder / "archive.sqlite")
    for name in ("norm", "dynamic", "cache"):
        packages[name] = folder / f"{name}.hearth"
        command = [str(BUILT[0]), "optimize", f"{models}:{name}", "-o", str(packages[name]), "--trials", "0"]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=600)
        assert done.returncode == 0, done.stderr
    return packages


@pytest.fixture()
def norm(built: dict[str, Path]) -> Iterator[Package]:
    with Package.load(built["norm"]) as package:
        yield package


def expected(models: Path, name: str, *inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """What PyTorch computes: the output, and the entry of the dictionary beside it."""
    with torch.no_grad():
        first, second = load_function(f"{models}:{name}").module(*inputs)
        return first, second["sum"]


def test_the_interface_is_that_of_the_header(library: Library) -> None:
    header = (ROOT / "Sources/Tools/CHearth/include/hearth.h").read_text()
    assert set(re.findall(r"\b(hearth_\w+)\(", re.sub(r"/\*.*?\*/", "", header, flags=re.S))) == set(SIGNATURES)
    exported = subprocess.run(["nm", "-D", "--defined-only", library.path], capture_output=True, text=True).stdout
    functions = {line.split()[2] for line in exported.splitlines() if line.split()[1] == "T"}
    assert functions == set(SIGNATURES)


def test_results_are_those_of_the_command(built: dict[str, Path], norm: Package, tmp_path: Path) -> None:
    assert BUILT is not None
    x, scale = torch.randn(3, 6), torch.tensor(1.5)
    tensorfile.write(tmp_path / "in.safetensors", {"input.0": x, "input.1": scale})
    files = ["-i", str(tmp_path / "in.safetensors"), "-o", str(tmp_path / "out.safetensors")]
    subprocess.run([str(BUILT[0]), "run", str(built["norm"]), *files], check=True, capture_output=True)
    told = tensorfile.read(tmp_path / "out.safetensors")
    found = norm(x, scale)
    for port, tensor in zip(norm.outputs, found, strict=True):
        assert torch.equal(tensor, told[port.name])


def test_what_a_package_says_of_itself(built: dict[str, Path], norm: Package) -> None:
    assert (norm.device, norm.has_state, norm.is_tuned) == ("cpu", False, True)
    assert [(port.dtype, port.shape) for port in norm.inputs] == [("float32", (3, 6)), ("float32", ())]
    assert [port.shape for port in norm.outputs] == [(3, 5), ()] and "float32[3, 6]" in repr(norm)
    with Package.load(built["dynamic"]) as dynamic:
        assert dynamic.inputs[0].shape == ("s0", 6) and dynamic.outputs[0].shape == ("s0", 5)
        (symbol,) = dynamic.symbols
        assert (symbol.minimum, symbol.maximum, symbol.typical) == (2, 9, 3)
    with Package.load(built["cache"]) as cache:
        assert cache.has_state


def test_dynamic_extents(built: dict[str, Path], models: Path) -> None:
    with Package.load(built["dynamic"]) as package:
        for rows in (2, 9, 3, 3, 5):
            x, scale = torch.randn(rows, 6), torch.randn(())
            for found, wanted in zip(package(x, scale), expected(models, "dynamic", x, scale), strict=True):
                torch.testing.assert_close(found, wanted)
        with pytest.raises(InputError, match="is 10, but the model takes 2 to 9"):
            package(torch.randn(10, 6), torch.tensor(1.0))
        assert package(torch.randn(4, 6), torch.tensor(1.0))[0].shape == (4, 5)


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x.t().contiguous().t(),
        lambda x: torch.randn(6, 6)[::2].copy_(x),
        lambda x: torch.randn(3, 12)[:, ::2].copy_(x),
        lambda x: x.clone().requires_grad_(),
        lambda x: torch.complex(torch.zeros_like(x), -x).conj().imag,
        lambda x: x.expand(3, 6),
    ],
)
def test_inputs_of_any_layout(norm: Package, change: object) -> None:
    x, scale = torch.randn(3, 6), torch.tensor(2.0)
    wanted = norm(x, scale)
    given = change(x)  # type: ignore[operator]
    assert torch.equal(given.detach(), x)
    for found, other in zip(norm(given, scale), wanted, strict=True):
        assert torch.equal(found, other)


def test_numpy_dlpack_and_numbers(norm: Package) -> None:
    x = torch.randn(3, 6)
    wanted = norm(x, torch.tensor(2.0))
    array = x.numpy()
    misaligned = numpy.frombuffer(b"x" + array.tobytes(), dtype=numpy.uint8)[1:].view(numpy.float32).reshape(3, 6)
    assert not misaligned.flags.aligned
    big = array.astype(">f4")

    class Foreign:
        """A tensor of a library that only speaks DLPack."""

        def __dlpack__(self, **options: object) -> object:
            return array.__dlpack__()

        def __dlpack_device__(self) -> tuple[int, int]:
            return array.__dlpack_device__()

    for given in (array, numpy.asfortranarray(array), misaligned, big, Foreign()):
        for scale in (2.0, 2, numpy.float32(2), numpy.array(2, numpy.float32)):
            found = norm(given, scale)
            assert all(isinstance(f, numpy.ndarray) for f in found)
            assert numpy.array_equal(found[0], wanted[0].numpy()) and found[1].shape == ()
    # PyTorch's tensors make PyTorch's results.
    assert isinstance(norm(x, 2.0)[0], torch.Tensor)
    named = norm(scale=2.0, **{norm.inputs[0].name: x})
    assert torch.equal(named[0], wanted[0])


@pytest.mark.parametrize(
    ("inputs", "line"),
    [
        ((torch.zeros(3, 5), 1.0), r"^input 'x' should be f32\[3, 6\], but is f32\[3, 5\]$"),
        ((torch.zeros(3, 6, dtype=torch.float64), 1.0), r"^input 'x' should be f32\[3, 6\], but is f64\[3, 6\]$"),
        (
            (torch.zeros(3, 6, dtype=torch.complex64), 1.0),
            r"^input 'x' is of type complex64; the model takes x: float32",
        ),
        ((torch.zeros(3, 6, 1), 1.0), r"^input 'x' should be f32\[3, 6\], but is f32\[3, 6, 1\]$"),
        ((torch.zeros(3, 6, device="meta"), 1.0), r"^input 'x' should be a dense tensor"),
        ((torch.zeros(3, 6).to_sparse(), 1.0), r"^input 'x' should be a dense tensor"),
        ((torch.zeros(3, 6),), r"^the model has 2 inputs \(x, scale\), but 1 were given$"),
        ((torch.zeros(3, 6), "two"), r"^input 'scale' should be a tensor, an array or a number, not str"),
        ((numpy.zeros((3, 6)), 1.0), r"^input 'x' should be f32\[3, 6\], but is f64\[3, 6\]$"),
        ((numpy.zeros((3, 6), "U1"), 1.0), r"^input 'x' is of type str"),
    ],
)
def test_wrong_inputs_are_one_line(norm: Package, inputs: tuple, line: str) -> None:
    good = (torch.randn(3, 6), torch.tensor(2.0))
    before = norm(*good)
    with pytest.raises(InputError, match=line) as caught:
        norm(*inputs)
    assert "\n" not in str(caught.value)
    assert torch.equal(norm(*good)[0], before[0])  # an error leaves the session usable


def test_names_that_do_not_fit(norm: Package) -> None:
    x = torch.zeros(3, 6)
    with pytest.raises(InputError, match="has no input 'y'; its inputs are x, scale"):
        norm(x, y=1.0)
    with pytest.raises(InputError, match="input 'scale' is missing"):
        norm(x=x)
    with pytest.raises(InputError, match="input 'x' is given twice"):
        norm(x, 1.0, x=x)


def test_results_in_the_callers_memory(norm: Package) -> None:
    x, scale = torch.randn(3, 6), torch.tensor(2.0)
    wanted = norm(x, scale)
    out = (torch.empty(3, 5), torch.empty(()))
    found = norm(x, scale, out=out)
    assert found[0] is out[0] and torch.equal(out[0], wanted[0]) and torch.equal(out[1], wanted[1])
    memory = torch.zeros(40)
    memory[:18].copy_(x.flatten())
    inside = memory[:18].view(3, 6)
    cases = [
        ((memory[10:25].view(3, 5), torch.empty(())), "overlaps 'x' in memory"),
        ((memory[20:35].view(3, 5), memory[34]), "overlaps .* in memory"),
        ((torch.empty(3, 4), torch.empty(())), r"should be float32\[3, 5\], but is float32\[3, 4\]"),
        ((torch.empty(5, 3).t(), torch.empty(())), "is not contiguous"),
        ((torch.empty(3, 5),), "the model has 2 outputs, but 1 were given"),
        ((numpy.empty((3, 5), numpy.float32), torch.empty(())), "should be a PyTorch tensor, as the inputs are"),
    ]
    for out, line in cases:
        with pytest.raises(InputError, match=line):
            norm(inside, scale, out=out)
    assert torch.equal(norm(inside, scale, out=(memory[20:35].view(3, 5), torch.empty(())))[0], wanted[0])


def test_results_are_apart_from_call_to_call(norm: Package) -> None:
    first = norm(torch.zeros(3, 6), 1.0)[0].clone()
    kept = [norm(torch.full((3, 6), float(i)), 1.0) for i in range(10)]
    assert torch.equal(kept[0][0], first) and len({k[0].data_ptr() for k in kept}) == 10
    assert [k[1].item() for k in kept] == [18.0 * i for i in range(10)]


def test_state_belongs_to_the_session(built: dict[str, Path]) -> None:
    row, place = torch.ones(1, 3), torch.tensor([2])
    with Package.load(built["cache"]) as package:
        one, other = package.session(), package.session()
        assert one(row, place).tolist() == [1, 1, 1]
        assert one(row * 5, torch.tensor([0])).tolist() == [6, 6, 6]
        assert other(row, place).tolist() == [1, 1, 1] and package(row, place).tolist() == [1, 1, 1]
        state = torch.zeros(4, 3)
        name = "cache"
        assert one.read_state(name, state).tolist() == [[5] * 3, [0] * 3, [1] * 3, [0] * 3]
        one.reset()
        assert one(row, place).tolist() == [1, 1, 1]
        with pytest.raises(InputError, match="index is outside of what it indexes"):
            one(row, torch.tensor([9]))


def test_sessions_run_beside_each_other(built: dict[str, Path], models: Path) -> None:
    with Package.load(built["dynamic"]) as package:
        faults: list[str] = []

        def work(x: torch.Tensor, wanted: torch.Tensor, session: object) -> None:
            for _ in range(200):
                found = session(x, 1.0)[0]  # type: ignore[operator]
                if not torch.allclose(found, wanted, atol=1e-5):
                    faults.append(f"{list(x.shape)}: {found}")

        shared = package.session()
        users = []
        for rows, session in ((2, package.session()), (9, package.session()), (4, shared), (5, shared)):
            x = torch.randn(rows, 6)
            users.append((x, expected(models, "dynamic", x, torch.tensor(1.0))[0], session))
        threads = [threading.Thread(target=work, args=user) for user in users]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not faults


def test_a_package_is_closed_while_it_is_used(built: dict[str, Path]) -> None:
    package = Package.load(built["norm"])
    session, x = package.session(), torch.randn(3, 6)
    wanted, ended, wrong = session(x, 1.0)[0], [], []

    def work() -> None:
        for _ in range(2000):
            try:
                if not torch.equal(package(x, 1.0)[0], wanted):
                    wrong.append(1)
            except HearthError as error:
                ended.append(str(error))
                return

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    package.close()
    for thread in threads:
        thread.join()
    assert not wrong and all("is closed" in line for line in ended)
    with pytest.raises(HearthError, match="is closed; load it again"):
        package(x, 1.0)
    gc.collect()
    assert torch.equal(session(x, 1.0)[0], wanted)
    session.close()
    with pytest.raises(HearthError, match="the session is closed"):
        session(x, 1.0)


def test_a_forked_process_loads_its_own(norm: Package) -> None:
    x = torch.randn(3, 6)
    norm(x, 1.0)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            norm(x, 1.0)
            os.write(writer, b"ran")
        except HearthError as error:
            os.write(writer, str(error).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as answer:
        assert answer.read() == b"the package was loaded before this process was forked; load it here"
    os.waitpid(child, 0)


def resident() -> int:
    """Resident memory of this process in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def test_memory_does_not_grow(built: dict[str, Path]) -> None:
    x = torch.randn(3, 6)
    with Package.load(built["dynamic"]) as package:

        def runs(count: int) -> None:
            for i in range(count):
                package(torch.randn(2 + i % 8, 6), 1.0)
                package(x, 1.0)
                if i % 10 == 0:
                    package.session()(x.t().contiguous().t(), 1.0)
                with pytest.raises(InputError):
                    package(x[:, :5], 1.0)

        runs(200)
        gc.collect()
        before = resident()
        runs(1000)
        gc.collect()
        assert resident() - before < 4 << 20


def test_opening_and_closing_does_not_grow(built: dict[str, Path]) -> None:
    def opened(count: int) -> None:
        for _ in range(count):
            with Package.load(built["norm"]) as package:
                package(torch.zeros(3, 6), 1.0)
            with pytest.raises(InputError):
                Package.load("/nonexistent")

    opened(20)
    gc.collect()
    before, threads = resident(), len(os.listdir("/proc/self/task"))
    opened(100)
    gc.collect()
    assert resident() - before < 8 << 20 and len(os.listdir("/proc/self/task")) <= threads


@pytest.mark.parametrize(
    ("arguments", "kind", "line"),
    [
        ({"path": "/nonexistent"}, InputError, "package '/nonexistent' not found"),
        ({"path": "/nonexistent", "device": "tpu"}, DeviceUnavailable, "no device 'tpu': devices are cpu, cuda"),
        ({"path": "/nonexistent", "threads": -1}, InputError, "threads should be 0 or more, not -1"),
        ({"path": "x", "library": "/nonexistent.so"}, HearthError, "libhearth.so was not found"),
        ({"path": "x", "library": __file__}, HearthError, "is no library of Hearth"),
    ],
)
def test_what_cannot_be_opened_is_one_line(arguments: dict, kind: type, line: str) -> None:
    with pytest.raises(kind, match=line) as caught:
        Package.load(**arguments)
    assert "\n" not in str(caught.value)


def test_nothing_is_imported_that_the_caller_did_not(built: dict[str, Path]) -> None:
    code = (
        "import sys; from hearth.runtime import Package; p = Package.load(sys.argv[1]); "
        "print(p, sorted(m for m in ('torch', 'numpy') if m in sys.modules))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "python")}
    told = subprocess.run(
        [sys.executable, "-c", code, str(built["norm"])], capture_output=True, text=True, env=environment, check=True
    )
    assert told.stdout.strip().endswith("[]")


@pytest.mark.parametrize("version", [None, "1.4.0"])
def test_a_package_needs_no_pytorch_and_no_certain_one(
    version: str | None, built: dict[str, Path], norm: Package
) -> None:
    # Without a version PyTorch cannot be imported; with one the program has a PyTorch that knows what a tensor is, no more.
    code = """
import sys, types
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ImportError("there is no torch here")
version = sys.argv[2]
if version == "None":
    sys.meta_path.insert(0, Blocked())
else:
    sys.modules["torch"] = types.ModuleType("torch")
    sys.modules["torch"].__version__, sys.modules["torch"].Tensor = version, type("Tensor", (), {})
import hearth, numpy
package = hearth.Package.load(sys.argv[1])
result, total = package(numpy.arange(18, dtype=numpy.float32).reshape(3, 6), 2.0)
print(result.tolist(), total.tolist())
try:
    package(numpy.zeros((3, 5), numpy.float32), 2.0)
except hearth.InputError as error:
    print(error)
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "python")}
    command = [sys.executable, "-c", code, str(built["norm"]), str(version)]
    told = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert told.returncode == 0, told.stderr
    result, total = norm(torch.arange(18.0).reshape(3, 6), 2.0)
    said = ["input 'x' should be f32[3, 6], but is f32[3, 5]"]
    assert told.stdout.splitlines() == [f"{result.tolist()} {total.tolist()}", *said]


def test_the_command_runs_packages_without_python(built: dict[str, Path], norm: Package, tmp_path: Path) -> None:
    assert BUILT is not None
    x, scale = torch.randn(3, 6), torch.tensor(1.5)
    environment = {"PATH": str(tmp_path), "HOME": str(tmp_path), "HEARTH_PYTHON": str(tmp_path / "python")}
    command = [str(BUILT[0]), "run", str(built["norm"]), "-o", str(tmp_path / "out"), "-i", str(tmp_path / "in")]
    tensorfile.write(tmp_path / "in", {"input.0": x, "input.1": scale})
    told = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert told.returncode == 0, told.stderr
    for port, wanted in zip(norm.outputs, norm(x, scale), strict=True):
        assert torch.equal(tensorfile.read(tmp_path / "out")[port.name], wanted)
    for wrong, said in [(x[:, :5], "f32[3, 5]"), (x.double(), "f64[3, 6]")]:
        tensorfile.write(tmp_path / "in", {"input.0": wrong, "input.1": scale})
        told = subprocess.run(command, capture_output=True, text=True, env=environment)
        assert told.returncode == 1 and f"input 'x' should be f32[3, 6], but is {said}" in told.stderr


def test_the_baseline_process_runs_it_as_it_runs_rivals(
    built: dict[str, Path], tmp_path: Path, library: Library
) -> None:
    sets = {"input.0": torch.ones(1, 3), "input.1": torch.tensor([2])}
    tensorfile.write(tmp_path / "in", sets | {f"set.1.{name}": tensor for name, tensor in sets.items()})
    with Baseline("hearth", threads=1) as process:
        process.ask("load", model=str(built["cache"]), mode="hearth", threads=1, library=library.path)
        assert process.ask("inputs", path=str(tmp_path / "in"))["sets"] == 2
        assert len(process.ask("run", calls=5, set=1)["ns"]) == 5
        times = process.ask("device", samples=3, inner=4, set=1)["ns"]
        assert len(times) == 3 and all(time > 0 for time in times)
        process.ask("reset")
        process.ask("run", calls=1, discard=0)
        process.ask("outputs", path=str(tmp_path / "out"))
        assert tensorfile.read(tmp_path / "out")["output.0"].tolist() == [1, 1, 1]


def test_the_report_of_times_is_json(norm: Package) -> None:
    times = norm.session().time(torch.zeros(3, 6), 1.0, samples=4, inner=3)
    assert len(times) == 4 and all(time > 0 for time in times) and json.dumps(times)
    assert norm.telemetry() == {}


def test_a_device_with_memory_of_its_own(models: Path, tmp_path: Path) -> None:
    assert BUILT is not None
    listed = subprocess.run([str(BUILT[0]), "devices", "--quick", "--json"], capture_output=True, text=True).stdout
    if "opencl" not in [device["name"] for device in json.loads(listed)]:
        pytest.skip("there is no OpenCL device; install pocl-opencl-icd and ocl-icd-libopencl1")
    environment = {**os.environ, "HEARTH_HOME": str(ROOT), "HEARTH_PYTHON": sys.executable}
    command = [str(BUILT[0]), "optimize", f"{models}:dynamic", "-o", "m.hearth", "--trials", "0", "--device", "opencl"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    with Package.load(tmp_path / "m.hearth") as package:
        assert package.device == "opencl"
        for rows in (2, 5, 9):
            x, scale = torch.randn(rows, 6), torch.randn(())
            for found, wanted in zip(package(x, scale), expected(models, "dynamic", x, scale), strict=True):
                torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)
