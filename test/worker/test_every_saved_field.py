"""Leave any one field of a checkpoint out, and the resumed run is another one."""

import json
import shutil

import numpy as np
import pytest

from ddpg_ros.algo import checkpoint as module
from ddpg_ros.algo.learner import Learner
from ddpg_ros.algo.report import SKIPS_ALLOWED
from ddpg_ros.errors import LearnerDivergedError
from ddpg_ros.files.generations import newest_generation
from ddpg_ros.training.seeds import restore_generator
from ddpg_ros.worker.metrics_log import Kept
from test.worker.inline import LAYOUT, InlineRun, config_of

BEFORE, AFTER = 8, 9  # episodes before the checkpoint, and after it


def fresh():
    return Learner(config_of().learner, LAYOUT, config_of().run.seed)


def begin(folder):
    folder.mkdir(exist_ok=True)
    run = InlineRun(folder, config_of())
    run.learner._warmup_ends, run.learner._updates_before = 26, -2  # as one that was revived
    return run


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    run = begin(tmp_path_factory.mktemp("whole"))
    run.run(BEFORE + AFTER)
    return run.result()


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A run that is killed two episodes after its checkpoint."""
    run = begin(tmp_path_factory.mktemp("saved"))
    run.run(BEFORE)
    run.save()
    actions = list(run.actions)
    run.run(2)  # is lost, but for its rows
    run.log.close()
    return run.folder, actions


def resume(saved, folder, forget=""):
    return resume_for(AFTER, saved, folder, forget)


def resume_for(episodes, saved, folder, forget=""):
    """Resume the run in a copy of its folder; `forget` is the field that stays that of a new run.

    The names are those of the files: of the learner's document and arrays, and of the control
    side's state.
    """
    source, actions = saved
    shutil.copytree(source, folder, dirs_exist_ok=True)
    generation, refusals = newest_generation(folder / "checkpoints", folder)
    assert refusals == []
    rows = None if forget == "metrics" else generation.grown["metrics.csv"].bytes
    run = InlineRun(folder, config_of(), Kept(rows, {}))
    new = run.learner.checkpoint()
    run.saver.resume(run.learner, generation.path)
    if forget == "replay":
        run.learner.replay.total = 0
        run.learner.replay.storage.zero_()
    document = module.to_document(run.learner.checkpoint())
    arrays = module.to_arrays(run.learner.checkpoint())
    if forget in document:
        document[forget] = module.to_document(new)[forget]
    if forget in arrays:
        arrays[forget] = module.to_arrays(new)[forget]
    run.learner.restore(module.from_parts(document, arrays))
    control = json.loads(json.dumps(generation.document["control"]))
    blank = InlineRun(folder, config_of(), Kept(None, {})).control
    for name in ("episodes", "warmup_rng", "noise_rng"):
        if forget == name:
            control["actor"][name] = blank["actor"][name]
    run.actor.restore(control["actor"])
    if forget != "starts":
        restore_generator(run.starts, control["starts"])
    run.actor.go_on_from(0 if forget == "step" else generation.document["step"])
    run.actions = list(actions)
    run.run(episodes)
    return run.result()


def test_a_run_that_is_resumed_leaves_the_same_bytes(whole, saved, tmp_path):
    assert resume(saved, tmp_path) == whole


LEARNER = fresh().checkpoint()
FIELDS = sorted(
    (module.to_document(LEARNER).keys() | module.to_arrays(LEARNER).keys())
    - {"schema_version", "skips_in_a_row"}
)
CONTROL = ["episodes", "noise_rng", "starts", "step"]


@pytest.mark.parametrize("field", [*FIELDS, *CONTROL, "replay", "metrics"])
def test_a_field_that_is_left_out_shows(whole, saved, tmp_path, field):
    try:
        result = resume(saved, tmp_path, forget=field)
    except (AssertionError, LearnerDivergedError, RuntimeError):  # it cannot even go on
        return
    assert result != whole


def test_the_generator_of_the_warm_up_is_saved_too(tmp_path):
    whole = begin(tmp_path / "whole")
    whole.run(3)
    saved = begin(tmp_path / "saved")
    saved.run(1)  # 9 steps, of a warm-up of 20
    saved.save()
    folder, actions = saved.folder, list(saved.actions)
    saved.log.close()
    results = {}
    for forget in ("", "warmup_rng"):
        run = resume_for(2, (folder, actions), tmp_path / f"resumed{forget}", forget)
        results[forget] = run
    expected = whole.result()
    assert results[""] == expected
    assert results["warmup_rng"] != expected


def test_updates_that_were_skipped_in_a_row_are_counted_on():
    def diverging():
        learner = fresh()
        rng = np.random.default_rng(1)
        learner.add(rng.uniform(-1.0, 1.0, (30, LAYOUT.width)).astype(np.float32))
        learner.state = learner.state._replace(critics=learner.state.critics + 1e6)
        return learner

    one, other = diverging(), diverging()
    one.update(SKIPS_ALLOWED - 1)
    other.restore(one.checkpoint())
    assert diverging().update(1).column("skipped") == [1.0]  # the first of its row
    with pytest.raises(LearnerDivergedError):
        other.update(1)
