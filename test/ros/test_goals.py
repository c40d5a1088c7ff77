"""Goals on the topic `goal`: which messages are goals, who is heard, what is said of others."""

import math
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

rclpy = pytest.importorskip("rclpy")

from builtin_interfaces.msg import Duration
from geometry_msgs.msg import PointStamped, PoseStamped
from rclpy.event_handler import PublisherEventCallbacks
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import JointState
from std_msgs.msg import Header
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint
from visualization_msgs.msg import Marker

from ddpg_ros.errors import MachineError, RefusedError
from ddpg_ros.robot.arm import Robot
from ddpg_ros.ros.interface.goal_marker import GoalMarker, GoalSurface
from ddpg_ros.ros.interface.goals import GoalInput, GoalOutput, base_frame, codec_of
from ddpg_ros.ros.interface.qos import LATCHED
from ddpg_ros.tasks.goals import JOINTS, POINT, POSE, TRAJECTORY, is_finite
from ddpg_ros.tasks.trajectory import Trajectory
from ddpg_ros.types import JointState as RobotState
from test.conftest import wait_until

pytestmark = pytest.mark.ros

ARM = Robot.load("reacher2")  # shoulder, elbow; its root is base
VOLATILE = QoSProfile(depth=1, durability=DurabilityPolicy.VOLATILE)


def read(kind, message):
    return codec_of(kind).read(message, ARM)


def refusal(kind, message):
    with pytest.raises(RefusedError) as refused:
        read(kind, message)
    return str(refused.value)


def point(x, y, z, frame=""):
    message = PointStamped(header=Header(frame_id=frame))
    message.point.x, message.point.y, message.point.z = x, y, z
    return message


def pose(*quaternion, frame=""):
    message = PoseStamped(header=Header(frame_id=frame))
    turn = message.pose.orientation
    turn.x, turn.y, turn.z, turn.w = quaternion
    return message


def test_the_frame_of_a_goal_is_the_root_of_the_arm():
    assert base_frame(ARM) == "base"


@pytest.mark.parametrize("frame", ["", "base", "/base"])
def test_a_goal_in_the_base_frame_or_in_none_is_taken(frame):
    assert read(POINT, point(0.1, 0.2, 0.3, frame)).tolist() == [0.1, 0.2, 0.3]
    assert read(POSE, pose(0.0, 0.0, 0.0, 1.0, frame=frame)).tolist() == np.eye(4).tolist()


@pytest.mark.parametrize("frame", ["map", "world", "tool0", "base/x"])
def test_fault_62_a_goal_in_another_frame_is_refused_with_both_frames(frame):
    for kind, message in [
        (POINT, point(0.1, 0.2, 0.3, frame)),
        (POSE, pose(0.0, 0.0, 0.0, 1.0, frame=frame)),
    ]:
        said = refusal(kind, message)
        assert said == f"its frame_id is '{frame}'; expected 'base', the arm's base, or none"


def test_a_quaternion_turns_the_pose():
    half = math.sqrt(0.5)
    turned = read(POSE, pose(0.0, 0.0, half, half))  # a quarter turn about z
    assert turned[:3, 0] == pytest.approx(np.array([0.0, 1.0, 0.0]))
    assert turned[:3, 1] == pytest.approx(np.array([-1.0, 0.0, 0.0]))


@pytest.mark.parametrize("quaternion", [(0, 0, 0, 0), (1, 1, 0, 0), (0, 0, math.nan, 1)])
def test_what_is_no_unit_quaternion_is_refused(quaternion):
    assert "expected a unit quaternion" in refusal(POSE, pose(*map(float, quaternion)))


def test_joint_goals_go_by_name_whatever_their_order():
    message = JointState(name=["elbow", "shoulder"], position=[1.5, 0.2])
    assert read(JOINTS, message).tolist() == [0.2, 1.5]


@pytest.mark.parametrize(
    ("names", "position", "said"),
    [
        (["elbow"], [1.0], "it names the joints elbow; expected, each once and in any order, sho"),
        (
            ["elbow", "shoulder", "finger"],
            [1.0] * 3,
            "it names the joints elbow, shoulder, finger",
        ),
        (["elbow", "shoulder"], [1.0], "it has 2 names and 1 positions; expected one each"),
    ],
)
def test_fault_62_joint_goals_of_other_joints_are_refused(names, position, said):
    assert said in refusal(JOINTS, JointState(name=names, position=position))


