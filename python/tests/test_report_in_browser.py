"""The report of a search in a real browser, where there is one: Chromium or Firefox draws the page at the width of a
telephone and of a desk, with scripts off, as a reader's browser may have them. A page around it measures what was drawn
and sends it here; nothing is downloaded and nothing leaves the machine."""

from __future__ import annotations

import json
import os
import queue
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from search_case import command, optimize

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chromium-headless-shell", "firefox", "firefox-esr")
BROWSER = next((path for path in map(shutil.which, BROWSERS) if path), None)

pytestmark = [
    pytest.mark.skipif(command() is None, reason="hearth is not built; see HEARTH_BUILD"),
    pytest.mark.skipif(BROWSER is None, reason=f"there is no browser: none of {', '.join(BROWSERS)}"),
]

WIDTHS = (400, 1400)

# Frames are as wide as they are told to be, which a browser's window is not. Without allow-scripts nothing in them runs.
AROUND = """<!DOCTYPE html><html><head><meta charset="utf-8"/></head><body><script>
function measured(frame) {
  const page = frame.contentDocument, root = page.documentElement, view = frame.contentWindow;
  const shown = e => { const box = e.getBoundingClientRect(); return box.width > 1 && box.height > 1; };
  const colours = e => { const style = view.getComputedStyle(e); return [style.color, style.backgroundColor]; };
  const inside = e => e.closest(".scroll, svg") === null;
  return {
    width: root.clientWidth, scrolls: root.scrollWidth, text: page.body.innerText,
    colours: [colours(page.body), ...[...page.querySelectorAll("h1, h2, p, td, th")].map(colours)],
    ground: view.getComputedStyle(page.body).backgroundColor,
    outside: [...page.body.querySelectorAll("*")].filter(e => inside(e) && shown(e)
      && e.getBoundingClientRect().right > root.clientWidth + 1).map(e => e.tagName + "." + e.className),
    svgs: [...page.querySelectorAll("svg")].map(svg => {
      const box = svg.getBoundingClientRect(), scale = box.width / svg.viewBox.baseVal.width;
      const marks = [...svg.querySelectorAll("path, rect, line, circle, polygon")];
      const letters = [...svg.querySelectorAll("text")];
      return {name: svg.querySelector("title").textContent, width: box.width, height: box.height, right: box.right,
        marks: marks.filter(e => { const b = e.getBBox(); return b.width > 0 || b.height > 0; }).length,
        letters: letters.filter(shown).length,
        size: Math.min(...letters.map(e => parseFloat(view.getComputedStyle(e).fontSize))) * scale};
    }),
    fonts: [...page.querySelectorAll("p, td, th, dt, dd, figcaption, caption")].filter(shown)
      .map(e => parseFloat(view.getComputedStyle(e).fontSize)),
  };
}
const wanted = WIDTHS, found = {};
for (const width of wanted) {
  const frame = document.createElement("iframe");
  frame.setAttribute("sandbox", "allow-same-origin");
  frame.style.cssText = `width: ${width}px; height: 3000px; border: 0`;
  frame.onload = () => {
    try { found[width] = measured(frame); } catch (fault) { found[width] = {fault: String(fault)}; }
    if (Object.keys(found).length === wanted.length)
      fetch("/measured", {method: "POST", body: JSON.stringify(found)});
  };
  frame.src = "/report.html";
  document.body.append(frame);
}
</script></body></html>"""


