"""The environments keep Gymnasium's contract."""

import warnings

import numpy as np
import pytest

from ddpg_ros.config.settings import Config
from ddpg_ros.errors import ConfigError, TaskFailedError

gymnasium = pytest.importorskip("gymnasium")
pytest.importorskip("pybullet")
from gymnasium.utils.env_checker import check_env

from sim.gym_env import IDS, ArmEnv

pytestmark = pytest.mark.bullet


@pytest.mark.slow
@pytest.mark.parametrize("name", IDS)
def test_gymnasium_finds_nothing_to_complain_of(name):
    env = gymnasium.make(name, render_mode="rgb_array")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        check_env(env.unwrapped)
    env.close()
    messages = [str(warning.message) for warning in caught]
    # That observations are unbounded is true, and meant.
    assert [m for m in messages if "observation space m" not in m] == []


def test_the_time_limit_truncates_and_does_not_terminate():
    env = ArmEnv(Config().with_parameters({"task.episode_seconds": 0.2}))
    env.reset(seed=0)
    steps = [env.step(np.zeros(2, dtype=np.float32))[2:4] for _ in range(5)]
    assert steps == [(False, False)] * 4 + [(False, True)]
    env.reset()
    assert env.step(np.zeros(2, dtype=np.float32))[2:4] == (False, False)


def test_a_seed_decides_start_goal_and_rollout():
    def rollout(seed):
        env = gymnasium.make("ddpg_ros/Reach-v0")
        env.action_space.seed(1)
        rows = [env.reset(seed=seed)[0]]
        rows += [env.step(env.action_space.sample())[0] for _ in range(20)]
        env.close()
        return np.array(rows)

    np.testing.assert_array_equal(rollout(3), rollout(3))
    assert (rollout(3)[0] != rollout(4)[0]).any()


def test_info_holds_the_terms_that_sum_to_the_reward():
    env = ArmEnv(task="swing_up")
    env.reset(seed=0)
    _, reward, _, _, info = env.step(np.array([0.5], dtype=np.float32))
    success = info.pop("is_success")
    assert reward == pytest.approx(sum(info.values()))
    assert set(info) == {"angle", "velocity", "torque"} and success in (True, False)


def test_an_action_of_one_is_the_torque_limit_of_the_settings():
    half = ArmEnv(Config().with_parameters({"robot.torque_limit": [1.0, 0.5]}))
    full = ArmEnv()
    for env in (half, full):
        env.reset(seed=5)
    one = half.step(np.array([1.0, -1.0], dtype=np.float32))[0]
    other = full.step(np.array([0.5, -0.5], dtype=np.float32))[0]
    np.testing.assert_allclose(one[:6], other[:6])


@pytest.mark.parametrize("limit", [[1.0], [1.0, 1.2]])
def test_a_torque_limit_beyond_the_urdf_is_refused(limit):
    with pytest.raises(ConfigError, match="at most"):
        ArmEnv(Config().with_parameters({"robot.torque_limit": limit}))


@pytest.mark.parametrize("carried", ["driver", "model"])
def test_a_swing_up_of_an_arm_that_somebody_carries_is_refused(carried):
    given = {"robot.urdf": "pendulum", "task.name": "swing_up", "robot.gravity": carried}
    with pytest.raises(
        ConfigError, match=f"robot.gravity is {carried}; expected robot.gravity: n"
    ):
        ArmEnv(Config().with_parameters(given))


@pytest.mark.parametrize(
    "action", [0.5, [0.5], [0.1, 0.2, 0.3], [[0.1, 0.2]], [np.nan, 0.0], [0.0, np.inf - np.inf]]
)
def test_an_action_that_is_not_a_finite_number_for_each_joint_is_refused(action):
    env = ArmEnv(Config())
    env.reset(seed=0)
    with pytest.raises(ConfigError, match="expected a finite number for each of shoulder, elbow"):
        env.step(np.array(action))
    assert np.isfinite(env.step(np.zeros(2))[0]).all()
    env.close()


@pytest.mark.parametrize("method", ["observe", "reward", "goal"])
def test_what_a_task_answers_wrongly_is_refused_as_on_topics(method, monkeypatch):
    env = ArmEnv(Config())
    env.reset(seed=0)
    if method == "goal":
        monkeypatch.setattr(env._task, "reset", lambda rng: setattr(env._task, "goal", "there"))
    else:
        monkeypatch.setattr(env._task, method, lambda *given: np.full(8, np.nan, np.float32))
    with pytest.raises(TaskFailedError, match=r"the task Reach .*; expected"):
        env.reset() if method == "goal" else env.step(np.zeros(2))
    env.close()
