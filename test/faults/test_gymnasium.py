"""Faults of Gymnasium's environments, 73: bounds, numbers that are not finite, code that fails."""

import json
import math

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box

from ddpg_ros.config.sections import LearnerSection
from ddpg_ros.control.policy import load_policy
from ddpg_ros.errors import MachineError
from ddpg_ros.training import gymnasium_session as gym_training
from ddpg_ros.training import training_phase as training
from ddpg_ros.training.memory_check import require_room
from test.cli.conftest import ddpg_ros

pytestmark = pytest.mark.usefixtures("warm_learners")

__all__ = ["ddpg_ros"]

LARGEST = float(np.finfo(np.float32).max)
SMALL = ("--set", "learner.hidden=[8]", "--set", "learner.mode=eager", "--eval-episodes", "2")


class Room(gymnasium.Env):
    """Episodes of ten steps, unless `length` is another."""

    observation_space = Box(-1.0, 1.0, (2,), np.float32)
    action_space = Box(-1.0, 1.0, (1,), np.float32)
    length = 10

    def reset(self, *, seed=None, options=None):
        self.steps = 0
        return np.zeros(2, dtype=np.float32), {}

    def step(self, action):
        self.steps += 1
        return self.observe(), self.reward(), False, self.steps >= self.length, {}

    def observe(self):
        return np.zeros(2, dtype=np.float32)

    def reward(self):
        return -1.0


@pytest.fixture
def train(ddpg_ros, tmp_path):
    """Trains in an environment of a class, in this process; returns the end and the directory."""

    def run(cls, *more, steps=100):
        gymnasium.register("OfAFault-v0", cls)
        run_dir = tmp_path / "run"
        arguments = ("--steps", steps, "--run-dir", run_dir, *SMALL, *more)
        return ddpg_ros("train", "--gym", "OfAFault-v0", *arguments), run_dir

    yield run
    gymnasium.registry.pop("OfAFault-v0", None)


def acting(space):
    return type("Acting", (Room,), {"action_space": space})


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    ("space", "said"),
    [
        (Box(np.float32([-1, 0]), np.float32([1, 0])), "component 1 goes from 0 to 0, which leav"),
        (Box(0, 10, (1,), np.int64), "takes actions of int64; DDPG gives real numbers"),
        (Box(-LARGEST, LARGEST, (1,)), "component 0 goes from -3.40282e+38 to 3.40282e+38, which"),
        (Box(-1e300, 1.0, (1,), np.float64), "component 0 goes from -1e+300 to 1, which is no bo"),
        (Box(-np.inf, 1.0, (1,)), "component 0 goes from -inf to 1, where both must be finite"),
        (Box(-1, 1, (0,)), "takes actions without a component"),
    ],
    ids=["equal", "integers", "float32", "float64", "infinite", "none"],
)
def test_fault_73_bounds_that_leave_no_action_are_refused_by_component(train, space, said):
    end, run_dir = train(acting(space))
    assert said in end.sentence.replace("\n", " ")
    assert not run_dir.exists()


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_fault_73_a_bound_that_is_not_a_number_is_refused_by_component(train):
    space = Box(-1.0, 1.0, (2,))
    space.low[1] = math.nan
    end, run_dir = train(acting(space))
    assert "component 1 goes from nan to 1, where both must be finite" in end.sentence
    assert not run_dir.exists()


class Silent(Room):
    """Its seventh reward of each episode but the first three is not a number."""

    episode = 0

    def reset(self, *, seed=None, options=None):
        Silent.episode += 1
        return super().reset()

    def reward(self):
        return math.nan if self.steps == 7 and Silent.episode > 3 else -1.0


class Blind(Room):
    """Its third observation of every second episode is infinite."""

    episode = 0

    def reset(self, *, seed=None, options=None):
        Blind.episode += 1
        return super().reset()

    def observe(self):
        return np.array([0.0, math.inf if self.steps == 3 and Blind.episode % 2 else 0.0])


