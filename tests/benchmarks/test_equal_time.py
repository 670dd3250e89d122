"""The measure runs and has a line for each thing looked at. How long they take is no test's business."""

from pathlib import Path

import pytest

from benchmarks.equal_time import main

pytestmark = pytest.mark.slow


def test_each_look_has_its_two_ratios(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--rounds", "2", "--build", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    for name in ("another's", "erased", "nobody's", "nobody's, too", "one's own"):
        [line] = [line for line in printed.splitlines() if line.startswith(f"{name}  ")]
        assert line.count(" ms ") == 2
    [floor] = [line for line in printed.splitlines() if line.startswith("nobody's  ")]
    assert floor.count("1.000") == 2
