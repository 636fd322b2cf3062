"""Finds a model: `FILE.py:FUNCTION` that returns `(module, example_inputs[, dynamic_dims])`."""

from __future__ import annotations

import importlib.util
import sys
import sysconfig
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn


class ModelError(Exception):
    """The user's input is at fault: one line that says what, where, and what to do."""


@dataclass
class Source:
    """A model as the user gave it."""

    module: nn.Module
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    dims: Any
    file: Path
    function: str
    more_inputs: Callable[[int], Any] | None

    def inputs(self, seed: int) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        """The user's own further inputs, from `FUNCTION_inputs(seed)` in the same file; `None` where there are none."""
        given = None if self.more_inputs is None else self.more_inputs(seed)
        return None if given is None else split_inputs(given, self.function + "_inputs")


def split_inputs(value: Any, function: str) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Positional and keyword inputs of what a function returned: a tensor, a tuple or list, or a dict of keywords."""
    if isinstance(value, Tensor):
        return (value,), {}
    if isinstance(value, Mapping):
        return (), dict(value)
    if isinstance(value, (tuple, list)):
        return tuple(value), {}
    raise ModelError(f"'{function}': inputs must be a tensor, a tuple or a dict of tensors, not {type(value).__name__}")


def user_frame(error: BaseException, near: Path) -> str | None:
    """`file:line: source` of the deepest frame in a file of the user: of the folder `near`, else outside libraries."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if Path(f.filename).is_relative_to(near)]
    apart = [f for f in frames if not is_library(f.filename)]
    for frame in reversed(own or apart):
        return f"{frame.filename}:{frame.lineno}: {(frame.line or '').strip()}"
    return None


def is_library(file: str) -> bool:
    """Whether a file is of Python, of a package that was installed, or of this one."""
    libraries = ("site-packages", "dist-packages", "<", "hearth/", sysconfig.get_paths()["stdlib"])
    return any(part in file for part in libraries)


def at(source: str | None) -> str:
    """` (at SOURCE)`, or nothing where the source is unknown."""
    return f" (at {source})" if source else ""


def one_line(text: object, limit: int = 300) -> str:
    """`text` in one line without runs of blanks, cut at `limit` characters."""
    line = " ".join(str(text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def load_function(spec: str) -> Source:
    """Imports the file, calls the function and checks what it returned."""
    file, separator, function = spec.rpartition(":")
    if not separator or not function.isidentifier():
        raise ModelError(f"'{spec}': expected FILE.py:FUNCTION, for example model.py:build")
    path = Path(file).resolve()
    if path.is_dir():
        raise ModelError(f"'{file}' is a directory; name a Python file")
    if not path.is_file():
        raise ModelError(f"'{file}': no such file")
    sys.path.insert(0, str(path.parent))
    name = path.stem if path.stem not in sys.modules else f"hearth_user_{path.stem}"
    loader = importlib.util.spec_from_file_location(name, path)
    if loader is None or loader.loader is None:
        raise ModelError(f"'{file}' is not a Python file")
    code = importlib.util.module_from_spec(loader)
    sys.modules[name] = code
    try:
        loader.loader.exec_module(code)
    except (Exception, SystemExit) as error:
        where = user_frame(error, path.parent)
        if isinstance(error, SyntaxError):
            where = f"{error.filename}:{error.lineno}: {(error.text or '').strip()}"
            raise ModelError(f"'{file}' is not valid Python: {error.msg}{at(where)}") from None
        raise ModelError(f"'{file}' fails on import: {type(error).__name__}: {one_line(error)}{at(where)}") from None
    build = getattr(code, function, None)
    if not callable(build):
        names = ", ".join(k for k, v in vars(code).items() if callable(v) and getattr(v, "__module__", "") == name)
        raise ModelError(f"'{file}' has no function '{function}'; it has: {names or 'none'}")
    try:
        value = build()
    except (Exception, SystemExit) as error:
        where = at(user_frame(error, path.parent))
        raise ModelError(f"'{spec}' fails: {type(error).__name__}: {one_line(error)}{where}") from None
    if not isinstance(value, (tuple, list)) or len(value) not in (2, 3) or not isinstance(value[0], nn.Module):
        found = type(value).__name__
        if isinstance(value, (tuple, list)):
            found = f"{found} of {', '.join(type(entry).__name__ for entry in value) or 'nothing'}"
        raise ModelError(
            f"'{spec}' must return (module, example_inputs) or (module, example_inputs, dynamic_dims), not {found}"
        )
    args, kwargs = split_inputs(value[1], spec)
    dims = value[2] if len(value) == 3 else None
    return Source(value[0], args, kwargs, dims, path, function, getattr(code, function + "_inputs", None))
