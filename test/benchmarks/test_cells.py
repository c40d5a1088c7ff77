"""Tables that resume: what counts as finished, what is written when, and how long is left."""

import json
import signal

import pytest

from benchmarks.cells import (
    Cell,
    Cells,
    duration,
    every_seed,
    figure,
    fill,
    markdown,
    seconds_left,
    spread,
)
from benchmarks.trainings import TrainingFailedError
from ddpg_ros.config.parameter_file import read_assignments

WANTED = [Cell(env, "ours", seed, {"steps": 100}) for seed in (0, 1) for env in ("A", "B")]


def outcome(value=1.0, wall=10.0, steps=100):
    return {"mean_return": value, "total_wall_s": wall, "steps": steps}


def test_every_wanted_cell_is_trained_once_in_order(tmp_path):
    trained = []

    def train(cell):
        trained.append(cell[:3])
        return outcome()

    file = tmp_path / "new" / "table.json"
    assert fill(Cells(file), WANTED, train, None)
    assert fill(Cells(file), WANTED, train, None)
    assert trained == [("A", "ours", 0), ("B", "ours", 0), ("A", "ours", 1), ("B", "ours", 1)]
    assert len(Cells(file).found(WANTED)) == 4


def test_what_was_finished_before_an_interruption_is_kept(tmp_path):
    file, trained = tmp_path / "table.json", []

    def train(cell):
        if len(trained) == 2:
            raise KeyboardInterrupt
        trained.append(cell)
        return outcome()

    assert not fill(Cells(file), WANTED, train, None)
    assert [cell for cell, _ in Cells(file).found(WANTED)] == WANTED[:2]
    assert [path.name for path in tmp_path.iterdir()] == ["table.json"]  # no draft is left


def test_a_signal_to_end_leaves_what_is_finished_and_the_handler_as_it_was(tmp_path):
    before = signal.getsignal(signal.SIGTERM)
    cells = Cells(tmp_path / "table.json")
    assert not fill(cells, WANTED, lambda _: signal.raise_signal(signal.SIGTERM), None)
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_training_that_fails_leaves_its_cell_open_and_the_others_go_on(tmp_path):
    cells = Cells(tmp_path / "table.json")

    def train(cell):
        if cell is WANTED[1]:
            raise TrainingFailedError("no such thing")
        return outcome()

    assert not fill(cells, WANTED, train, None)
    assert [cell for cell, _ in cells.found(WANTED)] == [WANTED[0], *WANTED[2:]]


def test_a_failure_is_shown_until_the_training_succeeds(tmp_path):
    file, error = tmp_path / "table.json", TrainingFailedError("it ended:\nthe learner diverges")

    def fails(cell):
        raise error

    def asked(env, who, steps):
        return {"steps": steps}

    assert not fill(Cells(file), WANTED[:1], fails, None)
    assert json.loads(file.read_text(encoding="utf-8"))["failed"][0]["words"] == str(error)[10:]
    assert Cells(file).all_as(asked) == [(WANTED[0], None)]
    assert Cells(file).all_as(lambda *_: {"steps": 100, "rate": 0.1}) == []  # asked otherwise
    assert fill(Cells(file), WANTED[:1], lambda _: outcome(), None)
    assert Cells(file).all_as(asked) == [(WANTED[0], outcome())]
    otherwise = WANTED[0]._replace(asked={"steps": 100, "rate": 0.1})
    assert not fill(Cells(file), [otherwise], fails, None)
    assert Cells(file).all_as(asked) == [(WANTED[0], outcome())]  # is kept beside
    assert fill(Cells(file), [otherwise], lambda _: outcome(2.0), None)
    assert json.loads(file.read_text(encoding="utf-8"))["failed"] == []


def test_no_training_starts_once_the_hours_are_over(tmp_path):
    cells = Cells(tmp_path / "table.json")
    assert not fill(cells, WANTED, lambda _: pytest.fail("started"), 0.0)


