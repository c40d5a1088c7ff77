"""Faults of the joint states, 1 to 17: what the node under fault says and sends."""

import math
import random
import time

import pytest

pytest.importorskip("rclpy")

from sensor_msgs.msg import JointState

from ddpg_ros.robot.urdf import ASSETS
from test.faults.realtime import (
    SECOND,
    Spoiler,
    act,
    acting,
    assert_quiet_since,
    assert_within_limits,
    begin,
    reset,
)
from test.ros.fake_robot import JOINTS, PERIOD

pytestmark = [pytest.mark.ros, pytest.mark.slow]


def assert_rejected(lasting, wrong, sentence):
    """One such state is rejected and no more; three in a row latch a fault, until a reset.

    Args:
        lasting: a robot and a policy node that is to be armed.
        wrong: three functions that spoil a message.
        sentence: what the node says of it.
    """
    robot, before = begin(lasting)
    single = Spoiler(wrong[0], good=3)
    robot.stream(lambda: before.grown("joint_states.rejected") > 1, "the count", change=single)
    acting(robot)
    assert before.grown("latches") == 0
    row = Spoiler(*wrong)
    robot.stream(lambda: robot.status("state") == "fault", "the fault", change=row)
    fault = time.time_ns()
    assert sentence in robot.sentence()
    assert robot.sentence().startswith("3 unusable states in a row: ")
    assert before.grown("latches") == 1
    robot.stream_for(0.3)  # good ones change nothing
    assert_quiet_since(robot, fault)
    assert robot.status("state") == "fault"
    assert not {c.stamp for c in robot.commands} & ((single.stamps | row.stamps) - {0})
    assert_within_limits(robot)
    assert f"fault: {robot.sentence()}" in before.said and "Traceback" not in before.said
    reset(robot)


def put(**fields):
    """Return a function that overwrites fields of a message."""

    def spoil(message):
        for field, value in fields.items():
            setattr(message, field, value)

    return spoil


def shift(field, *by):
    """Return a function that adds to the numbers of a field."""

    def spoil(message):
        numbers = getattr(message, field)
        setattr(message, field, [a + b for a, b in zip(numbers, by, strict=True)])

    return spoil


def retime(seconds):
    """Return a function that moves a message's stamp."""

    def spoil(message):
        message.header.stamp.sec += seconds

    return spoil


def test_fault_01_a_missing_joint_is_named_and_three_states_without_it_latch(lasting):
    wrong = [
        put(name=["shoulder"], position=[1.0], velocity=[0.0]),
        put(name=["shoulder", "wrist"]),
        put(name=["shoulder", "wrist"]),
    ]
    assert_rejected(lasting, wrong, "no joint elbow in the message; it names: ")


def reordered(robot, names):
    """Return the present state with the joints in another order, or with more of them."""
    plain = robot.message(robot.stamp)
    at = {name: index for index, name in enumerate(plain.name)}
    message = JointState(header=plain.header, name=list(names))
    message.position = [plain.position[at[n]] if n in at else 9.9 for n in names]
    message.velocity = [plain.velocity[at[n]] if n in at else 9.9 for n in names]
    return message


def assert_same_torque(agent, robot, policy, *orders):
    agent(run__policy=policy)
    robot.at_rest = True
    robot.begin()
    expected = robot.step().torque
    assert any(expected)
    for names in (*orders, JOINTS):
        robot.stamp += PERIOD
        assert robot.answer(reordered(robot, names)).torque == expected
    robot.at_rest = False
    assert robot.step().torque != expected


def test_fault_02_extra_joints_give_identical_torque(agent, robot, policy):
    orders = ("shoulder", "elbow", "gripper"), ("gripper", "shoulder", "wheel", "elbow")
    assert_same_torque(agent, robot, policy, *orders)


def test_fault_03_reordered_joints_give_identical_torque(agent, robot, policy):
    orders = ("elbow", "shoulder"), ("elbow", "gripper", "shoulder")
    assert_same_torque(agent, robot, policy, *orders)


def test_fault_04_a_joint_named_twice_is_rejected_and_three_latch(lasting):
    wrong = [
        put(name=["shoulder", "shoulder"]),
        put(name=["elbow", "elbow"]),
        put(name=["shoulder", "elbow", "elbow"]),
    ]
    assert_rejected(lasting, wrong, "joints named twice: ")


def test_fault_05_arrays_of_unequal_length_are_rejected_and_three_latch(lasting):
    wrong = [
        put(position=[1.0]),
        put(position=[1.0, 1.0, 1.0]),
        put(position=[]),
    ]
    assert_rejected(lasting, wrong, "2 names but ")


def test_fault_06_an_empty_velocity_is_rejected_and_three_latch(lasting):
    wrong = [put(velocity=[])] * 3
    assert_rejected(lasting, wrong, "there is no velocity in the message")


