"""The tables and pictures of finished cells."""

import matplotlib as mpl
import numpy as np
import pytest

from benchmarks import gym_table, options, pendulum
from benchmarks.cells import Cell
from ddpg_ros.config.parameter_file import load_config
from ddpg_ros.config.settings import to_parameters

mpl.use("Agg")


def cell(env, who, seed, value, curve=((50.0, 0.0), (100.0, 1.0)), steps=1000, cores=2):
    result = {
        "mean_return": value,
        "late_return": value - 1.0,
        "area": None,
        "train_wall_s": 60.0,
        "cores": cores,
        "cpu": "Z80",
        "curve": [list(point) for point in curve],
    }
    return Cell(env, who, seed, {"steps": steps}), result


FOUND = [
    cell("Hopper-v5", "ours", 0, 1000.0),
    cell("Hopper-v5", "ours", 1, 2000.0),
    cell("Hopper-v5", "sb3", 0, 500.0, curve=()),
    cell("Pendulum-v1", "ours", 0, -150.0),
]


def test_the_gymnasium_table_shows_every_seed_and_says_the_published_budget():
    head, _, hopper, pendulum_row, *_ = gym_table.table(FOUND, {}).splitlines()
    assert "**1,000,000 steps**" in head
    assert (
        "| Hopper-v5 | 1,000 | 1500 ± 500 | 1000, 2000 | 60 s (2 cores, Z80) | 500 ± 0.0 | 500 |"
    ) in hopper
    assert "Tianshou 2197, others 2021, CleanRL 1577" in hopper
    assert "| – | – | – |" in pendulum_row  # Stable-Baselines3 has not been there yet


def test_a_longer_training_has_a_row_of_its_own_below_the_shorter_one():
    longer = cell("Hopper-v5", "ours", 0, 3000.0, steps=2000, cores=1)
    rows = gym_table.table([longer, *FOUND], {}).splitlines()[2:5]
    assert [row.split(" | ")[:4] for row in rows] == [
        ["| Hopper-v5", "1,000", "1500 ± 500", "1000, 2000"],
        ["| Hopper-v5", "2,000", "3000 ± 0.0", "3000"],
        ["| Pendulum-v1", "1,000", "-150 ± 0.0", "-150"],
    ]
    assert "3000 | 60 s (1 core, Z80) | – | – | – |" in rows[1]


def test_what_ours_is_set_to_otherwise_stands_below_the_table():
    told = {"learner.discount": 0.999, "learner.averaged_policy": False}
    assert (
        "`learner.discount: 0.999`, `learner.averaged_policy: false`"
        in (gym_table.table(FOUND, told).splitlines()[-1])
    )
    assert "otherwise" not in gym_table.table(FOUND, {})


def test_both_learners_of_a_cell_train_alike_and_short_environments_keep_short():
    ours = gym_table.asked("Hopper-v5", "ours", 30_000, 2, {"learner.n_step": 3})
    sb3 = gym_table.asked("Hopper-v5", "sb3", 30_000, 2, {"learner.n_step": 3})
    assert ours["steps"] == sb3["steps"] == ours["settings"]["run.steps"] == 30_000
    assert ours["settings"]["learner.n_step"] == 3
    assert ours["settings"]["learner.threads"] == 2 and "--threads 2" in " ".join(sb3["arguments"])
    assert gym_table.setup_for("InvertedPendulum-v5", 1_000_000).steps == 100_000
    assert gym_table.setup_for("InvertedPendulum-v5", 5_000).steps == 5_000


def test_ours_is_what_gymnasium_gets_by_default_and_the_options_begin_without_it():
    by_default = to_parameters(load_config("gym"))
    assert {name: by_default[name] for name in gym_table.OURS} == gym_table.OURS
    assert options.OFF == {
        "learner.clip_target": False,
        "learner.critics": 1,
        "learner.preactivation_penalty": 0.0,
        "learner.wide_final_layer": False,
        "learner.averaged_policy": False,
    }


def test_the_median_of_curves_counts_each_between_its_first_and_last_point():
    curves = [np.array([[0.0, 10.0], [0.0, 10.0]]), np.array([[5.0, 10.0], [1.0, 30.0]])]
    steps, returns = gym_table.median(curves)
    assert steps.tolist() == [0.0, 5.0, 10.0]
    assert returns.tolist() == [0.0, 3.0, 20.0]


@pytest.mark.parametrize("found", [FOUND, FOUND[2:3]], ids=["some", "no curve yet"])
def test_the_learning_curves_are_drawn(tmp_path, found):
    gym_table.draw(found, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size > 5_000


def test_the_legend_names_what_is_drawn_and_no_other(tmp_path, monkeypatch):
    from matplotlib import pyplot as plt

    drawn, close = [], plt.close
    monkeypatch.setattr(plt, "close", drawn.append)
    unpublished = cell("Humanoid-v5", "ours", 0, 1.0, steps=1_000_000)
    published = cell("Hopper-v5", "ours", 0, 1.0, steps=1_000_000)
    peer, peer_without_curve = cell("Hopper-v5", "sb3", 0, 1.0), FOUND[2]
    for found in ([unpublished, peer_without_curve], [published, peer], [peer_without_curve]):
        gym_table.draw(found, tmp_path / "curves.png")
    told = [[text.get_text() for text in one.axes[0].get_legend().get_texts()] for one in drawn]
    assert told == [["ddpg_ros"], ["Stable-Baselines3", "ddpg_ros", "published"], []]
    for one in drawn:
        close(one)


def test_the_options_are_shown_by_environment_with_medians(tmp_path):
    found = [
        cell("A", name, seed, seed) for seed in (1.0, 2.0, 6.0) for name in ("default", "TD3")
    ]
    text = options.table(found)
    assert "**A, 1,000 steps**" in text
    assert "| TD3 | 2.0 | 1.0 | – | 1.0, 2.0, 6.0 | 60 |" in text
    found.append((Cell("A", "critics 2", 0, {"steps": 1000}), None))
    assert "| critics 2 | – | – | – | –; 1 stopped | – |" in options.table(found)
    options.draw(found, tmp_path / "options.png")
    assert (tmp_path / "options.png").stat().st_size > 5_000


def test_one_option_at_a_time_and_td3_is_its_three():
    assert options.OPTIONS["default"] == {}
    assert options.OPTIONS["critics 2"] == {"learner.critics": 2}
    assert set(options.OPTIONS["TD3"]) == set(options.TD3)


def test_the_time_to_solve_is_the_median_of_the_seeds():
    runs = [
        {"mean_return": value, "train_wall_s": wall, "total_wall_s": wall + 3.0}
        for value, wall in ((-150.0, 2.0), (-900.0, 9.0), (-160.0, 3.0))
    ]
    told = pendulum.summed_up(runs)
    assert (told["median_train_wall_s"], told["median_total_wall_s"]) == (3.0, 6.0)
    assert (told["solved"], told["seeds"]) == (2, 3)
