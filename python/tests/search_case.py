"""One model to search, as a user would, for the tests of what is shown of a search."""

from __future__ import annotations

import os
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent.parent
FIXTURES = REPOSITORY / "Tests/ModelImportTests/Fixtures"


def command() -> Path | None:
    """The built `hearth`; `HEARTH_BUILD` names its folder. `None` where there is none."""
    named = os.environ.get("HEARTH_BUILD")
    for folder in [Path(named)] if named else [REPOSITORY / ".build/release", REPOSITORY / ".build/debug"]:
        if (folder / "hearth").is_file():
            return folder / "hearth"
    assert not named, f"HEARTH_BUILD={named} lacks hearth"
    return None


def optimize(output: str, trials: int) -> list[str]:
    """The command line that searches the model into a package."""
    model, inputs = FIXTURES / "f64.middle.pt2", FIXTURES / "f64.golden.safetensors"
    return [
        str(command()), "optimize", str(model), "-i", str(inputs), "-o", output, "--trials", str(trials),
        "--archive", "trials.sqlite",
    ]  # fmt: skip
