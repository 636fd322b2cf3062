"""What `pip install ./python` installs: the Python files, the command and the library, for any Python 3 of this platform."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

from built import ROOT


def wheel(folder: Path, built: Path) -> subprocess.CompletedProcess[str]:
    """Makes the wheel in `folder` from what is built in `built`."""
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", str(ROOT / "python"), "-w", str(folder)]
    environment = {**os.environ, "HEARTH_BUILT": str(built)}
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=600)


def test_a_wheel_carries_what_it_needs(tmp_path: Path) -> None:
    built = tmp_path / "built"
    built.mkdir()
    missing = wheel(tmp_path, built)
    assert missing.returncode != 0 and "lacks hearth or libHearthC.so: build them" in missing.stdout + missing.stderr
    for name in ("hearth", "libHearthC.so"):
        (built / name).write_text("#!/bin/sh\n")
        (built / name).chmod(0o755)
    done = wheel(tmp_path, built)
    assert done.returncode == 0, done.stderr
    (path,) = tmp_path.glob("*.whl")
    assert path.name.startswith("hearth-") and "-py3-none-linux_" in path.name
    with zipfile.ZipFile(path) as archive:
        names = {entry.filename: entry for entry in archive.infolist()}
        entries = next(archive.read(name).decode() for name in names if name.endswith("entry_points.txt"))
    files = {f"hearth/{file.name}" for file in (ROOT / "python" / "hearth").glob("*.py")}
    assert files | {"hearth/py.typed", "hearth/libhearth.so", "hearth/bin/hearth"} <= set(names)
    assert names["hearth/bin/hearth"].external_attr >> 16 & 0o111
    assert "[torch_dynamo_backends]\nhearth = hearth.backend:hearth" in entries
