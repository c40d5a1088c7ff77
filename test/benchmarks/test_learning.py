"""The learning benchmark keeps what it did not run, and a curve of each seed."""

import json

from benchmarks.learning import LIMIT_S, POINTS, WINDOW, curve_of, draw, keep


def a_run(seed: int, success: float = 1.0, seconds: float = 1.0) -> dict:
    return {"seed": seed, "success_rate": success, "train_wall_s": seconds}


def test_the_results_of_other_tasks_and_seeds_stay_in_order(tmp_path):
    file = tmp_path / "learning.json"
    keep("UR5", a_run(0), file)
    keep("panda", a_run(1), file)
    keep("panda", a_run(0, success=0.5), file)
    keep("reach", a_run(0), file)
    keep("panda", a_run(0, success=0.96), file)
    tasks = json.loads(file.read_text())["tasks"]
    assert list(tasks) == ["reach", "panda", "UR5"]
    assert [run["seed"] for run in tasks["panda"]["runs"]] == [0, 1]
    assert tasks["panda"]["runs"][0]["success_rate"] == 0.96


def test_a_seed_passes_if_it_succeeds_in_time(tmp_path):
    file = tmp_path / "learning.json"
    limit = LIMIT_S["reach"]
    for run in (a_run(0, 0.95, limit), a_run(1, 0.94), a_run(2, 1.0, limit + 1.0)):
        keep("reach", run, file)
    assert json.loads(file.read_text())["tasks"]["reach"]["passed"] == 1


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