def test_a_trajectory_goes_by_name_and_keeps_velocities_and_times():
    message = JointTrajectory(joint_names=["elbow", "shoulder"])
    for seconds, nanoseconds, positions, velocities in [
        (0, 500_000_000, [1.0, 0.0], [0.5, 0.0]),
        (2, 0, [2.0, -0.5], [0.0, -0.25]),
    ]:
        message.points.append(
            JointTrajectoryPoint(
                positions=positions,
                velocities=velocities,
                time_from_start=Duration(sec=seconds, nanosec=nanoseconds),
            )
        )
    way = read(TRAJECTORY, message)
    assert way.times.tolist() == [0.5, 2.0]
    assert way.positions.tolist() == [[0.0, 1.0], [-0.5, 2.0]]
    assert way.velocities.tolist() == [[0.0, 0.5], [-0.25, 0.0]]
    message.header.stamp.sec = 9
    assert "its stamp is 9.000000000 s; expected 0" in refusal(TRAJECTORY, message)


def test_a_trajectory_without_points_or_with_other_joints_is_refused():
    assert "it names the joints (none)" in refusal(TRAJECTORY, JointTrajectory())
    named = JointTrajectory(joint_names=["elbow", "shoulder"])
    assert refusal(TRAJECTORY, named) == "it has no points"


def assert_same(one, other):
    if isinstance(one, Trajectory):
        for part in ("times", "positions", "velocities"):
            assert getattr(one, part) == pytest.approx(getattr(other, part), abs=1e-9)
    else:
        assert one == pytest.approx(other, abs=1e-9)


@given(st.integers(0, 2**32 - 1))
@pytest.mark.parametrize("kind", [POINT, POSE, JOINTS, TRAJECTORY], ids=lambda kind: kind.name)
def test_what_is_written_is_read_again(kind, seed):
    rng = np.random.default_rng(seed)
    position = rng.uniform(ARM.lower, ARM.upper)
    goal = kind.here(ARM, position)
    if kind is TRAJECTORY:
        steps = rng.uniform(0.01, 2.0, 4)
        goal = Trajectory(np.cumsum(steps), rng.normal(0, 1, (4, 2)), rng.normal(0, 1, (4, 2)))
    codec = codec_of(kind)
    assert_same(codec.read(codec.write(goal, ARM, Header(frame_id="base")), ARM), goal)


class Room:
    """Nodes of one ROS domain in this process."""

    def __init__(self, domain):
        self.context = rclpy.Context()
        rclpy.init(context=self.context, domain_id=domain)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.nodes = []

    def node(self, name):
        self.nodes.append(rclpy.create_node(name, context=self.context))
        self.executor.add_node(self.nodes[-1])
        return self.nodes[-1]

    def until(self, condition, what):
        wait_until(condition, what=what, turn=lambda: self.executor.spin_once(timeout_sec=0.02))

    def spin(self, turns=15):
        for _ in range(turns):
            self.executor.spin_once(timeout_sec=0.02)

    def close(self):
        self.executor.shutdown()
        for node in self.nodes:
            node.destroy_node()
        rclpy.try_shutdown(context=self.context)


@pytest.fixture
def room(ros_domain):
    room = Room(ros_domain)
    yield room
    room.close()


def test_volatile_publishers_are_heard_and_latched_ones_also_afterwards_each_goal_once(room):
    user, policy = room.node("user"), room.node("policy")
    latched = user.create_publisher(PointStamped, "goal", LATCHED)
    latched.publish(point(0.1, 0.0, 0.0))  # before anybody listens
    heard = []
    goals = GoalInput(policy, POINT, ARM, lambda goal: heard.append(goal.tolist()[0]))

    def look():
        goals.poll()
        return 0.1 in heard

    room.until(look, "the goal of before")
    volatile = user.create_publisher(PointStamped, "goal", VOLATILE)
    room.until(lambda: volatile.get_subscription_count() > 0, "who listens")
    room.until(lambda: latched.get_subscription_count() > 1, "who listens")
    goals_of = [(volatile, 0.2), (latched, 0.3), (latched, 0.3), (volatile, 0.4)]
    for count, (publisher, x) in enumerate(goals_of, start=2):
        publisher.publish(point(x, 0.0, 0.0))
        room.until(lambda count=count: len(heard) >= count, "a goal")
        room.spin()  # that it comes once
    assert heard == [0.1, 0.2, 0.3, 0.3, 0.4]
    goals.close()
    assert policy.count_subscribers("goal") in (0, 1)  # the graph may lag


