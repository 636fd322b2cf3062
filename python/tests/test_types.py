"""What `py.typed` promises: the package's own types hold, strictly."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1]


def test_the_packages_types_hold(tmp_path: Path) -> None:
    command = [
        sys.executable, "-m", "mypy", "--config-file", str(FOLDER / "pyproject.toml"), "--cache-dir", str(tmp_path), "-p", "hearth",
    ]  # fmt: skip
    environment = {**os.environ, "MYPYPATH": str(FOLDER)}
    checked = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
