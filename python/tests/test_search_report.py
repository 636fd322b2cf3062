"""The report of a search: well formed, complete, alone, and with the numbers of its events."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest
from search_case import command, optimize

pytestmark = pytest.mark.skipif(command() is None, reason="hearth is not built; see HEARTH_BUILD")


@pytest.fixture(scope="module")
def search(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[dict], str]:
    """Events of a search and its page."""
    folder = tmp_path_factory.mktemp("report")
    done = subprocess.run(
        optimize("m.hearth", 24) + ["--json", "--report", "r.html"], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    page = Path(folder / "r.html").read_text()
    assert page == Path(folder / "m.hearth/report.html").read_text()
    return events, page


@pytest.fixture(scope="module")
def tree(search: tuple[list[dict], str]) -> ElementTree.Element:
    """The page as XML, which is stricter than HTML."""
    return ElementTree.fromstring(search[1])


def last(events: list[dict], kind: str, name: str) -> dict[str, dict]:
    """The last event of a kind for each value of a member."""
    return {event[name]: event for event in events if event["event"] == kind}


def rows(tree: ElementTree.Element, section: str) -> dict[str, list[ElementTree.Element]]:
    """Cells of the rows of a section's table, by the rows' names."""
    part = tree.find(f".//section[@id='{section}']")
    assert part is not None, section
    return {row.get("data-row"): list(row) for row in part.iterfind(".//tr[@data-row]")}


def number(cell: ElementTree.Element) -> float | None:
    """The exact number behind a cell."""
    data = cell.find("data")
    return None if data is None else float(data.get("value"))


def text(cell: ElementTree.Element) -> str:
    return "".join(cell.itertext())


def test_nothing_is_loaded(search: tuple[list[dict], str], tree: ElementTree.Element) -> None:
    assert {element.tag for element in tree.iter()}.isdisjoint({"script", "link", "img", "iframe", "object", "image"})
    for element in tree.iter():
        for name in element.attrib:
            assert name not in ("src", "href", "srcset", "data", "action") and not name.startswith("on")
    style = tree.find(".//style").text
    assert "url(" not in style and "@import" not in style
    assert "http" not in search[1]


def test_drawings_can_be_read_by_everybody(tree: ElementTree.Element) -> None:
    ids = [element.get("id") for element in tree.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    assert tree.get("lang") == "en"
    for element in tree.iter():
        for target in element.get("aria-labelledby", "").split():
            assert target in ids
    for section in tree.iterfind(".//section"):
        drawings = section.findall(".//svg")
        for drawing in drawings:
            assert drawing.get("role") == "img" and drawing.find("title").text and drawing.find("desc").text
        # Whoever cannot see a drawing finds its figures in a table.
        if drawings:
            assert section.find(".//table/caption/span").text
    for table in tree.iterfind(".//table"):
        assert all(head.get("scope") for head in table.iterfind(".//th"))


def test_every_region_is_there(search: tuple[list[dict], str], tree: ElementTree.Element) -> None:
    events, _ = search
    opened = last(events, "region", "region")
    assert {"model", "region.0"} <= set(opened)
    kernels = rows(tree, "kernels")
    assert set(kernels) == set(opened) - {"model"}
    for name, cells in kernels.items():
        assert text(cells[1]) == opened[name]["kernel"] and number(cells[2]) == opened[name]["share"]
    tried = {}
    for event in events:
        if event["event"] == "trial":
            tried[event["region"]] = tried.get(event["region"], 0) + 1
    curves = {figure.get("data-region") for figure in tree.iterfind(".//section[@id='curves']//figure")}
    assert curves == {name for name, count in tried.items() if count > 1}
    for name, cells in rows(tree, "curves").items():
        assert number(cells[1]) == tried[name]


def test_times_are_those_of_the_events(search: tuple[list[dict], str], tree: ElementTree.Element) -> None:
    events, _ = search
    opened, closed = last(events, "region", "region"), last(events, "closed", "region")
    for name, cells in rows(tree, "kernels").items():
        assert number(cells[3]) == closed[name].get("default_seconds")
        assert number(cells[4]) == closed[name].get("best_seconds")
        assert text(cells[8]) == closed[name]["schedule"]
    timed = rows(tree, "time")
    assert set(timed) == {name for name in closed if name != "model" and "best_seconds" in closed[name]}
    for name, cells in timed.items():
        launches = opened[name]["launches"]
        assert number(cells[3]) == pytest.approx(closed[name]["default_seconds"] * launches, rel=1e-12)
        assert number(cells[4]) == pytest.approx(closed[name]["best_seconds"] * launches, rel=1e-12)
    lineage = rows(tree, "lineage")
    for name in closed:
        wins = [event for event in events if event["event"] == "win" and event["region"] == name]
        ends = [place for place, win in enumerate(wins) if win["schedule"] == closed[name]["schedule"]]
        for place, win in enumerate(wins[: ends[-1] + 1] if ends else wins):
            cells = lineage[f"{name}/{place}"]
            assert text(cells[2]) == win["agent"] and number(cells[3]) == win["seconds"]


def test_the_roof_is_that_of_the_machine(search: tuple[list[dict], str], tree: ElementTree.Element) -> None:
    events, _ = search
    start, opened = events[0], last(events, "region", "region")
    for name, cells in rows(tree, "roofline").items():
        region = opened[name]
        assert number(cells[1]) == region["operations"] and number(cells[2]) == region["bytes"]
        rate = start["operation_rates"].get(region["element"], start["operation_rates"]["f32"])
        roof = max(region["operations"] / rate, region["bytes"] / start["memory_rate"])
        assert number(cells[5]) == pytest.approx(roof, rel=1e-12)


def test_errors_and_findings_are_those_of_the_events(search: tuple[list[dict], str], tree: ElementTree.Element) -> None:
    events, page = search
    outputs = last(events, "output", "output")
    shown = rows(tree, "accuracy")
    assert set(shown) == set(outputs)
    names = ["elements", "rms", "torch_rms", "allowed_rms", "max", "torch_max", "allowed_max"]
    for name, cells in shown.items():
        assert [number(cell) for cell in cells[1:]] == [outputs[name][member] for member in names]
    refused: dict[str, int] = {}
    for event in events:
        if event["event"] == "refusal":
            refused[event["fault"]] = refused.get(event["fault"], 0) + 1
    if refused:
        assert {name: number(cells[2]) for name, cells in rows(tree, "refusals").items()} == refused
    else:
        assert tree.find(".//section[@id='refusals']") is None
    agents = rows(tree, "agents")
    for agent in {event["agent"] for event in events if event["event"] == "trial"}:
        trials = [event for event in events if event["event"] == "trial" and event["agent"] == agent]
        assert number(agents[agent][1]) == len(trials)
        correct = sum(event["verdict"] == "correct" for event in trials)
        assert number(agents[agent][2]) == pytest.approx(correct / len(trials))
    # The sentence at the top is the last event's, and "no gain" where the rule says so.
    summary = events[-1]["summary"]
    headline = tree.find(".//p[@class]")
    assert text(headline).lower() == summary.lower() + "."
    comparison = last(events, "comparison", "against")["default"]
    is_gain = comparison["ratio"] > 1.02 and comparison["low"] > 1
    assert headline.get("data-gain") == ("gain" if is_gain else "no gain")
    assert summary.startswith("no gain") != is_gain
