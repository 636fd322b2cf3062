"""The command `hearth` from Python: where it is, and one run of it."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hearth.library import HearthError

__all__ = ["BuildError", "build", "refused_calls", "tool"]


class BuildError(HearthError):
    """`hearth` could not do what was asked: one line that says what, where, and what to do."""


_children: set[subprocess.Popen[str]] = set()


@atexit.register
def end_children() -> None:
    """Ends what still runs, such as a search in the background, when the program ends."""
    for child in list(_children):
        child.kill()


def candidates() -> Iterator[Path]:
    """Where the command may be: HEARTH_TOOL alone where it is set, else in this package, else in a checkout's build,
    else on the path."""
    named = os.environ.get("HEARTH_TOOL")
    if named:
        yield Path(named)
        return
    here = Path(__file__).resolve().parent
    yield here / "bin" / "hearth"
    for folder in ("release", "debug"):
        yield here.parent.parent / ".build" / folder / "hearth"
    found = shutil.which("hearth")
    if found:
        yield Path(found)


def tool() -> str:
    """The command's path. Throws `BuildError`."""
    places = list(candidates())
    for place in places:
        if os.access(place, os.X_OK) and place.is_file():
            return str(place)
    tried = ", ".join(map(str, places))
    raise BuildError(
        f"the command hearth was not found ({tried}); build it (swift build -c release --product hearth), install the "
        "package with pip, or set HEARTH_TOOL"
    )


def run(arguments: Sequence[str], verbose: bool = False) -> str:
    """Runs the command with PyTorch's Python for what it asks of PyTorch; returns what it prints. What it complains
    of is shown when `verbose`, and is the error when it fails."""
    environment = {"HEARTH_PYTHON": sys.executable, **os.environ}
    command = [tool(), *arguments]
    child = subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    _children.add(child)
    try:
        output, complaints = child.communicate()
    except BaseException:
        child.kill()
        child.wait()
        raise
    finally:
        _children.discard(child)
    if verbose:
        print(complaints, end="", file=sys.stderr)
    if child.returncode:
        said = [line for line in complaints.splitlines() if line.strip()]
        last = said[-1].removeprefix("hearth: ") if said else f"ended with {child.returncode} and said nothing"
        raise BuildError(last)
    return output


def refused_calls(program: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """The calls of FILE.pt2 that a package cannot hold, in order: `operator`, `node`, `line` of model code, `reason`."""
    calls: list[dict[str, Any]] = json.loads(run(["operators", os.fspath(program), "--json"]))["refused"]
    return calls


def build(
    source: str | os.PathLike[str], output: str | os.PathLike[str], options: Sequence[str], verbose: bool = False
) -> None:
    """`hearth optimize SOURCE -o OUTPUT OPTIONS`. Throws `BuildError`."""
    run(["optimize", os.fspath(source), "-o", os.fspath(output), "--plain", *options], verbose)
