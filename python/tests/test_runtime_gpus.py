"""The Python runtime on two GPUs at once, over a driver that does nothing: which GPU gets the work, and what of the
calling thread stays as it was."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from built import BUILT, ROOT, needs_build
from hearth import tensorfile

FAKE = ROOT / "Tests/hearthTests/FakeDriver"
pytestmark = [
    needs_build,
    pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler for the fake driver"),
]

USES_TWO = """
import ctypes, gc, os, sys, threading
import numpy
from hearth.runtime import Package

driver = ctypes.CDLL("libcuda.so.1")
driver.cuCtxSetCurrent(ctypes.c_void_p(0x42))
def current():
    found = ctypes.c_void_p()
    driver.cuCtxGetCurrent(ctypes.byref(found))
    return found.value
packages = [Package.load(sys.argv[1], device=f"cuda:{n}") for n in (0, 1)]
assert [p.device for p in packages] == ["cuda", "cuda:1"], packages
assert [p.device_model for p in packages] == ["Fake GPU", "Second fake GPU"]
assert packages[0].telemetry()["watts"] == 123 and current() == 0x42
inputs = [[numpy.zeros(port.shape, port.dtype) for port in p.inputs] for p in packages]
threads = [threading.Thread(target=lambda p=p, x=x: [p(*x) for _ in range(20)]) for p, x in zip(packages, inputs)]
for thread in threads: thread.start()
for thread in threads: thread.join()
for p, x in zip(packages, inputs):
    results = p(*x)
    assert current() == 0x42
    p.session().close()
    p.close()
    assert current() == 0x42
# Nothing of a GPU is left, and nothing was done to one that nobody held.
del p, packages, thread, threads
gc.collect()
assert driver.fake_things() == driver.fake_contexts() == 0, (driver.fake_things(), driver.fake_contexts())
print("fine")
"""

USES_ONE = """
import sys, numpy
from hearth.runtime import HearthError, Package
try:
    p = Package.load(sys.argv[1])
    p(*[numpy.zeros(port.shape, port.dtype) for port in p.inputs])
    print("ran")
except HearthError as error:
    print(type(error).__name__, error)
"""


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the fake driver under the names of NVIDIA's."""
    folder = tmp_path_factory.mktemp("driver")
    includes = [f"-I{ROOT}/Sources/Device/CCUDADriver/include", f"-I{ROOT}/Sources/Kernel/CNVRTC/include"]
    sources = [str(FAKE / name) for name in ("defaults.c", "fake.c", "products.c")]
    command = ["cc", "-shared", "-fPIC", "-O1", "-w", "-o", str(folder / "libcuda.so.1"), *includes, *sources]
    subprocess.run(command, check=True)
    (folder / "libnvidia-ml.so.1").symlink_to("libcuda.so.1")
    return folder


def environment(driver: Path, fault: str) -> dict[str, str]:
    """Variables of a process that finds the fake driver."""
    assert BUILT is not None
    return {
        **os.environ,
        "LD_LIBRARY_PATH": str(driver),
        "FAKE_CUDA": fault,
        "HEARTH_NVRTC": str(driver / "libcuda.so.1"),
        "HEARTH_CUBLASLT": "/nowhere" if fault == "no products" else str(driver / "libcuda.so.1"),
        "HEARTH_CUDNN": "/nowhere",
        "HEARTH_ARCHIVE": str(driver / "archive.sqlite"),
        "HEARTH_LIBRARY": str(BUILT[1]),
        "PYTHONPATH": str(ROOT / "python"),
    }