def finite_summary(run_dir):
    text = (run_dir / "summary.json").read_text(encoding="utf-8")
    assert "NaN" not in text and "Infinity" not in text
    return json.loads(text)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_fault_73_a_reward_that_is_never_a_number_ends_it_and_keeps_what_was_learnt(train):
    end, run_dir = train(Silent, steps=600)
    assert end.code == 2
    assert "the reward that OfAFault-v0 gave is nan, as in 10 episodes in a row" in end.errors
    assert "Traceback" not in end.errors
    summary = finite_summary(run_dir)
    assert (summary["episodes"], summary["steps"]) == (3, 30 + 10 * 6)
    assert load_policy(run_dir / "policy.safetensors").about.steps == summary["steps"]
    assert "nan" not in (run_dir / "metrics.csv").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_fault_73_an_episode_with_an_infinite_observation_is_left_and_said_once_a_phase(
    train,
):
    end, run_dir = train(Blind)
    assert end.code == 0
    sentence = "component 1 of the observation of OfAFault-v0 is inf; expected finite numbers."
    assert end.errors.count(sentence) == 2
    summary = finite_summary(run_dir)
    assert (summary["steps"], summary["eval_episodes"], summary["mean_return"]) == (100, 2, -10.0)


class Failing(Room):
    """Its code fails in the 30th step of all, and in every reset after that."""

    taken = 0

    def observe(self):
        Failing.taken += 1
        if Failing.taken == 30:
            raise ZeroDivisionError("a mistake\nof its own")
        return super().observe()


class Unready(Room):
    def reset(self, *, seed=None, options=None):
        raise RuntimeError("no licence")


class Growing(Room):
    def observe(self):
        return np.zeros(2 + (self.steps > 5), dtype=np.float32)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    ("cls", "said", "steps"),
    [
        (Failing, "failed in step(): ZeroDivisionError: a mistake of its own.", 29),
        (Unready, "failed in reset(): RuntimeError: no licence.", 0),
        (Growing, "gave an observation of shape (3,) in step()", 5),
    ],
)
def test_fault_73_an_environment_that_fails_ends_it_in_its_own_words(train, cls, said, steps):
    end, run_dir = train(cls)
    assert end.code == 2
    assert said in end.errors and "Traceback" not in end.errors
    summary = finite_summary(run_dir)
    assert (summary["steps"], summary["interrupted"]) == (steps, True)
    assert load_policy(run_dir / "policy.safetensors").about.steps == steps


@pytest.mark.slow
def test_fault_73_an_environment_that_never_ends_an_episode_is_cut_and_that_is_said(
    train, monkeypatch
):
    monkeypatch.setattr(gym_training, "LONGEST_GREEDY", 40)
    end, run_dir = train(type("Endless", (Room,), {"length": 10**9}), steps=25)
    assert end.code == 0
    assert end.errors.count("a greedy episode was cut after 50 steps") == 1  # twice 25
    summary = finite_summary(run_dir)
    assert (summary["episodes"], summary["eval_episodes"], summary["mean_return"]) == (0, 2, -50.0)


def test_fault_73_an_observation_that_no_memory_holds_is_refused_with_what_does(
    train, monkeypatch
):
    monkeypatch.setattr("ddpg_ros.training.memory_check.available_memory", lambda: 4e9)
    wide = Box(0.0, 1.0, (84_480,), np.float32)
    end, run_dir = train(type("Wide", (Room,), {"observation_space": wide}))
    # 200,000 records of 2 · 84,480 + 1 + 2 numbers of 4 bytes
    assert "take 135 GB for learner.replay_capacity 200000" in end.sentence
    assert "this machine has 4 GB of memory available" in end.sentence
    assert not run_dir.exists()


def test_fault_73_the_largest_replay_that_is_said_to_fit_does_fit():
    sizes = [1000, 64, 1]
    settings = LearnerSection(replay_capacity=10**9)
    with pytest.raises(
        MachineError, match=r"largest learner\.replay_capacity that fits is "
    ) as said:
        require_room(settings, sizes, 2e9)
    largest = int(str(said.value).rpartition(" is ")[2].rstrip("."))
    assert 100_000 < largest < 2e9 / (4 * 2003)
    require_room(settings.model_copy(update={"replay_capacity": largest}), sizes, 2e9)
    require_room(settings, sizes, None)  # where nobody knows
    with pytest.raises(MachineError, match=r"no learner\.replay_capacity fits"):
        require_room(settings, [10**7, 64, 1], 2e9)


def test_fault_73_a_node_s_training_looks_at_the_memory_too(monkeypatch):
    monkeypatch.setattr(training, "available_memory", lambda: 1e9)
    with pytest.raises(MachineError, match="1 GB of memory available"):
        from ddpg_ros.config.settings import Config

        about = type("About", (), {"sizes": [8, 64, 2]})()
        training.TrainingPhase(
            Config().with_parameters({"learner.replay_capacity": 10**9}), about, None, None
        )
