"""What a node says of the joint states that do not come, or are of no use."""

import pytest

pytest.importorskip("rclpy")

from ddpg_ros.errors import ForeignJointsError, JointNamesError, JointStateError
from ddpg_ros.ros.interface import topic_monitor as watch

FOREIGN = ForeignJointsError("no joint shoulder in the message; it names: left_finger")


class Node:
    """Stands for the node: so many publishers of joint states, and what was said."""

    def __init__(self):
        self.publishers, self.said = 1, []

    def resolve_topic_name(self, name):
        return f"/{name}"

    def count_publishers(self, topic):
        return self.publishers if topic == "/joint_states" else 1

    def get_logger(self):
        return self

    def warning(self, sentence, **_):
        self.said.append(sentence)

    info = warning


class Watched:
    def __init__(self, monkeypatch, realtime=True):
        self.now = 100.0
        monkeypatch.setattr(watch.time, "monotonic", lambda: self.now)
        self.node = Node()
        self.topics = watch.TopicMonitor(self.node, "joint_states", 5.0, realtime)

    def wait(self, seconds, *each):
        """Let time pass, a look ten times a second; each time something is heard."""
        for _ in range(round(10 * seconds)):
            self.now += 0.1
            for hear in each:
                hear()
            self.topics.check()


@pytest.fixture
def watched(monkeypatch):
    return Watched(monkeypatch)


def test_the_only_publisher_names_none_of_our_joints_and_the_node_says_what_to_set(watched):
    said = r"fits the robot: no joint shoulder.*names: left_finger\. Set robot\.urdf and robot\.jo"
    with pytest.raises(JointStateError, match=said):
        watched.wait(6.0, lambda: watched.topics.record_foreign(FOREIGN))


def test_beside_another_publisher_the_node_waits_for_the_arm_and_says_what_the_others_name(
    watched,
):
    watched.node.publishers = 2
    watched.wait(6.0, lambda: watched.topics.record_foreign(FOREIGN))
    (said,) = watched.node.said
    assert "those that came are of another device (no joint shoulder in the message" in said


def test_a_missing_joint_is_a_matter_of_the_robots_names_and_a_missing_velocity_is_not(watched):
    with pytest.raises(JointStateError, match=r"no joint elbow\. Set robot\.urdf"):
        watched.wait(
            6.0, lambda: watched.topics.record_rejected(JointNamesError("no joint elbow"))
        )
    with pytest.raises(JointStateError, match=r"fits the robot: no velocity\.$"):
        watched.wait(6.0, lambda: watched.topics.record_rejected(JointStateError("no velocity")))


def test_a_publisher_whose_states_are_rejected_is_not_called_silent(watched):
    watched.topics.record_state(watched.now)
    watched.wait(6.0, lambda: watched.topics.record_rejected(JointStateError("no velocity")))
    said = " ".join(watched.node.said)
    assert "rejected, the last because of this: no velocity" in said and "silent" not in said


def test_a_gripper_does_not_make_up_for_an_arm_that_has_gone_silent(watched):
    watched.node.publishers = 2
    watched.topics.record_state(watched.now)
    watched.wait(6.0, lambda: watched.topics.record_foreign(FOREIGN))
    said = watched.node.said[-1]
    assert "no new joint state on /joint_states for 5 s: those that came are" in said


@pytest.mark.parametrize(
    ("realtime", "advice"),
    [(True, "have its publisher stamp each state"), (False, "its publisher waits for an answer")],
)
def test_a_publisher_that_repeats_one_stamp_is_not_called_silent(monkeypatch, realtime, advice):
    watched = Watched(monkeypatch, realtime)
    watched.topics.record_state(watched.now)
    watched.wait(6.0, lambda: watched.topics.record_repeated(watched.now))
    (said,) = watched.node.said
    assert "the last one comes again and again, under the same stamp; " in said
    assert advice in said and "silent" not in said and "start the" not in said
