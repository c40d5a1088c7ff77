"""What an operator sees and may do: arming, emergency stop, reset, diagnostics, saving."""

import itertools
import time

import pytest

pytest.importorskip("rclpy")

from diagnostic_msgs.msg import DiagnosticStatus
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64MultiArray

from ddpg_ros.control.policy import load_policy
from ddpg_ros.files.generations import list_generations, newest_generation
from test.ros.arm import INSIDE, STILL, Arm
from test.ros.fake_robot import PERIOD
from test.ros.onlooker import MANY, Onlooker

pytestmark = [pytest.mark.ros, pytest.mark.slow]

OUTSIDE = (2.38, 1.3)  # [rad], of the soft limits of reacher2
BEYOND = (1.0, -0.2)  # [rad], of its hard limits
RAMP = 1.0  # [s]


@pytest.fixture
def arm(robot):
    return Arm(robot)


@pytest.fixture
def start(agent, policy):
    """Starts the policy node as on a robot: nothing arms it but the operator."""

    def start(**parameters):
        given = {"run__policy": policy, "safety__auto_arm": False, "safety__ramp_seconds": RAMP}
        return agent("ddpg_ros.ros.nodes.policy", **given | parameters)

    return start


def has_torque(commands):
    return any(any(command.torque) for command in commands)


def test_nobody_arms_it_before_ten_states_outside_the_soft_range_or_in_motion(start, arm):
    process = start()
    arm.position, arm.stopped = OUTSIDE, True
    assert "no fresh joint state" in arm.refusal()
    for count in range(1, 4):
        arm.robot.publish(arm.robot.message(count * PERIOD))
    arm.robot.turn()
    said = arm.refusal()
    assert "usable joint states in a row so far" in said or "no fresh joint state" in said

    arm.start, arm.stopped = time.monotonic() - 1.0, False
    arm.position = INSIDE
    arm.commands_more(10)
    arm.move_to(OUTSIDE)
    arm.commands_more(10)
    said = arm.refused("joint shoulder is at 2.38 rad, outside its soft limits")
    assert "move it inside first" in said

    arm.velocity = (0.0, 0.6)
    arm.move_to(INSIDE)
    arm.commands_more(10)
    arm.refused("joint elbow moves at 0.6 rad/s")
    assert arm.onlooker.mode("policy") == "disarmed"
    arm.velocity = STILL
    arm.commands_more(2)
    assert not has_torque(arm.commands)
    arm.arm()
    assert "Traceback" not in process.said


def test_nobody_arms_it_beside_another_publisher_of_torque(start, arm):
    process = start()
    arm.commands_more(3)
    began = time.monotonic()  # it leaves at once where it is the newcomer, for three seconds
    arm.until(lambda: time.monotonic() > began + 4.0, "the time in which it is the newcomer")
    other = arm.robot.node.create_publisher(JointState, "joint_command", 1)
    arm.until(lambda: "another node publishes on /joint_command" in arm.refusal(), "a refusal")
    arm.robot.node.destroy_publisher(other)
    arm.arm()
    assert process.running


@pytest.mark.timing
def test_torque_grows_from_zero_over_the_ramp_and_estop_and_reset_lead_to_zero_again(start, arm):
    process = start()
    arm.commands_more(12)
    assert not has_torque(arm.commands)
    assert "active: the arm may move" not in process.said
    arm.arm()
    arm.until(lambda: arm.onlooker.value("policy", "authority") == "1", "full authority")
    assert process.said.endswith("active: the arm may move\n")
    full = arm.commands_more(3)[-1]
    grown = arm.commands[: arm.commands.index(full)]
    begin = max(index for index, one in enumerate(grown) if not any(one.torque))
    ramp = grown[begin:]
    sizes = [abs(one.torque[0]) for one in ramp]
    assert sizes == sorted(sizes) and sizes[0] == 0.0
    assert len({size for size in sizes if size < abs(full.torque[0])}) >= 8
    whole = next(one for one in ramp if one.torque == full.torque)
    assert 1e-9 * (whole.sent - ramp[0].sent) >= 0.8 * RAMP
    half = [size for size in sizes if size < 0.5 * abs(full.torque[0])]
    assert len(half) >= 3  # it is not the last moment's work
    assert arm.onlooker.mode("policy") == "active"

    asked = time.time_ns()
    assert arm.trigger("estop").success and arm.trigger("estop").success
    arm.commands_more(10)
    later = [one for one in arm.commands if one.sent > asked]
    quiet = next(one for one in later if not any(one.torque))
    assert 1e-9 * (quiet.sent - asked) < 0.5  # the states come every 20 ms; a busy machine's
    assert not has_torque(later[later.index(quiet) :])
    said = arm.onlooker.said("policy")
    assert (said.values["state"], said.level) == ("estop", DiagnosticStatus.ERROR)
    assert said.values["cause"] == said.message == "~/estop was called"
    assert "estop is latched (~/estop was called); reset it first" in arm.refusal()

    arm.until(lambda: arm.trigger("reset").success, "the reset")
    assert arm.trigger("reset").message == "disarmed"
    assert not has_torque(arm.commands_more(12))
    arm.until(lambda: arm.onlooker.mode("policy") == "disarmed", "the word of it")
    arm.arm()
    arm.until(lambda: has_torque(arm.commands[-3:]), "torque again")


