"""Training on a Gymnasium environment in this process: signals, and what the actor is shown."""

import json
import signal

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box

from ddpg_ros.training import gymnasium_session, session
from ddpg_ros.training.gymnasium_environment import Environment
from ddpg_ros.training.gymnasium_session import _Course
from ddpg_ros.training.interruption import Interruption

pytestmark = pytest.mark.usefixtures("warm_learners")

BOX = Box(-1.0, 1.0, (1,), np.float32)


class Interrupted(gymnasium.Env):
    """Ctrl-C comes in its tenth step."""

    observation_space, action_space = BOX, BOX

    def reset(self, *, seed=None, options=None):
        self.steps = 0
        return np.zeros(1, dtype=np.float32), {}

    def step(self, action):
        self.steps += 1
        if self.steps == 10:
            signal.raise_signal(signal.SIGINT)
        return np.zeros(1, dtype=np.float32), 0.0, False, False, {}


class Counting(gymnasium.Env):
    """Counts its steps in one buffer, which is all that it ever returns."""

    observation_space, action_space = BOX, BOX

    def reset(self, *, seed=None, options=None):
        self.buffer = np.zeros(1, dtype=np.float32)
        return self.buffer, {}

    def step(self, action):
        self.buffer += 1.0
        return self.buffer, 0.0, False, bool(self.buffer[0] == 3.0), {}


class Noting:
    """An actor that keeps what it is shown."""

    def __init__(self):
        self.seen = []

    def select_action(self, observation):
        return np.zeros(1, dtype=np.float32)

    def record(self, transition):
        self.seen.append(transition)

    def end_episode(self, episode):
        pass


@pytest.fixture
def register():
    """Registers environments, without a time limit; returns their ids."""
    names = []

    def register(make):
        names.append(f"OfATest{len(names)}-v0")
        gymnasium.register(names[-1], make)
        return names[-1]

    yield register
    for name in names:
        gymnasium.registry.pop(name)


@pytest.fixture
def interrupted(register):
    return register(Interrupted)


@pytest.mark.slow
def test_a_training_that_is_stopped_before_it_begins_leaves_no_run_directory(
    ddpg_ros, interrupted, monkeypatch, tmp_path
):
    def stopped(*given):
        signal.raise_signal(signal.SIGTERM)
        return 0

    monkeypatch.setattr(gymnasium_session, "_run_phase", stopped)
    run_dir = tmp_path / "run"
    ended = ddpg_ros("train", "--gym", interrupted, "--run-dir", run_dir)
    assert ended.code == 128 + signal.SIGTERM
    assert "stopped by SIGTERM. The training had not started; nothing was learnt." in ended.out
    assert not run_dir.exists()


@pytest.mark.slow
def test_a_ctrl_c_that_is_handed_on_during_the_stop_leaves_the_summary(
    ddpg_ros, interrupted, monkeypatch, tmp_path
):
    class Stubborn(session.TrainingPhase):
        def stop(self, patient=False):
            signal.raise_signal(signal.SIGINT)
            super().stop(patient)

    monkeypatch.setattr(session, "TrainingPhase", Stubborn)
    run_dir = tmp_path / "run"
    ended = ddpg_ros("train", "--gym", interrupted, "--run-dir", run_dir)
    assert ended.code == 128 + signal.SIGINT
    summary = json.loads((run_dir / "summary.json").read_text(encoding="utf-8"))
    assert (summary["interrupted"], summary["steps"]) == (True, 10)
    assert summary["policy"] == str(run_dir / "policy.safetensors")


def test_a_second_signal_interrupts_unless_it_follows_at_once():
    with Interruption() as stop:
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        assert stop.signal == signal.SIGTERM
        stop._received_at -= 0.6  # [s]
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


@pytest.mark.filterwarnings("ignore:.*share an object:UserWarning")
def test_an_environment_that_reuses_its_buffer_is_learnt_from_nevertheless(register):
    actor, env = Noting(), Environment(register(Counting))
    _Course(env, actor, Interruption()).run(0, None)
    places = [(one.observation.item(), one.next_observation.item()) for one in actor.seen]
    assert places == [(0.0, 1.0), (1.0, 2.0), (2.0, 3.0)]
