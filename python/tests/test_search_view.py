"""What a terminal shows of a search, and what a pipe gets."""

from __future__ import annotations

import errno
import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from pathlib import Path

import pytest
from search_case import command, optimize

pytestmark = pytest.mark.skipif(command() is None, reason="hearth is not built; see HEARTH_BUILD")

WIDTH, HEIGHT = 72, 20
ERASE = re.compile(r"\x1b\[(\d+)A\r\x1b\[J")


def on_terminal(folder: Path, arguments: list[str], **settings: str) -> str:
    """Runs the command on a terminal of its own; everything that the terminal got."""
    terminal, end = pty.openpty()
    fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, WIDTH, 0, 0))
    left = ("NO_COLOR", "HEARTH_DEBUG")
    environment = {name: value for name, value in os.environ.items() if name not in left}
    environment |= {"TERM": "xterm-256color"} | settings
    process = subprocess.Popen(
        arguments, cwd=folder, stdin=end, stdout=end, stderr=end, env=environment, start_new_session=True
    )
    os.close(end)
    got = b""
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError as error:
            # The other side of a terminal is gone.
            assert error.errno == errno.EIO
            break
        if not piece:
            break
        got += piece
    os.close(terminal)
    assert process.wait() == 0, got.decode()
    return got.decode().replace("\r\n", "\n")


def screen(got: str) -> list[str]:
    """The lines that stand on the terminal in the end, scrolled ones included."""
    lines = [""]
    for piece in re.split(r"(\x1b\[\d+A\r\x1b\[J)", got):
        if erased := ERASE.fullmatch(piece):
            # The cursor is at the beginning of the line after the view.
            assert lines[-1] == ""
            height = int(erased[1])
            assert height < HEIGHT
            del lines[len(lines) - 1 - height :]
            lines.append("")
        else:
            assert "\x1b" not in piece
            first, *rest = piece.split("\n")
            lines[-1] += first
            lines += rest
    return lines


def test_a_terminal_shows_regions_and_agents_in_place(tmp_path: Path) -> None:
    got = on_terminal(tmp_path, optimize("m.hearth", 24))
    assert len(ERASE.findall(got)) >= 3
    lines = screen(got)
    # One view is left, with what was said above and below it.
    headers = [place for place, line in enumerate(lines) if line.startswith("f64.middle.pt2 for latency on ")]
    assert len(headers) == 1
    view = lines[headers[0] :]
    assert " trials | " in view[1] and " refused | " in view[1] and " s left" in view[1]
    assert view[2].split()[:3] == ["region", "kernel", "share"]
    assert any(line.startswith("region.0 ") for line in view) and any(line.startswith("model ") for line in view)
    assert any(line.startswith("agent ") and line.split()[1:] == ["trials", "accepted", "wins"] for line in view)
    assert any(line.startswith("default-first ") for line in view)
    end = next(place for place, line in enumerate(view) if line.startswith("default-first "))
    assert all(len(line) <= WIDTH for line in view[:end])
    assert "wrote m.hearth" in view
    # Nothing is drawn that only a pipe needs.
    assert not any(line.startswith(("search: 4 trials", "cover: 1 trials")) for line in lines)


@pytest.mark.parametrize(
    ("arguments", "settings"),
    [(["--plain"], {}), ([], {"NO_COLOR": "1"}), ([], {"TERM": "dumb"})],
    ids=["plain", "no-color", "dumb"],
)
def test_lines_where_nothing_may_be_drawn(tmp_path: Path, arguments: list[str], settings: dict[str, str]) -> None:
    got = on_terminal(tmp_path, optimize("m.hearth", 4) + arguments, **settings)
    assert "\x1b" not in got
    assert re.search(r"^search: \d+ trials, \d+ refused, time ", got, re.MULTILINE)
    assert "wrote m.hearth\n" in got


def test_a_pipe_gets_lines(tmp_path: Path) -> None:
    done = subprocess.run(optimize("m.hearth", 4), cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "wrote m.hearth\n" and "\x1b" not in done.stderr
    assert re.search(r"^search: \d+ trials, ", done.stderr, re.MULTILINE)
