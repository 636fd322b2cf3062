"""Puts the command and the shared library into the wheel: from HEARTH_BUILT, else from the checkout's release build, which is made
where Swift is there and it is not."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.dist import Distribution

CHECKOUT = Path(__file__).resolve().parent.parent
FILES = {"hearth": "bin/hearth", "libHearthC.so": "libhearth.so"}


def built() -> Path:
    """The folder with the built files."""
    named = os.environ.get("HEARTH_BUILT")
    folder = Path(named) if named else CHECKOUT / ".build" / "release"
    if all((folder / name).is_file() for name in FILES):
        return folder
    if named or not shutil.which("swift") or not (CHECKOUT / "Package.swift").is_file():
        raise SystemExit(
            f"{folder} lacks {' or '.join(FILES)}: build them in the checkout (swift build -c release "
            "--static-swift-stdlib --product hearth, then --product HearthC), or name their folder in HEARTH_BUILT"
        )
    for product in ("hearth", "HearthC"):
        command = ["swift", "build", "-c", "release", "--static-swift-stdlib", "--product", product]
        subprocess.run(command, cwd=CHECKOUT, check=True)
    return folder


class WithBinaries(build_py):
    """Copies the Python files, then the built ones."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return  # What lies in the checkout's build is found there.
        folder = built()
        for name, place in FILES.items():
            target = Path(self.build_lib) / "hearth" / place
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(folder / name, target)
            subprocess.run(["strip", "--strip-unneeded", str(target)], check=False)


class Platform(Distribution):
    """Tells that the wheel is for one platform."""

    def has_ext_modules(self) -> bool:
        return True


def tagged() -> dict[str, type]:
    """The command that names the wheel: any Python 3, this platform."""
    from setuptools.command.bdist_wheel import bdist_wheel

    class Tagged(bdist_wheel):
        def get_tag(self) -> tuple[str, str, str]:
            return "py3", "none", super().get_tag()[2]

    return {"bdist_wheel": Tagged}


setup(cmdclass={"build_py": WithBinaries, **tagged()}, distclass=Platform)
