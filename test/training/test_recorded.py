"""Recordings become the very transitions that the agent learnt from, rewarded by the task."""

from pathlib import Path

import numpy as np
import pytest
import yaml

pytest.importorskip("rclpy")

from ddpg_ros.build import build_arm
from ddpg_ros.config.settings import Config, to_parameters
from ddpg_ros.control.loop import ControlLoop
from ddpg_ros.errors import RecordingError
from ddpg_ros.recording.records_file import load_records, save_records
from ddpg_ros.recording.steps import Place, Step
from ddpg_ros.training.n_step import NStep
from ddpg_ros.training.recorded import experience_of
from ddpg_ros.types import JointState, RecordLayout
from sim.world import World
from test.dotted import dotted
from test.recordings import ABOUT, PERIOD, contents_of, write_bag
from test.upright import UPRIGHT

pytestmark = pytest.mark.bullet

CONFIG = Config().with_parameters(
    dotted(task__episode_seconds=1.0, sim__start_velocity_spread=2.0)
)
LENGTH = CONFIG.episode_steps


class Explorer:
    """Asks for anything; keeps every transition, and the n-step experience of them."""

    def __init__(self, config, layout):
        self.rng = np.random.default_rng(7)
        self.layout = layout
        self.steps = NStep(config.learner.n_step, config.learner.discount)
        self.rows = []

    def select_action(self, observation):
        return self.rng.uniform(-1.0, 1.0, 2).astype(np.float32)

    def record(self, transition):
        self.rows += [self.layout.pack(one) for one in self.steps.add(transition)]

    def end_episode(self, episode):
        self.rows += [self.layout.pack(one) for one in self.steps.end()]

    def abandon(self):
        self.end_episode(None)


def explore(config, episodes=3):
    """Real physics, the real loop and guard: what an agent learns, and what is recorded of it."""
    robot, task, guard = build_arm(config)
    layout = RecordLayout(task.observation_size, len(robot.joints))
    actor = Explorer(config, layout)
    limit = robot.torque_limit(config.robot.torque_limit)
    rng = np.random.default_rng(3)
    loop = ControlLoop(task, actor, guard, limit, config.episode_steps, rng)
    world = World(robot, config.sim, driver_carries=config.robot.gravity == "driver")
    recorded, stamp = [], PERIOD
    for number in range(1, episodes + 1):
        world.reset(rng)
        guard.reset()
        loop.begin_episode()
        steps, torques = [], {}
        for at in range(config.episode_steps + 1):
            state = world.state(stamp)
            tick = loop.tick(state, config.control.period)
            place = Place("00c0ffee", "train", number, at, tick.over)
            requested = np.zeros(2) if tick.requested is None else tick.requested
            goal = task.goals.numbers(task.goal)
            steps.append(Step(place, stamp, state.position, state.velocity, requested, goal))
            if not tick.over:
                torques[stamp] = tick.torque
                world.step(tick.torque, config.substeps)
            stamp += PERIOD
        recorded.append((steps, torques))
    world.close()
    return np.array(actor.rows), contents_of(*recorded)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"learner.n_step": 3},
        {"robot.gravity": "model"},  # what carries the arm is no part of the action
        {"robot.gravity": "none"},
        {"task.name": "joints"},
        {"task.name": "pose"},
        {"task.name": "hold"},
    ],
    ids=str,
)
def test_the_experience_of_a_recording_is_that_of_the_agent_to_the_last_bit(tmp_path, settings):
    config = CONFIG.with_parameters(settings)
    learnt, contents = explore(config)
    bag = write_bag(tmp_path / "bag", contents, ABOUT | {"task": config.task.name})
    recorded = experience_of(config, [bag])
    assert np.array_equal(recorded.records, learnt)
    assert len(learnt) == 3 * LENGTH
    assert recorded.sentences == [
        f"{bag}: {3 * LENGTH} transitions of {3 * LENGTH} steps in 3 episodes."
    ]


def test_a_recorded_torque_is_learnt_from_without_what_carried_the_arm(tmp_path):
    file = tmp_path / "upright.urdf"
    file.write_text(UPRIGHT)
    given = {"robot.urdf": str(file), "robot.gravity": "model", "robot.payload_mass": 0.5}
    config = CONFIG.with_parameters(given | {"sim.start_position_spread": 0.5})
    learnt, contents = explore(config)
    recorded = experience_of(config, [write_bag(tmp_path / "bag", contents)])
    assert np.array_equal(recorded.records, learnt)
    weight = build_arm(config)[2].carrying(np.zeros(2), np.zeros(2))
    assert np.abs(weight).min() > 1.0  # [N·m]


def test_a_recording_of_trajectories_is_rewarded_along_others_that_begin_where_the_arm_stood(
    tmp_path,
):
    config = CONFIG.with_parameters({"task.name": "track"})
    learnt, contents = explore(config)
    records = experience_of(config, [write_bag(tmp_path / "bag", contents)]).records
    layout = RecordLayout(build_arm(config)[1].observation_size, 2)
    observation, action, *_ = layout.slices
    assert np.array_equal(records[:, action], learnt[:, action])
    posture_and_speed, ways = slice(0, 6), slice(6, 8)
    assert np.array_equal(records[:, observation][:, posture_and_speed],
                          learnt[:, observation][:, posture_and_speed])  # fmt: skip
    assert not records[::LENGTH, observation][:, ways].any()  # each begins where the arm is
    assert not np.array_equal(records[:, observation], learnt[:, observation])


