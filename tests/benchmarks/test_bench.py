"""The benchmark runs, and tells what it found in a form that others can read. What it finds is no test's business."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.bench import main, write_table

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a quick run leaves behind."""
    folder = tmp_path_factory.mktemp("build")
    assert main(["--quick", "--build", str(folder)]) == 0
    return folder


def test_every_line_names_its_work_ratio_target_statements_and_conditions(build: Path) -> None:
    lines = json.loads((build / "bench.json").read_text())
    assert len(lines) > 8
    for line in lines:
        assert set(line) == {"work", "ratio", "target", "statements", "conditions"}
        assert line["ratio"] > 0
        assert line["target"] > 0
        assert isinstance(line["statements"], int)
        assert "SQLite" in line["conditions"]
    assert len({line["work"] for line in lines}) == len(lines)


def test_the_chart_is_well_formed_and_has_a_line_for_each_series(build: Path) -> None:
    chart = ElementTree.parse(build / "cost.svg")
    svg = "{http://www.w3.org/2000/svg}"
    assert len(chart.findall(f"{svg}polyline")) == 3
    assert {"stored appointments", "providers to choose from"} <= {text.text for text in chart.iter(f"{svg}text")}


def test_the_table_goes_between_its_comments_and_nowhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "docs").mkdir()
    page = tmp_path / "docs" / "performance.md"
    page.write_text("before\n<!-- bench -->\nold\n<!-- end of bench -->\nafter\n")
    monkeypatch.setattr("benchmarks.bench.ROOT", tmp_path)

    write_table("bench", "here", ("work", "ratio"), [("a page", 1.5)])

    table = "| work | ratio |\n| --- | --- |\n| a page | 1.5 |\n\nhere.\n"
    assert page.read_text() == f"before\n<!-- bench -->\n{table}<!-- end of bench -->\nafter\n"