def test_where_the_driver_holds_nothing_is_sent_while_nobody_has_armed(start, arm):
    start(safety__fallback="hold", safety__ramp_seconds=0.0)
    arm.until(lambda: arm.onlooker.mode("policy") == "disarmed", "the node")
    began = time.monotonic()
    arm.until(lambda: time.monotonic() > began + 0.3, "15 states")
    assert not arm.commands
    arm.arm()
    arm.commands_more(5)
    assert not any(arm.commands[0].torque)
    assert arm.trigger("estop").success
    arm.until(lambda: arm.onlooker.mode("policy") == "estop", "the word of it")
    arm.robot.drain()
    count = len(arm.commands)
    began = time.monotonic()
    arm.until(lambda: time.monotonic() > began + 0.3, "15 states")
    assert len(arm.commands) == count


def test_the_plain_array_holds_the_same_torques_in_the_order_of_the_joints(start, arm):
    arrays = []
    topic = "effort_controller/commands"
    arm.robot.node.create_subscription(
        Float64MultiArray, topic, lambda message: arrays.append(list(message.data)), MANY
    )
    settings = {"safety__auto_arm": True, "safety__ramp_seconds": 0.0}
    settings["robot__joints"] = ["shoulder", "elbow"]
    named = start(**settings)
    arm.until(lambda: has_torque(arm.commands[-1:]), "a torque")
    expected = arm.commands_more(3)[-1]
    assert expected.names == ("shoulder", "elbow") and len(set(expected.torque)) == 2
    assert named.interrupt()[0] == 0
    arm.robot.drain()
    count = len(arm.commands)
    array = {"control__command_interface": "effort_array", "control__effort_topic": topic}
    start(**settings, **array)
    arm.until(lambda: list(expected.torque) in arrays, "the same torques")
    assert len(arm.commands) == count


def test_what_arms_itself_waits_for_the_arm_to_be_back_inside(start, arm):
    process = start(safety__auto_arm=True, safety__fallback="zero")
    arm.until(lambda: has_torque(arm.commands[-1:]), "a torque")
    arm.move_to(BEYOND)
    arm.until(lambda: arm.onlooker.mode("policy") == "fault", "the fault")
    assert not has_torque(arm.commands_more(25)[5:])
    assert process.said.count("beyond its lower limit") == 1  # not once a state
    arm.move_to(INSIDE)
    arm.until(lambda: arm.onlooker.mode("policy") == "active", "the policy's say")


COMMON = {
    "state",
    "cause",
    "authority",
    "joint_states.age_s",
    "joint_states.rejected",
    "joint_states.out_of_time",
    "commands.publishers",
    "torque_of_limit",
    "latches",
    "degradations",
    "late_warnings",
    *(f"guard.{stage}" for stage in ("rejected", "torque", "soft", "power", "rate")),
    *(f"tick.{name}" for name in ("misses",)),
}


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("policy", {"phase", "steps"}),
        ("guard", {"commands.rejected"}),
        (
            "agent",
            {"phase", "steps", "learner.state", "learner.restarts", "learner.version"},
        ),
    ],
)
def test_a_node_says_how_it_is_once_a_second_and_when_that_changes(agent, policy, arm, name, own):
    settings = {"safety__auto_arm": False, "run__clock": "realtime"}
    settings |= {"run__policy": policy} if name == "policy" else {}
    agent(f"ddpg_ros.ros.nodes.{name}", **settings)
    said = arm.onlooker.diagnostics
    arm.until(lambda: len(said.get(name, ())) >= 5, "five words")
    for one in said[name]:
        assert set(one.values) >= COMMON | own, sorted((COMMON | own) - set(one.values))
        assert (one.values["state"], one.values["cause"]) == ("disarmed", "")
        assert one.level == DiagnosticStatus.OK
    times = [1e-9 * one.at for one in said[name][1:]]  # the first may tell of a change
    gaps = [after - before for before, after in itertools.pairwise(times)]
    assert all(0.9 < gap < 9.0 for gap in gaps), gaps  # a busy machine's second
    last = said[name][-1]
    assert float(last.values["joint_states.age_s"]) < 1.0

    for _ in range(3):
        message = arm.robot.message(int(1e9 * (time.monotonic() - arm.start)) + PERIOD)
        message.velocity = []
        arm.robot.publish(message)
        arm.robot.turn()
        arm.robot.turn()
    arm.trigger("estop", name)
    arm.until(lambda: arm.onlooker.mode(name) in ("estop", "fault"), "the word of it")
    change = said[name][-1]
    assert int(change.values["joint_states.rejected"]) >= 1
    assert int(change.values["latches"]) >= 1
    assert change.level == DiagnosticStatus.ERROR


def test_save_answers_success_only_when_policy_and_checkpoint_are_on_disk(agent, robot, tmp_path):
    small = {"learner__hidden": [8], "learner__batch_size": 16, "learner__warmup_steps": 20}
    agent(**small, run__steps=1_000_000)
    onlooker = Onlooker(robot=robot)
    robot.lockstep = True
    robot.until(lambda: len(robot.commands) > 50, "some updates")
    run = tmp_path / "run"
    file, folder = run / "policy.safetensors", run / "checkpoints"
    for _ in range(2):
        file.unlink(missing_ok=True)
        before = list_generations(folder)
        answer = onlooker.trigger("agent/save")
        assert file.exists() and list_generations(folder) > before, list(run.rglob("*"))
        assert (answer.success, answer.message) == (True, str(run))
        assert newest_generation(folder, run)[0].document["updates"] > 0
        assert load_policy(file).about.updates > 0
    steps = len(robot.commands)
    folder.rename(run / "aside")
    folder.touch()  # a file where a folder should be
    answer = onlooker.trigger("agent/save")
    assert not answer.success and "could not save" in answer.message
    folder.unlink()
    (run / "aside").rename(folder)
    robot.until(lambda: len(robot.commands) > steps + 20, "the training to go on")
    assert onlooker.trigger("agent/save").success