def built(driver: Path, model: str) -> Path:
    """A package for a GPU, whose kernels are none."""
    assert BUILT is not None
    archive = ROOT / f"Tests/ModelImportTests/Fixtures/{model}.middle.pt2"
    command = [str(BUILT[0]), "optimize", str(archive), "--device", "cuda:sm_90", "--trials", "0"]
    command += ["-o", f"{model}.hearth"]
    done = subprocess.run(command, cwd=driver, env=environment(driver, ""), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return driver / f"{model}.hearth"


@pytest.fixture(scope="module")
def package(driver: Path) -> Path:
    """A package of one launch."""
    return built(driver, "f64")


@pytest.fixture(scope="module")
def chain(driver: Path) -> Path:
    """A package of several launches."""
    return built(driver, "contract")


def test_two_gpus_work_at_once_and_the_thread_keeps_its_context(driver: Path, package: Path) -> None:
    log = driver / "log"
    variables = environment(driver, "two") | {"FAKE_CUDA_LOG": str(log)}
    done = subprocess.run(
        [sys.executable, "-c", USES_TWO, str(package)], env=variables, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0 and done.stdout == "fine\n", done.stderr
    lines = log.read_text().splitlines()
    assert lines.count("0x1000") == lines.count("0x1001") == 21 and len(lines) == 42


MOVES = """
import ctypes, sys, numpy
from hearth.library import ON_DEVICE
from hearth.runtime import Package
p = Package.load(sys.argv[1])
s = p.session()
s(*[numpy.zeros(port.shape, port.dtype) for port in p.inputs])
# The driver's memory is the process's own.
arena = numpy.zeros(1 << 20, numpy.uint8)
first = (arena.ctypes.data + 255) // 256 * 256
def run(place):
    count = len(p.inputs) + len(p.outputs)
    at = [first + place + 4096 * index for index in range(count)]
    inputs = (ctypes.c_void_p * len(p.inputs))(*at[: len(p.inputs)])
    outputs = (ctypes.c_void_p * len(p.outputs))(*at[len(p.inputs) :])
    s._library.check(s._run(s._handle.value, inputs, outputs, ON_DEVICE, None))
for place in (0, 1 << 18, 1 << 18, 0): run(place)
print(first)
"""


@pytest.mark.parametrize("fault", ["", "fixed"])
def test_a_captured_graph_begins_early_and_follows_what_moves(driver: Path, chain: Path, fault: str) -> None:
    log = driver / f"graphs-{fault}"
    variables = environment(driver, fault) | {"FAKE_CUDA_GRAPHS": str(log)}
    done = subprocess.run([sys.executable, "-c", MOVES, str(chain)], env=variables, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in log.read_text().splitlines()]
    # A driver that takes no new arguments gets another capture.
    move = ["captured", "started"] if fault else ["started"]
    assert [line[0] for line in lines] == ["captured", "started", *move, *move, "started", *move]
    nodes = [[node.split(":") for node in line[1:]] for line in lines if line[0] == "started"]
    # Every launch but the first may begin before the one before it has ended.
    assert all([kind for kind, _ in run] == ["late"] + ["early"] * (len(run) - 1) and len(run) > 1 for run in nodes)
    first = int(done.stdout)
    places = [{int(address, 16) for _, address in run} for run in nodes[1:]]
    assert first in places[0] and first in places[3] and places[0] == places[3]
    assert first + (1 << 18) in places[1] and places[1] == places[2] and first not in places[1]


@pytest.mark.parametrize(
    ("fault", "kind", "line"),
    [
        ("none", "DeviceUnavailable", "no device 'cuda': the driver finds no GPU"),
        ("old", "DeviceUnavailable", "the driver is of CUDA 11.4, 12.0 or later is needed; update it"),
        ("held", "DeviceUnavailable", "another process holds the GPU for itself"),
        ("full", "DeviceUnavailable", "its memory is full while taking GPU 0; end what else uses the GPU"),
        ("shared", "DeviceUnavailable", "NVIDIA's service that shares GPUs (MPS) failed while taking GPU 0"),
        ("newer", "InputError", "where a newer compiler made it than the driver, which is of CUDA 13.0, knows"),
        ("full-kernels", "DeviceUnavailable", "its memory is full while loading kernels; end what else uses the GPU"),
        ("full-start", "DeviceUnavailable", "its memory is full while starting the model; end what else uses the GPU"),
        ("memory", "DeviceUnavailable", "are free; end what else uses the device"),
        ("capture", "DeviceUnavailable", "its memory is full while preparing the model's graph; end what else"),
        ("foreign", "InputError", "it was made for another GPU than this one (sm_90a); optimise again here"),
        ("lost", "DeviceUnavailable", "the GPU was lost while starting the model"),
        ("lost-later", "DeviceUnavailable", "the GPU was lost while running on the GPU"),
        ("illegal", "RunFailed", "starting the model failed"),
    ],
)
def test_faults_are_one_line_and_never_a_run_elsewhere(
    driver: Path, package: Path, fault: str, kind: str, line: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", USES_ONE, str(package)], env=environment(driver, fault), capture_output=True, text=True
    )
    assert done.returncode == 0 and done.stdout.count("\n") == 1, done.stderr
    assert done.stdout.startswith(kind + " ") and line in done.stdout


@pytest.fixture(scope="module")
def calling(driver: Path) -> Path:
    """A package whose two products a vendor's library computes."""
    assert BUILT is not None
    inputs = {"input.0": (256, 128), "input.1": (128, 128), "input.2": (128, 256)}
    tensorfile.write(driver / "in.safetensors", {n: torch.zeros(s, dtype=torch.float16) for n, s in inputs.items()})
    model = ROOT / "Tests/hearthTests/Fixtures/products.pt2"
    command = [str(BUILT[0]), "optimize", str(model), "--device", "cuda", "--trials", "0", "-i", "in.safetensors"]
    done = subprocess.run(
        [*command, "-o", "calls.hearth"], cwd=driver, env=environment(driver, ""), capture_output=True, text=True
    )
    assert done.returncode == 0 and "calls cuBLASLt in 2 of 2 launches" in done.stderr, done.stderr
    return driver / "calls.hearth"


@pytest.mark.parametrize(
    ("fault", "answer"),
    [
        ("", "ran\n"),
        ("no products", "InputError the package calls cuBLASLt, which is not installed; install it (or name it in "),
        (
            "products refused",
            "DeviceUnavailable cuBLASLt for 1x256x128x128 failed: starting the product gives status 7; hearth optimize "
            "--no-libraries builds a package without it\n",
        ),
        ("uncreated", "DeviceUnavailable cuBLASLt failed: starting the library of products gives status 1; "),
    ],
)
def test_a_library_that_is_missing_or_fails_is_one_line(driver: Path, calling: Path, fault: str, answer: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", USES_ONE, str(calling)], env=environment(driver, fault), capture_output=True, text=True
    )
    assert done.returncode == 0 and done.stdout.count("\n") == 1, done.stderr
    assert done.stdout.startswith(answer)


LENDS = """
import sys, numpy
from hearth.runtime import InputError, Package
p = Package.load(sys.argv[1])
s = p.session()
inputs = [numpy.zeros(port.shape, port.dtype) for port in p.inputs]
with s.import_host(inputs[0]) as lent:
    print(lent.is_direct, lent.refusal)
    twice = s.import_host(inputs[0])
    print(twice.is_direct, twice.refusal)
    s(*inputs)
    twice.close()
again = s.import_host(inputs[0], read_only=True)
print(again.is_direct, s.traffic()[0] == 0 < s.traffic()[1])
try:
    s.import_host(numpy.zeros((4, 4))[:, 1])
except InputError as error:
    print(error)
s.close()
again.close()
"""


def test_memory_of_the_host_is_lent(driver: Path, package: Path) -> None:
    log = driver / "lent"
    variables = environment(driver, "") | {"FAKE_CUDA_LOG": str(log)}
    done = subprocess.run([sys.executable, "-c", LENDS, str(package)], env=variables, capture_output=True, text=True)
    lines = done.stdout.splitlines()
    assert done.returncode == 0 and len(lines) == 4, done.stderr
    assert lines[0] == "True None"
    assert lines[1].startswith("False ") and lines[1].endswith(
        "could not be imported: CUDA_ERROR: as the test wants it"
    )
    assert lines[2] == "True True" and lines[3] == "what is lent to a session is a contiguous tensor of the host"
    assert log.read_text().splitlines() == ["registered", "0x1000", "unregistered", "read-only", "unregistered"]


def test_memory_that_the_driver_does_not_register_is_copied(driver: Path, package: Path) -> None:
    command = [sys.executable, "-c", LENDS, str(package)]
    done = subprocess.run(command, env=environment(driver, "unregistered"), capture_output=True, text=True)
    lines = done.stdout.splitlines()
    assert done.returncode == 0 and len(lines) == 4, done.stderr
    assert all("could not be imported" in line for line in lines[:2]) and lines[2] == "False True"
