"""Our own declarations of NVIDIA's driver agree with NVIDIA's, where its header is (Triton's package holds one): constants,
layouts, and for every function the number of its parameters and the size and kind of each."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from test_runtime import ROOT

OURS = ROOT / "Sources/Device/CCUDADriver/include"
COMPILER = shutil.which("g++") or shutil.which("clang++")

CONSTANTS = {
    "HEARTH_CU_MAX_THREADS_PER_BLOCK": "CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK",
    "HEARTH_CU_WARP_SIZE": "CU_DEVICE_ATTRIBUTE_WARP_SIZE",
    "HEARTH_CU_MULTIPROCESSORS": "CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT",
    "HEARTH_CU_L2_BYTES": "CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE",
    "HEARTH_CU_MAJOR": "CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR",
    "HEARTH_CU_MINOR": "CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR",
    "HEARTH_CU_SHARED_PER_MULTIPROCESSOR": "CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR",
    "HEARTH_CU_HOST_REGISTRATION": "CU_DEVICE_ATTRIBUTE_HOST_REGISTER_SUPPORTED",
    "HEARTH_CU_READ_ONLY_HOST_REGISTRATION": "CU_DEVICE_ATTRIBUTE_READ_ONLY_HOST_REGISTER_SUPPORTED",
    "HEARTH_CU_SHARED_PER_BLOCK_OPT_IN": "CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN",
    "HEARTH_CU_MEMORY_POOLS": "CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED",
    "HEARTH_CU_INVALID_VALUE": "CUDA_ERROR_INVALID_VALUE",
    "HEARTH_CU_OUT_OF_MEMORY": "CUDA_ERROR_OUT_OF_MEMORY",
    "HEARTH_CU_OUT_OF_RESOURCES": "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES",
    "HEARTH_CU_NO_DEVICE": "CUDA_ERROR_NO_DEVICE",
    "HEARTH_CU_DEVICES_UNAVAILABLE": "CUDA_ERROR_DEVICE_UNAVAILABLE",
    "HEARTH_CU_NO_BINARY_FOR_GPU": "CUDA_ERROR_NO_BINARY_FOR_GPU",
    "HEARTH_CU_REGISTER_PORTABLE": "CU_MEMHOSTREGISTER_PORTABLE",
    "HEARTH_CU_REGISTER_READ_ONLY": "CU_MEMHOSTREGISTER_READ_ONLY",
    "HEARTH_CU_LAUNCH_PROGRAMMATIC_SERIALIZATION": "CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION",
    "HEARTH_CU_ALLOCATION_PINNED": "CU_MEM_ALLOCATION_TYPE_PINNED",
    "HEARTH_CU_LOCATION_DEVICE": "CU_MEM_LOCATION_TYPE_DEVICE",
    "HEARTH_CU_POOL_RELEASE_THRESHOLD": "CU_MEMPOOL_ATTR_RELEASE_THRESHOLD",
    # Numbers that stand in Swift.
    "4": "CUDA_ERROR_DEINITIALIZED",
    "200": "CUDA_ERROR_INVALID_IMAGE",
    "214": "CUDA_ERROR_ECC_UNCORRECTABLE",
    "220": "CUDA_ERROR_NVLINK_UNCORRECTABLE",
    "222": "CUDA_ERROR_UNSUPPORTED_PTX_VERSION",
    "802": "CUDA_ERROR_SYSTEM_NOT_READY",
    "803": "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH",
    "804": "CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE",
    "805": "CUDA_ERROR_MPS_CONNECTION_FAILED",
    "999": "CUDA_ERROR_UNKNOWN",
    "1": "CU_STREAM_NON_BLOCKING",
    "3": "(CU_MEMHOSTALLOC_PORTABLE | CU_MEMHOSTALLOC_DEVICEMAP)",
    "8": "CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES",
    "(1)": "CU_STREAM_CAPTURE_MODE_THREAD_LOCAL",
}

# Our struct, NVIDIA's, and fields of both.
STRUCTS = [
    (
        "HearthCULaunchConfig",
        "CUlaunchConfig",
        [
            ("grid_x", "gridDimX"),
            ("block_x", "blockDimX"),
            ("shared_bytes", "sharedMemBytes"),
            ("stream", "hStream"),
            ("attributes", "attrs"),
            ("attribute_count", "numAttrs"),
        ],
    ),
    ("HearthCULaunchAttribute", "CUlaunchAttribute", [("id", "id"), ("value", "value")]),
    (
        "HearthCUKernelNodeParameters",
        "CUDA_KERNEL_NODE_PARAMS_v2",
        [
            ("function", "func"),
            ("grid_x", "gridDimX"),
            ("block_z", "blockDimZ"),
            ("shared_bytes", "sharedMemBytes"),
            ("parameters", "kernelParams"),
            ("extra", "extra"),
            ("kernel", "kern"),
            ("context", "ctx"),
        ],
    ),
    (
        "HearthCUMemoryPoolProperties",
        "CUmemPoolProps",
        [
            ("allocation", "allocType"),
            ("handles", "handleTypes"),
            ("location", "location"),
            ("security", "win32SecurityAttributes"),
            ("most_bytes", "maxSize"),
            ("usage", "usage"),
            ("reserved", "reserved"),
        ],
    ),
]

TEXT = """
#define __CUDA_API_VERSION_INTERNAL
#include <cuda.h>
#include <cstddef>
#include <type_traits>
#include "cuda_driver.h"
template <class F> struct Shape;
template <class R, class... A> struct Shape<R (*)(A...)> {
    static constexpr int count = sizeof...(A);
    static constexpr bool pointers[] = {std::is_pointer<A>::value..., false};
    static constexpr size_t sizes[] = {sizeof(A)..., 0};
};
template <class A, class B> constexpr bool alike() {
    if (Shape<A>::count != Shape<B>::count) return false;
    for (int i = 0; i < Shape<A>::count; ++i)
        if (Shape<A>::pointers[i] != Shape<B>::pointers[i] || Shape<A>::sizes[i] != Shape<B>::sizes[i]) return false;
    return true;
}
#define LIKE(FIELD, SYMBOL, PARAMETERS) \\
    static_assert(alike<decltype(HearthCUDADriver::FIELD), decltype(&SYMBOL)>(), #SYMBOL);
HEARTH_CUDA_FUNCTIONS(LIKE)
"""


def header() -> Path | None:
    """The folder of NVIDIA's header."""
    found = importlib.util.find_spec("triton")
    folder = Path(found.origin).parent / "backends/nvidia/include" if found and found.origin else None
    return folder if folder and (folder / "cuda.h").exists() else None


def compiles(folder: Path, text: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    source = tmp_path / "like.cpp"
    source.write_text(text)
    assert COMPILER is not None
    command = [COMPILER, "-std=c++17", "-fsyntax-only", "-w", f"-I{folder}", f"-I{OURS}", str(source)]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.skipif(header() is None, reason="NVIDIA's header is not there; pip install triton")
@pytest.mark.skipif(COMPILER is None, reason="there is no C++ compiler")
def test_our_header_is_nvidias(tmp_path: Path) -> None:
    folder = header()
    assert folder is not None
    lines = [f'static_assert((int)({ours}) == (int)({theirs}), "{theirs}");' for ours, theirs in CONSTANTS.items()]
    for ours, theirs, fields in STRUCTS:
        lines.append(f'static_assert(sizeof({ours}) == sizeof({theirs}), "{theirs}");')
        for field, other in fields:
            places = f"offsetof({ours}, {field}) == offsetof({theirs}, {other})"
            lines.append(f'static_assert({places}, "{theirs}.{other}");')
    done = compiles(folder, TEXT + "\n".join(lines), tmp_path)
    assert done.returncode == 0, done.stderr
    # It can fail: a parameter too few, and a wrong constant.
    wrong = TEXT + 'static_assert(alike<int (*)(int *), decltype(&cuDeviceGet)>(), "few");'
    assert "few" in compiles(folder, wrong, tmp_path).stderr
    # Every constant of the header is looked at.
    named = set(re.findall(r"HEARTH_CU_[A-Z0-9_]+", (OURS / "cuda_driver.h").read_text()))
    assert named - {"HEARTH_CUDA_FUNCTIONS"} <= set(CONSTANTS), named - set(CONSTANTS)