def test_a_cell_that_is_asked_otherwise_is_not_finished(tmp_path):
    cells = Cells(tmp_path / "table.json")
    cells.keep(Cell("A", "ours", 0, {"steps": 100, "hidden": (64, 64)}), outcome())
    assert cells.result(Cell("A", "ours", 0, {"steps": 100, "hidden": [64, 64]})) == outcome()
    assert cells.result(Cell("A", "ours", 0, {"steps": 200, "hidden": [64, 64]})) is None
    assert cells.result(Cell("A", "ours", 0, {"steps": 100, "hidden": [64, 32]})) is None
    assert cells.result(Cell("A", "sb3", 0, {"steps": 100, "hidden": [64, 64]})) is None


def test_all_that_is_alike_is_found_again_whatever_was_asked_last(tmp_path):
    cells = Cells(tmp_path / "table.json")

    def asked(env, who, steps):
        return {"steps": steps, "rate": 0.1}

    cells.keep(Cell("A", "ours", 1, asked("A", "ours", 100)), outcome())
    cells.keep(Cell("B", "ours", 0, {"steps": 100, "rate": 0.2}), outcome())  # otherwise
    cells.keep(Cell("A", "ours", 0, asked("A", "ours", 200)), outcome(2.0))
    found = Cells(cells.file).all_as(asked)
    assert [(cell.place, result["mean_return"]) for cell, result in found] == [
        (("A", "ours", 0, 200), 2.0),
        (("A", "ours", 1, 100), 1.0),
    ]


def test_the_file_says_on_which_machine_and_holds_a_line_a_cell(tmp_path):
    cells = Cells(tmp_path / "table.json")
    for cell in WANTED[:2]:
        cells.keep(cell, outcome())
    text = cells.file.read_text(encoding="utf-8")
    told = {"benchmark", "machine", "versions", "date", "cells", "failed"}
    assert told == set(json.loads(text))
    assert sum('"env"' in line for line in text.splitlines()) == 2


def test_the_time_left_follows_the_nearest_finished_cells():
    ours, theirs = Cell("A", "ours", 0, {"steps": 100}), Cell("A", "sb3", 0, {"steps": 100})
    finished = [(ours, outcome(wall=10.0)), (theirs, outcome(wall=50.0))]
    other_seed = Cell("A", "ours", 1, {"steps": 200})  # 0.1 s a step, as the other seed
    other_env = Cell("B", "sb3", 0, {"steps": 100})  # 0.5 s a step, as on the other environment
    newcomer = Cell("A", "sbx", 0, {"steps": 100})  # 0.3 s a step, the median of all
    assert seconds_left([other_seed, other_env, newcomer], finished) == pytest.approx(100.0)
    assert seconds_left([other_seed], []) is None
    assert seconds_left([], finished) == 0.0


def test_times_and_figures_are_said_shortly():
    assert [duration(s) for s in (9.2, 840.0, 9000.0)] == ["9 s", "14 min", "2.5 h"]
    assert [figure(v) for v in (-3.34, 99.96, -1234.5)] == ["-3.3", "100.0", "-1234"]
    assert spread([1.0, 3.0]) == "2.0 ± 1.0"
    assert spread([]) == "–"


def test_every_seed_is_told_and_how_many_trainings_stopped():
    assert every_seed([outcome(1.5), None, outcome(2.0), None]) == "1.5, 2.0; 2 stopped"
    assert every_seed([outcome(1.5)]) == "1.5"
    assert every_seed([None]) == "–; 1 stopped"


def test_a_table_in_markdown():
    assert markdown([["a", "b"], ["1", "2"]]) == "| a | b |\n|---|---|\n| 1 | 2 |\n"


def test_settings_are_read_as_in_a_yaml_file():
    given = ["learner.n_step=3", "learner.hidden=[8, 8]", "learner.mode=eager", "run.sync=true"]
    assert read_assignments(given) == {
        "learner.n_step": 3,
        "learner.hidden": [8, 8],
        "learner.mode": "eager",
        "run.sync": True,
    }