def test_fault_07_numbers_that_are_not_finite_are_rejected_and_three_latch(lasting):
    wrong = [
        put(position=[1.0, math.nan]),
        put(velocity=[-math.inf, 0.0]),
        put(velocity=[0.0, math.nan]),
    ]
    assert_rejected(lasting, wrong, " is not finite: ")


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (shift("position", 0.0, 15.0), "joint 'elbow' jumped by "),  # not in 30 periods either
        (shift("velocity", 50.0, 0.0), "rad/s is beyond twice its velocity limit, 12 rad/s"),
    ],
    ids=["position", "velocity"],
)
def test_fault_08_an_impossible_jump_is_rejected_and_three_latch(lasting, wrong, sentence):
    assert_rejected(lasting, [wrong] * 3, sentence)


@pytest.mark.parametrize("module", ["agent", "guard"])
def test_fault_09_a_urdf_without_limits_is_refused_before_anything_is_sent(
    agent, robot, tmp_path, module
):
    text = (ASSETS / "reacher2.urdf").read_text()
    arm = tmp_path / "boundless.urdf"
    arm.write_text(text.replace('effort="1.0" velocity="6.0" ', ""))
    process = agent(f"ddpg_ros.ros.nodes.{module}", robot__urdf=arm)
    robot.until(lambda: not process.running, "the end")
    assert process.exit(1.0) == 2
    assert f"{arm}: joint 'elbow' has no limit for effort, velocity; add <limit" in process.said
    assert "Traceback" not in process.said
    robot.drain()
    assert robot.commands == []


@pytest.mark.timing
def test_fault_10_stale_states_bring_zero_torque_and_then_a_latched_fault(patient):
    robot, before = begin(patient)
    last = robot.stamp
    robot.silent_until(lambda: robot.status("state") == "fault", "the fault")
    robot.silent_for(0.2)
    robot.drain()
    assert robot.sentence().startswith("no joint state for ")
    assert before.grown("late_warnings") >= 1
    assert before.grown("degradations") >= 1
    zeros = robot.zeros_at_the_end()
    assert len(zeros) >= 5
    assert 80_000_000 < zeros[-1].sent - last < 800_000_000  # 3T, and before the latch
    robot.stream_for(0.6)  # states that are back do not bring the policy back
    assert robot.status("state") == "fault"
    assert_quiet_since(robot, zeros[-1].sent)
    assert "fault is latched (no joint state" in robot.call("policy/arm").message
    reset(robot)
    act(robot)


@pytest.mark.timing
def test_fault_10_states_are_the_cause_though_the_last_one_came_between_two_ticks(patient):
    robot, _ = begin(patient)
    robot.stamp += 1_000_000
    robot.publish()
    robot.silent_until(lambda: robot.status("state") == "fault", "the fault")
    assert robot.sentence().startswith("no joint state for ")


@pytest.mark.timing
def test_fault_10_at_100_hz_the_torque_is_zero_and_the_fault_latched_a_tenth_of_a_second_later(
    robot, policy_node
):
    hundred_hertz = {"control__period": 0.01, "safety__latch_after": 0.0}
    policy_node(**hundred_hertz, safety__auto_arm=True)  # where a busy machine has latched one
    acting(robot, period=0.01)
    last = robot.stamp
    robot.silent_until(
        lambda: robot.status("state") == "fault" and not any(robot.commands[-1].torque),
        "the fault",
    )
    robot.drain()
    assert robot.sentence().startswith("no joint state for 1")  # 100 to 199 ms, or 1 s
    assert robot.zeros_at_the_end()[-1].sent - last < 100_000_000 + 400_000_000


def assert_dropped(robot, before, *seconds):
    """So many states in a row, whose stamps are off by `seconds`, are dropped; others are not."""
    spoilt = Spoiler(*map(retime, seconds), good=5)
    count = before.grown("joint_states.out_of_time")
    robot.stream(
        lambda: before.grown("joint_states.out_of_time") >= count + 2, "the count", change=spoilt
    )
    acting(robot)
    assert before.grown("latches") == before.grown("joint_states.rejected") == 0
    assert "the clock jumped" not in before.said
    assert not {c.stamp for c in robot.commands} & spoilt.stamps


def test_fault_11_states_out_of_order_are_dropped_and_three_in_a_row_are_another_clock(lasting):
    robot, before = begin(lasting)
    assert_dropped(robot, before, -1)
    assert_dropped(robot, before, -1, -2)
    robot.clock_offset = -2 * SECOND
    said = "the clock jumped; the open episode is discarded"
    robot.stream(lambda: said in before.said, "its word")
    acting(robot)
    assert before.grown("latches") == 0
    assert_within_limits(robot)