@pytest.fixture(scope="module")
def explored(tmp_path_factory):
    """A recording, and what the agent learnt from."""
    learnt, contents = explore(CONFIG, episodes=2)
    return learnt, write_bag(tmp_path_factory.mktemp("explored") / "bag", contents)


def test_another_reward_needs_no_new_data(explored):
    learnt, bag = explored
    other = CONFIG.with_parameters({"task.torque_weight": 0.5})
    records = experience_of(other, [bag]).records
    observation, action, reward, *_ = RecordLayout(9, 2).slices
    assert np.array_equal(records[:, observation], learnt[:, observation])
    penalty = (CONFIG.task.torque_weight - 0.5) * (learnt[:, action] ** 2).sum(axis=1)
    assert np.allclose(records[:, reward], learnt[:, reward] + penalty, atol=1e-6)


def test_another_task_draws_its_own_goals(explored, tmp_path):
    _, contents = explore(CONFIG, episodes=2)
    bag = write_bag(tmp_path / "bag", contents, ABOUT | {"task": "something_else"})
    recorded = experience_of(CONFIG, [bag])
    assert "goals are drawn anew" in recorded.sentences[0]
    own = experience_of(CONFIG, [explored[1]]).records
    observation, _, _, _, _ = RecordLayout(9, 2).slices
    same, drawn = own[:, observation], recorded.records[:, observation]
    assert np.array_equal(same[:, :6], drawn[:, :6])  # the arm
    assert (same[:, 6:] != drawn[:, 6:]).any(axis=1).all()  # the goal in the fingertip's frame


def refusal(config, bag):
    with pytest.raises(RecordingError) as raised:
        experience_of(config, [bag])
    return str(raised.value)


def test_another_period_is_refused_with_both(explored):
    config = CONFIG.with_parameters({"control.period": 0.02})
    assert "every 0.04 s, and control.period is 0.02 s" in refusal(config, explored[1])


def test_torques_beyond_the_limit_are_refused_with_joint_and_numbers(explored):
    config = CONFIG.with_parameters({"robot.torque_limit": [2.0, 0.1]})
    sentence = refusal(config, explored[1])
    assert "joint 'elbow', and robot.torque_limit is 0.1 N·m" in sentence


def test_another_bearer_of_the_weight_is_refused(tmp_path):
    _, contents = explore(CONFIG, episodes=1)
    bag = write_bag(tmp_path / "bag", contents, ABOUT | {"gravity": "none"})
    assert "robot.gravity none, and here it is driver" in refusal(CONFIG, bag)


@pytest.mark.parametrize(
    ("recorded", "said"),
    [
        ({"robot.payload_mass": 0.7}, "robot.payload_mass 0.7, and here it is 0.5"),
        ({"robot.payload_centre": [0.0, 0.0, 0.1]}, "robot.payload_centre [0.0, 0.0, 0.1], and"),
        ({"sim.gravity": 1.62}, "sim.gravity 1.62, and here it is 9.81"),
        ({"robot.payload_centre": [0.0, 0.0, 0.0]}, ""),
        ({}, ""),
        ("settings: [", ""),
    ],
)
def test_another_weight_that_the_torques_carried_is_refused(tmp_path, recorded, said):
    own = {"robot.gravity": "model", "robot.payload_mass": 0.5}
    config = CONFIG.with_parameters(own)
    _, contents = explore(config, episodes=1)
    known = isinstance(recorded, dict)
    settings = yaml.safe_dump(to_parameters(config) | recorded) if known else recorded
    about = ABOUT | {"gravity": "model", "settings": settings}
    bag = write_bag(tmp_path / "bag", contents, about)
    if said:
        assert said in refusal(config, bag)
    else:
        assert len(experience_of(config, [bag]).records) == LENGTH


def test_another_arm_is_refused(explored):
    config = CONFIG.with_parameters(
        {"robot.urdf": "pendulum", "robot.gravity": "none", "task.name": "swing_up"}
    )
    assert "about the joints shoulder, elbow; this arm has" in refusal(config, explored[1])


def test_the_replay_buffer_takes_the_last_that_fit(explored):
    learnt, bag = explored
    config = CONFIG.with_parameters({"learner.replay_capacity": 30, "learner.batch_size": 10})
    recorded = experience_of(config, [bag])
    assert np.array_equal(recorded.records, learnt[-30:])
    assert "holds the last 30 of 50 transitions" in recorded.sentences[-1]


def test_a_recording_of_nothing_that_can_be_learnt_is_refused(tmp_path):
    state = JointState(PERIOD, np.zeros(2), np.zeros(2))
    place = Place("00c0ffee", "train", 1, 0, False)
    step = Step(place, PERIOD, state.position, state.velocity, np.zeros(2), np.zeros(3))
    bag = write_bag(tmp_path / "bag", contents_of(([step], {PERIOD: np.zeros(2)})))
    assert "hold no step whose torque and next state" in refusal(CONFIG, bag)


def test_the_file_for_the_worker_is_read_back_or_refused(tmp_path):
    layout, path = RecordLayout(9, 2), tmp_path / "recorded.safetensors"
    records = np.arange(44, dtype=np.float32).reshape(2, 22)
    save_records(path, records, {"recordings": ["a"]})
    assert np.array_equal(load_records(path, layout, 10), records)
    with pytest.raises(RecordingError, match=r"holds float32 \(2, 22\); expected .* 12\)"):
        load_records(path, RecordLayout(4, 2), 10)
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(RecordingError, match="checksum"):
        load_records(path, layout, 10)
    with pytest.raises(RecordingError, match="cannot be read"):
        load_records(Path("missing"), layout, 10)
