"""The example of a pipeline in Documentation/pipeline.md: a package is built where it is not current, and verified."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from search_case import FIXTURES, REPOSITORY, command

EXAMPLE = REPOSITORY / "Documentation/examples/keep-current"
PAGE = REPOSITORY / "Documentation/pipeline.md"
needs_command = pytest.mark.skipif(command() is None, reason="hearth is not built; see HEARTH_BUILD")


def keep_current(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the example in a folder with an archive of its own."""
    environment = {**os.environ, "HEARTH": str(command()), "HEARTH_ARCHIVE": str(folder / "trials.sqlite")}
    return subprocess.run([EXAMPLE, *arguments], cwd=folder, env=environment, capture_output=True, text=True)


@needs_command
def test_a_package_is_built_only_where_it_is_not_current(tmp_path: Path) -> None:
    """The model is another one after the second run."""
    model = tmp_path / "model.pt2"
    said = []
    for fixture in ["f64", "f64", "contract"]:
        shutil.copy(FIXTURES / f"{fixture}.middle.pt2", model)
        done = keep_current(tmp_path, "model.pt2", "model.hearth", "--trials", "0")
        assert done.returncode == 0, done.stderr
        said.append([line for line in done.stdout.splitlines() if "model.hearth" in line])
    assert said[0] == ["model.hearth is not current: there is no package yet", "wrote model.hearth"]
    assert said[1] == ["model.hearth is current"]
    assert said[2][0].startswith("model.hearth is not current: the model's graph changed: ")
    assert said[2][-1] == "wrote model.hearth"


@needs_command
def test_what_is_wrong_ends_the_example(tmp_path: Path) -> None:
    """No model, and a package that is harmed and cannot be built again."""
    done = keep_current(tmp_path, "absent.pt2", "model.hearth")
    assert done.returncode == 1
    assert done.stderr.startswith("hearth: ")
    assert keep_current(tmp_path).returncode == 2


@needs_command
def test_without_recorded_inputs_nothing_is_held_to_the_model(tmp_path: Path) -> None:
    """`--sets 0` says so, the manifest too; `verify` asks for inputs, and nothing that needs them goes with it."""

    def hearth(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([str(command()), *arguments], cwd=tmp_path, capture_output=True, text=True)

    build = ["optimize", str(FIXTURES / "f64.middle.pt2"), "-o", "model.hearth", "--sets", "0"]
    done = hearth(*build, "--trials", "0")
    assert done.returncode == 0 and "was not held to the model" in done.stderr, done.stderr
    manifest = json.loads((tmp_path / "model.hearth/manifest.json").read_text())
    assert "not held" in manifest["provenance"]["not_held"]
    verified = hearth("verify", "model.hearth")
    assert verified.returncode == 1 and "give some with their truth by --golden FILE" in verified.stderr, (
        verified.stderr
    )
    for wrong in (["--trials", "3"], ["--trials", "0", "--precision", "bf16"]):
        assert hearth(*build, *wrong).returncode != 0


def test_the_page_shows_the_script_as_it_is() -> None:
    """What is read is what is tested."""
    assert EXAMPLE.read_text() in PAGE.read_text()