class Served:
    """A server of one page and the page around it, which takes what the latter measured."""

    def __init__(self, page: str) -> None:
        self.asked: list[str] = []
        self.answers: queue.Queue[dict[str, Any]] = queue.Queue()
        files = {
            "/report.html": page,
            "/around.html": AROUND.replace("WIDTHS", json.dumps(WIDTHS)),
        }
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = files.get(self.path)
                owner.asked.append(self.path)
                self.send_response(200 if body else 404)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.end_headers()
                self.wfile.write((body or "").encode())

            def do_POST(self) -> None:
                owner.answers.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}/around.html"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def browse(address: str, profile: Path) -> list[str]:
    """The command line that opens an address without a window."""
    assert BROWSER is not None
    if "firefox" in Path(BROWSER).name:
        return [BROWSER, "--headless", "--no-remote", "--profile", str(profile), address]
    flags = ["--headless", "--disable-gpu", "--no-first-run", f"--user-data-dir={profile}", "--no-proxy-server"]
    # Chromium's own sandbox does not start as root, nor where user namespaces are closed; the page is ours.
    flags += ["--no-sandbox", "--disable-dev-shm-usage", "--enable-logging=stderr", "--log-level=0", "--v=1"]
    return [BROWSER, *flags, address]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The report of a search."""
    folder = tmp_path_factory.mktemp("report")
    done = subprocess.run(optimize("m.hearth", 24), cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return Path(folder / "m.hearth/report.html").read_text()


def drawn(page: str, folder: Path) -> tuple[dict[str, dict[str, Any]], list[str], str]:
    """What a browser made of a page at each width, what it asked the server for, and what it wrote to its log."""
    served = Served(page)
    profile = folder / "profile"
    profile.mkdir()
    log = folder / "log"
    with log.open("wb") as stream:
        browser = subprocess.Popen(
            browse(served.address, profile), stdout=stream, stderr=stream, cwd=folder, start_new_session=True,
            env=os.environ | {"HOME": str(folder), "MOZ_HEADLESS": "1"},
        )  # fmt: skip
        try:
            found = served.answers.get(timeout=120)
        except queue.Empty:
            pytest.fail(f"{BROWSER} measured nothing in 120 s: {log.read_text(errors='replace')[-2000:]}")
        finally:
            # The browser's children are its group.
            os.killpg(browser.pid, 9)
            browser.wait()
            served.server.shutdown()
            served.server.server_close()
    return found, served.asked, log.read_text(errors="replace")


@pytest.fixture(scope="module")
def measured(
    page: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[dict[str, dict[str, Any]], list[str], str]]:
    yield drawn(page, tmp_path_factory.mktemp("browser"))


def test_nothing_is_said_and_nothing_is_asked_for(measured: tuple[dict[str, dict[str, Any]], list[str], str]) -> None:
    found, asked, log = measured
    assert all("fault" not in frame for frame in found.values()), found
    # Errors of a page stand in Chromium's log as lines of its console.
    assert [line for line in log.splitlines() if "CONSOLE" in line or "JavaScript error" in line] == []
    assert set(asked) <= {"/around.html", "/report.html", "/favicon.ico"}


@pytest.mark.parametrize("width", WIDTHS)
def test_every_drawing_is_there(
    page: str, measured: tuple[dict[str, dict[str, Any]], list[str], str], width: int
) -> None:
    frame = measured[0][str(width)]
    titles = [svg.find("title").text for svg in ElementTree.fromstring(page).iter("svg")]
    assert len(titles) >= 4 and [svg["name"] for svg in frame["svgs"]] == titles
    for svg in frame["svgs"]:
        assert svg["width"] > 100 and svg["height"] > 20 and svg["right"] <= width + 1, svg
        assert svg["marks"] > 0 and svg["letters"] > 0, svg
        assert svg["size"] >= 7, svg


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_fits_and_can_be_read(
    page: str, measured: tuple[dict[str, dict[str, Any]], list[str], str], width: int
) -> None:
    frame = measured[0][str(width)]
    assert frame["width"] >= width - 20 and frame["scrolls"] <= frame["width"] and frame["outside"] == []
    # With scripts off every heading and the finding stand there, in letters that can be read, on another colour.
    tree = ElementTree.fromstring(page)
    wanted = ["".join(head.itertext()) for head in tree.iter("h2")] + ["".join(tree.find(".//p[@class]").itertext())]
    assert len(wanted) > 4
    for words in wanted:
        assert " ".join(words.split()) in " ".join(frame["text"].split())
    assert min(frame["fonts"]) >= 12
    assert all(colour != frame["ground"] for colour, _ in frame["colours"])


def test_a_broken_page_is_seen(page: str, tmp_path: Path) -> None:
    """The measurement itself: a page that is too wide, with an empty drawing, a script, and a picture from elsewhere."""
    broken = page.replace(
        "</main>", '<p style="width: 900px">wide</p><svg viewBox="0 0 9 9"><title>none</title></svg></main>'
    )
    broken = broken.replace("<body>", '<body><img src="/missing.png" alt=""/><script>fails()</script>')
    found, asked, log = drawn(broken, tmp_path)
    narrow = found[str(WIDTHS[0])]
    assert narrow["scrolls"] > narrow["width"] and "P." in narrow["outside"]
    assert narrow["svgs"][-1]["marks"] == 0 and narrow["svgs"][-1]["letters"] == 0
    assert "/missing.png" in asked
    if "firefox" not in Path(BROWSER or "").name:
        assert "CONSOLE" in log