def test_without_latched_publishers_there_is_nothing_that_does_not_fit_a_volatile_one(room):
    user, policy = room.node("user"), room.node("policy")
    goals = GoalInput(policy, POINT, ARM, lambda goal: None)
    complaints = []
    callbacks = PublisherEventCallbacks(incompatible_qos=complaints.append)
    volatile = user.create_publisher(PointStamped, "goal", VOLATILE, event_callbacks=callbacks)
    room.until(lambda: volatile.get_subscription_count() > 0, "who listens")
    goals.poll()
    room.spin()
    assert len(goals.subscriptions) == 1 and complaints == []


def test_a_publisher_of_another_type_is_named_with_what_is_expected(room, ros_domain, monkeypatch):
    other = Room(ros_domain)  # a process has one type a topic
    user, policy = other.node("user"), room.node("policy")
    said = []
    logger = SimpleNamespace(warning=said.append)
    monkeypatch.setattr(policy, "get_logger", lambda: logger)
    goals = GoalInput(policy, POSE, ARM, lambda goal: None)
    clicks = user.create_publisher(PointStamped, "goal", VOLATILE)

    def look():
        goals.poll()
        return said

    room.until(look, "a word on the publisher")
    for _ in range(5):
        goals.poll()
    assert said == [
        "user publishes geometry_msgs/msg/PointStamped on /goal, which is not heard; the task's "
        "goals are geometry_msgs/msg/PoseStamped"
    ]
    user.destroy_publisher(clicks)
    other.close()


@pytest.mark.parametrize("arm", ["reacher2", "pendulum", "kuka_iiwa/model.urdf"])
def test_a_click_on_the_disc_is_a_goal_within_reach_in_the_plane_of_a_flat_arm(arm):
    pytest.importorskip("pybullet_data")
    robot, sent = Robot.load(arm), []
    node = SimpleNamespace(create_publisher=lambda *_: SimpleNamespace(publish=sent.append))
    GoalSurface(node, robot)
    (disc,) = sent
    assert disc.type == Marker.CYLINDER and disc.header.frame_id == base_frame(robot)
    middle, radius = disc.pose.position, disc.scale.x / 2.0
    assert radius > 0.3 * robot.reach  # not a dot above an arm that stands upright
    for side in (radius, -radius):
        rim = np.array([middle.x + side, middle.y, middle.z])
        assert POINT.meet(rim, robot, None) == pytest.approx(rim)
    if arm == "reacher2":
        assert middle.z == pytest.approx(robot.tip_position(np.zeros(2))[2])


def test_the_goal_and_its_mark_carry_frame_and_stamp(room):
    agent, user = room.node("agent"), room.node("user")
    seen = {}
    user.create_subscription(PointStamped, "goal", lambda m: seen.update(goal=m), LATCHED)
    user.create_subscription(Marker, "goal_marker", lambda m: seen.update(mark=m), LATCHED)
    goals, mark = GoalOutput(agent, POINT, ARM), GoalMarker(agent, POINT, ARM)
    for output in (goals, mark):
        output.publish(np.array([0.1, 0.2, 0.3]))
    room.until(lambda: len(seen) == 2, "goal and mark")
    for message in seen.values():
        assert message.header.frame_id == "base" and message.header.stamp.sec > 0
    place = seen["mark"].pose.position
    assert (place.x, place.y, place.z) == (0.1, 0.2, 0.3)
    assert seen["mark"].type == Marker.SPHERE and seen["mark"].scale.x > 0


