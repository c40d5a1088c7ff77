"""metrics.csv: its columns, and the mean of the updates between two episodes."""

import csv

import pytest
import torch

from ddpg_ros.algo.update import Metrics
from ddpg_ros.link.metrics import MetricsLog
from ddpg_ros.types import Episode


def metrics(*values):
    return Metrics(*(torch.tensor(value) for value in values))


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
    log.write(50, 0, episode(-3.0, distance=-2.5, torque=-0.5))
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
        ("critic_loss", ""),
        ("actor_loss", ""),
        ("q_mean", ""),
    ]


def test_losses_are_means_over_the_updates_since_the_episode_before(tmp_path, log):
    log.add(metrics(1.0, -2.0, 8.0))
    log.add(metrics(3.0, -4.0, 0.0))
    log.write(50, 2, episode(0.0))
    log.add(metrics(10.0, 20.0, 30.0))
    log.write(100, 3, episode(0.0))
    log.write(150, 3, episode(0.0))
    losses = [(row["critic_loss"], row["actor_loss"], row["q_mean"]) for row in rows_of(tmp_path)]
    assert losses == [("2.0", "-3.0", "4.0"), ("10.0", "20.0", "30.0"), ("", "", "")]
    assert [row["episode"] for row in rows_of(tmp_path)] == ["1", "2", "3"]


def test_a_row_can_be_read_as_soon_as_it_is_written(tmp_path, log):
    assert rows_of(tmp_path) == []
    log.write(50, 0, episode(1.0))
    assert [row["return"] for row in rows_of(tmp_path)] == ["1.0"]


def test_the_same_stands_in_tensorboard(tmp_path):
    log = MetricsLog(tmp_path)
    log.add(metrics(1.5, -2.0, 8.0))
    log.write(50, 1, episode(-3.0))
    log.close()
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    (loss,) = events.Scalars("train/critic_loss")
    (total,) = events.Scalars("train/return")
    assert (loss.step, loss.value) == (50, 1.5)
    assert (total.step, total.value) == (50, -3.0)
