"""The command and the library that were built here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def builds() -> Iterator[tuple[Path, Path]]:
    """Folders that may hold the command and the library."""
    named = os.environ.get("HEARTH_BUILD")
    for folder in [Path(named)] if named else [ROOT / ".build/release", ROOT / ".build/debug"]:
        pair = (folder / "hearth", folder / "libHearthC.so")
        # Who names a folder means to test what is there.
        assert not named or all(file.is_file() for file in pair), f"HEARTH_BUILD={named} lacks {pair[0]} or {pair[1]}"
        yield pair


BUILT = next((pair for pair in builds() if all(file.is_file() for file in pair)), None)
needs_build = pytest.mark.skipif(BUILT is None, reason="hearth and libHearthC.so are not built; see HEARTH_BUILD")