def test_fault_12_a_stamp_seen_twice_gets_the_same_answer_and_is_no_step(agent, robot, policy):
    agent(run__policy=policy)
    robot.begin()
    for _ in range(100):
        before = robot.stamp
        if robot.resets > 1:
            break
        robot.stamp += PERIOD
        for count in (1, 2, 3):
            robot.publish()
            robot.silent_until(
                lambda c=count: robot.answered(robot.stamp) >= c or robot.resets > 1, "the answer"
            )
            if robot.resets > 1:
                break
        torques = {c.torque for c in robot.commands if c.stamp == before}
        assert len(torques) == 1
    robot.silent_until(lambda: robot.episodes, "the episode's result")
    assert robot.episodes[0][1] == 50  # 2 s of 40 ms, each state three times


def test_fault_12_in_real_time_a_duplicated_stamp_is_not_answered_again(lasting):
    robot, before = begin(lasting)
    start = robot.stamp

    def twice(message):
        robot.publish(message)
        return message

    robot.stream_for(1.0, change=twice)
    robot.drain()
    policys = [c.stamp for c in robot.commands if c.stamp > start and any(c.torque)]
    assert len(policys) > 10
    assert len(set(policys)) == len(policys)
    assert robot.status("state") == "active" and before.grown("latches") == 0


def test_fault_13_a_state_from_the_future_is_dropped(lasting):
    robot, before = begin(lasting)
    assert_dropped(robot, before, 3600)
    assert_dropped(robot, before, 2, 7200)


def test_fault_14_a_zero_stamp_is_rejected_and_three_latch(lasting):
    def unstamped(message):
        message.header.stamp.sec = message.header.stamp.nanosec = 0

    sentence = "the stamp is zero; the driver must stamp its states"
    assert_rejected(lasting, [unstamped] * 3, sentence)


@pytest.mark.timing
def test_fault_15_thirty_percent_of_loss_neither_latches_nor_stops(patient):
    robot, before = begin(patient)
    chance = random.Random(15)
    start, published = robot.stamp, []

    def lossy(message):
        if chance.random() < 0.3:
            return None
        published.append(robot.stamp)
        return message

    robot.stream(lambda: len(published) > 45, "the states", change=lossy)
    robot.drain()
    answered = {c.stamp for c in robot.commands if c.stamp > start and any(c.torque)}
    assert len(answered & set(published)) > 22
    acting(robot)
    assert robot.status("state") == "active" and before.grown("latches") == 0
    assert_within_limits(robot)


@pytest.mark.timing
def test_fault_16_three_periods_lost_degrade_and_more_than_the_deadline_latches(
    patient,
):
    robot, before = begin(patient)
    last = robot.stamp
    robot.silent_for(0.18)
    robot.drain()
    (first, *_) = robot.zeros_at_the_end()[::-1]
    assert 80_000_000 < first.sent - last < 800_000_000
    robot.stream(lambda: before.grown("degradations") > 0, "the count")
    acting(robot)
    assert before.grown("latches") == 0
    robot.silent_for(0.9)
    back = time.time_ns()
    robot.stream(lambda: robot.status("state") == "fault", "the fault")
    robot.stream_for(0.3)
    assert before.grown("latches") == 1
    assert_quiet_since(robot, back)


def burst(robot, count):
    """Publish all at once the states of the last `count` periods; return their stamps."""
    now = time.time_ns()
    stamps = [now - age * PERIOD for age in reversed(range(count))]
    for robot.stamp in stamps:
        robot.publish()
    return stamps


@pytest.mark.timing
def test_fault_17_after_a_freeze_of_a_second_and_a_burst_the_policy_has_no_say(patient):
    robot, _ = begin(patient)
    robot.silent_for(1.0)
    back = time.time_ns()
    burst(robot, 25)
    robot.stream(lambda: robot.status("state") == "fault", "the fault")
    robot.stream_for(0.5)
    assert robot.sentence().startswith("no joint state for ")
    assert_quiet_since(robot, back)


@pytest.mark.timing
def test_fault_17_where_nothing_latches_the_ramp_keeps_a_burst_from_the_motors(robot, policy_node):
    policy_node(safety__ramp_seconds=2.0)
    robot.at_rest = True  # the policy asks for the same torque all the time
    act(robot)
    robot.stream(lambda: robot.status("authority") == "1", "full authority")
    robot.stream_for(0.2)
    full = next(c.torque for c in reversed(robot.commands) if any(c.torque))
    robot.silent_for(1.0)
    stamps = burst(robot, 25)
    robot.silent_until(lambda: robot.answered(stamps[-1]), "an answer to the newest")
    robot.silent_for(0.1)
    answers = [c for c in robot.commands if c.stamp in stamps]
    assert [c.stamp for c in answers] == sorted(c.stamp for c in answers)
    for command in answers:  # the second of silence is none at the controls: 80 ms of 2 s at most
        for torque, most in zip(command.torque, full, strict=True):
            assert abs(torque) <= 0.3 * abs(most), (full, answers)
    assert robot.status("latches") == "0"