@pytest.mark.parametrize("kind", [POSE, JOINTS, TRAJECTORY], ids=lambda kind: kind.name)
def test_the_mark_of_a_goal_begins_at_the_fingertip_that_is_meant(kind):
    sent = []
    node = SimpleNamespace(
        create_publisher=lambda *_: SimpleNamespace(publish=sent.append),
        get_clock=lambda: SimpleNamespace(
            now=lambda: SimpleNamespace(to_msg=lambda: Header().stamp)
        ),
    )
    position = np.array([0.3, 1.0])
    GoalMarker(node, kind, ARM).publish(kind.here(ARM, position))
    (mark,) = sent
    lines = {POSE: Marker.LINE_LIST, JOINTS: Marker.LINE_LIST}
    assert mark.type == lines.get(kind, Marker.LINE_STRIP)
    first, tip = mark.points[0], ARM.tip_position(position)
    assert [first.x, first.y, first.z] == pytest.approx(tip.tolist())


def test_without_the_messages_of_trajectories_one_sentence_says_how_to_install_them(monkeypatch):
    monkeypatch.setitem(sys.modules, "trajectory_msgs.msg", None)
    with pytest.raises(MachineError, match=r"needs trajectory_msgs, .* pip install"):
        codec_of(TRAJECTORY)
    assert codec_of(POSE).message is PoseStamped


def test_without_the_messages_of_markers_one_sentence_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "visualization_msgs.msg", None)
    said = []
    node = SimpleNamespace(get_logger=lambda: SimpleNamespace(info=said.append))
    mark = GoalMarker(node, POINT, ARM)
    mark.publish(np.zeros(3))
    mark.close()
    assert len(said) == 1 and "visualization_msgs" in said[0] and "pip install" in said[0]


ANY = st.floats() | st.floats(-3.0, 3.0)
HERE = RobotState(1, np.array([0.3, 1.2]), np.zeros(2))


def taken(kind, message):
    """Return the goal that a message is to the arm, or None if it is refused."""
    try:
        goal = kind.meet(read(kind, message), ARM, HERE)
    except RefusedError as error:
        assert "\n" not in str(error) and len(str(error)) < 500
        return None
    assert is_finite(goal) and kind.fault(goal, ARM) == ""
    return goal


@given(st.lists(ANY, min_size=7, max_size=7))
def test_fault_56_any_pose_is_refused_or_is_a_pose(numbers):
    message = pose(*numbers[:4])
    place = message.pose.position
    place.x, place.y, place.z = numbers[4:]
    goal = taken(POSE, message)
    if goal is not None:
        assert goal[:3, :3] @ goal[:3, :3].T == pytest.approx(np.eye(3), abs=1e-9)


@given(st.permutations(["elbow", "shoulder"]), st.lists(ANY, max_size=3))
def test_fault_56_any_joint_goal_is_refused_or_within_the_limits(names, position):
    goal = taken(JOINTS, JointState(name=names, position=position))
    if goal is not None:
        assert (goal >= ARM.lower - 1e-6).all() and (goal <= ARM.upper + 1e-6).all()


POINTS = st.lists(
    st.tuples(
        st.integers(-1, 2**31 - 1) | st.integers(0, 9),
        st.integers(0, 2**32 - 1) | st.just(0),
        st.lists(ANY, min_size=2, max_size=2) | st.lists(ANY, max_size=3),
        st.lists(ANY, min_size=2, max_size=2) | st.just([]) | st.lists(ANY, max_size=3),
    ),
    max_size=4,
)


@given(POINTS)
def test_fault_56_any_trajectory_is_refused_or_within_the_limits(points):
    message = JointTrajectory(joint_names=["shoulder", "elbow"])
    for seconds, nanoseconds, positions, velocities in points:
        point = JointTrajectoryPoint(positions=positions, velocities=velocities)
        point.time_from_start = Duration(sec=seconds, nanosec=nanoseconds)
        message.points.append(point)
    goal = taken(TRAJECTORY, message)
    if goal is not None:
        for time in np.linspace(0.0, goal.duration, 50):
            position, velocity = goal.at(float(time))
            assert (np.abs(velocity) <= ARM.velocity_limit * (1 + 1e-5)).all()
            assert (position >= ARM.lower - 1e-5).all() and (position <= ARM.upper + 1e-5).all()
