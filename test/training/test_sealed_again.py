"""A manifest that somebody edited and sealed again: refused in a sentence, or a run goes on by it.

Its checksum is right, so that its content is all that speaks against it.
"""

import copy
import json
from contextlib import ExitStack

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ddpg_ros.cli.resume import resume_run
from ddpg_ros.config.parameter_file import save_config
from ddpg_ros.config.settings import Config
from ddpg_ros.errors import CheckpointError, DdpgRosError
from ddpg_ros.files.generations import read_generation
from ddpg_ros.training.describe_run import describe_checkpoints, verdict
from ddpg_ros.training.seeds import restore_generator
from ddpg_ros.worker.document import check_document
from test.files.test_generations import reseal
from test.training.test_resuming import ROWS, about_of, document, save

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
) | st.sampled_from([-1, 2**53, 2**64, 2**128, -(10**300), 1e308, float("nan"), "3", [], {}])


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run with two checkpoints."""
    folder, about = tmp_path_factory.mktemp("run"), about_of(Config())
    save_config(Config(), folder / "config.yaml")
    (folder / "checkpoints").mkdir()
    (folder / "metrics.csv").write_bytes(ROWS)
    save(folder, 1, about)
    save(folder, 2, about, step=340)
    return folder


WHOLE = document(about_of(Config()), step=340)


def places(value, path=()):
    """Every place of a document, as the keys that lead there."""
    yield path
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(inner, (*path, key))


def changed(place, value):
    """The document with something else at a place; `REMOVED` takes it away."""
    if not place:
        return value
    whole = copy.deepcopy(WHOLE)
    inner = whole
    for key in place[:-1]:
        inner = inner[key]
    if value is REMOVED:
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    return whole


REMOVED = object()
PLACES = [place for place in places(WHOLE) if place]


EXAMPLES = [
    (("step",), -1),
    (("updates",), float("inf")),
    (("control",), {}),
    (("control", "starts", "state", "state"), 2**128),
    (("control", "begun"), "6"),
    (("about", "config"), []),
    (("about", "task"), "\ud800"),
    (("replay", "segments"), [[["a"], 0, 300]]),
    ((), None),
]


@pytest.mark.parametrize(("place", "value"), EXAMPLES)
def test_what_no_training_writes_is_refused_and_the_checkpoint_before_is_taken(run, place, value):
    path = run / "checkpoints" / "generation-000002"
    reseal(path, document=changed(place, value))
    found = resume(run).resumed
    assert found.step == 300
    (said,) = found.refusals
    assert said.startswith(f"the checkpoint {path} does not say how the run goes on: ")
    (one, _) = describe_checkpoints(run)
    assert one.problem == said and said.endswith(".") and len(said) < 500
    assert verdict(run).startswith("would go on at step 300")


@given(place=st.sampled_from([(), *PLACES]), value=VALUES)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_changed_it_is_refused_in_a_sentence_or_a_run_can_go_on_by_it(
    run, place, value
):
    path = run / "checkpoints" / "generation-000002"
    reseal(path, document=changed(place, value))
    try:
        found = read_generation(path, run, check_document)
    except CheckpointError as error:
        str(error).encode()
        assert "\n" not in str(error) and str(error).endswith(".") and len(str(error)) < 500
        return
    (one,) = describe_checkpoints(path)
    assert not one.problem
    control = found.document["control"]
    for state in [] if control is None else (control["starts"], control["actor"]["noise_rng"]):
        rng = np.random.default_rng()
        restore_generator(rng, state)
        rng.normal(size=3)


def resume(run):
    with ExitStack() as held:
        return resume_run(run, {}, held)


def test_a_setting_that_an_earlier_version_did_not_have_counts_as_its_default(run):
    path = run / "checkpoints" / "generation-000002"
    reseal(path, document=changed(("about", "config", "learner.tau"), REMOVED))
    assert resume(run).resumed.step == 340
    told = rf"learner\.tau {Config().learner.tau}, and this asks for 0\.5\."
    with pytest.raises(DdpgRosError, match=told), ExitStack() as held:
        resume_run(run, {"learner.tau": 0.5}, held)


@pytest.mark.parametrize("place", PLACES[:12])
def test_what_is_missing_is_named(run, place):
    path = run / "checkpoints" / "generation-000002"
    reseal(path, document=changed(place, REMOVED))
    with pytest.raises(CheckpointError, match=r"not say how the run goes on: .* in its manifest"):
        read_generation(path, run, check_document)


@pytest.mark.parametrize("name", ["step", "exact", "about"])
def test_a_field_that_is_there_twice_or_deep_within_is_no_traceback(run, name):
    path = run / "checkpoints" / "generation-000002"
    text = json.dumps(WHOLE[name])
    deep = "[" * 5000 + text + "]" * 5000
    manifest = (path / "manifest.json").read_text(encoding="utf-8")
    (path / "manifest.json").write_text(manifest.replace(text, deep, 1), encoding="utf-8")
    with pytest.raises(CheckpointError):
        read_generation(path, run, check_document)
