"""The learning benchmark keeps what it did not run, and a curve of each seed."""

import json

from benchmarks.learning import POINTS, WINDOW, curve_of, draw, keep


def test_the_results_of_other_tasks_stay_and_their_order_is_that_of_the_limits(tmp_path):
    file = tmp_path / "learning.json"
    keep("panda", {"runs": ["old"]}, file)
    keep("iiwa", {"runs": ["iiwa"]}, file)
    keep("reach", {"runs": ["reach"]}, file)
    keep("panda", {"runs": ["new"]}, file)
    tasks = json.loads(file.read_text())["tasks"]
    assert list(tasks) == ["reach", "panda", "iiwa"]
    assert tasks["panda"]["runs"] == ["new"]
    assert tasks["iiwa"]["runs"] == ["iiwa"]


def test_a_curve_is_the_success_of_the_last_episodes_thinned_to_its_last():
    count = 10 * POINTS
    rows = [(75.0 * (n + 1), float(n >= count // 2)) for n in range(count)]
    curve = curve_of(rows)
    assert len(curve) == POINTS
    assert curve[0] == [75.0, 0.0]
    assert curve[-1] == [75.0 * count, 1.0]
    halfway = curve_of(rows[: count // 2 + WINDOW // 2])
    assert halfway[-1][1] == 0.5


def test_the_picture_has_the_tasks_whose_curves_are_there(tmp_path):
    runs = [{"curve": [[1.0, 0.0], [2.0, 1.0]]}, {"curve": [[1.0, 0.5], [2.0, 1.0]]}]
    draw({"reach": {"runs": [{}]}, "iiwa": {"runs": runs}}, tmp_path / "learning.png")
    assert (tmp_path / "learning.png").stat().st_size > 1000
