"""metrics.csv: its columns, and the mean of the updates between two episodes."""

import csv

import numpy as np
import pytest

from ddpg_ros.algo.report import Report
from ddpg_ros.algo.update import Metrics
from ddpg_ros.types import Episode
from ddpg_ros.worker.metrics_log import ALL, MetricsLog


def report(*updates):
    """One report of some updates, each given by the metrics that are not zero."""
    rows = [[update.get(name, 0.0) for name in Metrics._fields] for update in updates]
    return Report(np.array(rows, dtype=np.float32))


def episode(total, **terms):
    return Episode(total, 50, True, False, terms)


def rows_of(run_dir):
    with (run_dir / "metrics.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def log(tmp_path):
    log = MetricsLog(tmp_path)
    yield log
    log.close()


def test_the_columns_are_the_episode_its_terms_and_the_updates(tmp_path, log):
    log.write(50, 0, 40, episode(-3.0, distance=-2.5, torque=-0.5))
    (row,) = rows_of(tmp_path)
    assert list(row.items()) == [
        ("step", "50"),
        ("episode", "1"),
        ("return", "-3.0"),
        ("length", "50"),
        ("success", "1"),
        ("terminated", "0"),
        ("reward_distance", "-2.5"),
        ("reward_torque", "-0.5"),
        ("updates", "0"),
        ("updates_per_step", "0.0"),
        ("replay_fill", "40"),
        *((name, "") for name in Metrics._fields),
    ]


def test_what_updates_report_is_averaged_from_one_episode_to_the_next(tmp_path, log):
    log.add(report({"critic_loss": 1.0, "saturation": 0.5}, {"critic_loss": 3.0}))
    log.add(report({"critic_loss": 8.0, "saturation": 0.25}))
    log.write(50, 3, 50, episode(0.0))
    log.add(report({"critic_loss": 10.0}))
    log.write(100, 4, 100, episode(0.0))
    log.write(150, 4, 150, episode(0.0))
    rows = rows_of(tmp_path)
    assert [row["critic_loss"] for row in rows] == ["4.0", "10.0", ""]
    assert [row["saturation"] for row in rows] == ["0.25", "0.0", ""]
    assert [row["updates_per_step"] for row in rows] == ["0.06", "0.04", str(4 / 150)]
    assert [row["episode"] for row in rows] == ["1", "2", "3"]


def test_of_the_extremes_the_most_extreme_is_kept(tmp_path, log):
    log.add(report({"q_min": -3.0, "q_max": 1.0}, {"q_min": -1.0, "q_max": 5.0}))
    log.write(50, 2, 50, episode(0.0))
    (row,) = rows_of(tmp_path)
    assert (row["q_min"], row["q_max"]) == ("-3.0", "5.0")


def test_skipped_updates_are_counted_and_spoil_no_mean(tmp_path, log):
    log.add(report({"critic_loss": 2.0}, {"critic_loss": np.nan, "skipped": 1.0}))
    log.write(50, 2, 50, episode(0.0))
    log.add(report({"critic_loss": np.inf, "skipped": 1.0}))
    log.write(100, 3, 100, episode(0.0))
    rows = rows_of(tmp_path)
    assert [(row["critic_loss"], row["skipped"]) for row in rows] == [("2.0", "1"), ("", "1")]


def test_a_row_can_be_read_as_soon_as_it_is_written(tmp_path, log):
    assert rows_of(tmp_path) == []
    log.write(50, 0, 50, episode(1.0))
    assert [row["return"] for row in rows_of(tmp_path)] == ["1.0"]


def test_the_same_stands_in_tensorboard(tmp_path):
    log = MetricsLog(tmp_path)
    log.add(report({"critic_loss": 1.5}))
    log.waited = 1e9
    log.write(50, 1, 50, episode(-3.0))
    log.close()
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    (loss,) = events.Scalars("train/critic_loss")
    (total,) = events.Scalars("train/return")
    assert (loss.step, loss.value) == (50, 1.5)
    assert (total.step, total.value) == (50, -3.0)
    (waiting,) = events.Scalars("train/waiting")
    assert waiting.value > 1.0  # in TensorBoard alone: metrics.csv holds no wall time
    assert "waiting" not in rows_of(tmp_path)[0]


def test_a_log_that_goes_on_keeps_its_whole_rows_and_counts_from_there(tmp_path, log):
    log.write(50, 3, 50, episode(-1.0, distance=-1.0))
    log.close()
    with (tmp_path / "metrics.csv").open("a", encoding="utf-8") as file:
        file.write("100,2,-0.")
    later = MetricsLog(tmp_path, kept=ALL)
    later.write(150, 4, 20, episode(-2.0, distance=-2.0))
    later.close()
    rows = rows_of(tmp_path)
    assert [(row["step"], row["episode"], row["return"]) for row in rows] == [
        ("50", "1", "-1.0"),
        ("150", "2", "-2.0"),
    ]


def test_a_log_goes_on_where_there_was_none(tmp_path):
    log = MetricsLog(tmp_path, kept=ALL)
    log.write(50, 0, 50, episode(-1.0))
    log.close()
    assert len(rows_of(tmp_path)) == 1


@pytest.mark.parametrize("term", ["a, b", 'a "b"', "a\nb"])
def test_a_log_with_a_term_of_any_name_goes_on(tmp_path, term):
    for step in (50, 100, 150):
        log = MetricsLog(tmp_path, ALL)
        log.write(step, 0, 40, episode(-1.0, **{term: -0.5}))
        log.close()
    found = [(row["step"], row["episode"], row[f"reward_{term}"]) for row in rows_of(tmp_path)]
    assert found == [("50", "1", "-0.5"), ("100", "2", "-0.5"), ("150", "3", "-0.5")]
