"""The recorder node takes what has come before it writes: in this process, over real topics."""

import pytest

rclpy = pytest.importorskip("rclpy")

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.duration import Duration
from rclpy.qos import QoSProfile
from sensor_msgs.msg import JointState

from ddpg_ros.recording.reading import read_recording
from ddpg_ros.ros.nodes.recorder import RecorderNode
from ddpg_ros.ros.runtime.arguments import read_arguments
from ddpg_ros.ros.runtime.executor import make_executor
from ddpg_ros.ros.runtime.main import take_down
from test.conftest import PATIENCE, wait_until
from test.processes import ros_arguments

pytestmark = pytest.mark.ros

COUNT = 50
MANY = QoSProfile(depth=100)


class Heard:
    """A recorder that hears the states and the diagnostics of this process."""

    def __init__(self, folder, mode):
        rclpy.init()
        given = {"run__directory": folder / "run", "run__record": mode}
        self.folder = folder / "run" / "recordings"
        self.robot = rclpy.create_node("robot")
        self.states = self.robot.create_publisher(JointState, "joint_states", MANY)
        self.health = self.robot.create_publisher(DiagnosticArray, "/diagnostics", MANY)
        self.node = RecorderNode(read_arguments(ros_arguments(given)))
        self.executor = make_executor(self.node)
        both = (self.states, self.health)
        self.until(lambda: all(one.get_subscription_count() == 1 for one in both))

    def until(self, condition):
        wait_until(condition, what="the recorder", turn=self.executor.turn)

    def publish_states(self):
        """Publish states, and wait until they have arrived: nobody has taken them yet."""
        for number in range(COUNT):
            self.states.publish(JointState(name=["hinge"], position=[float(number)]))
        assert self.states.wait_for_all_acked(Duration(seconds=PATIENCE))

    def tell(self, state, latches):
        """Publish what a policy node says of its safety."""
        values = [KeyValue(key="state", value=state), KeyValue(key="latches", value=latches)]
        status = DiagnosticStatus(name="/policy", values=values)
        self.health.publish(DiagnosticArray(status=[status]))
        assert self.health.wait_for_all_acked(Duration(seconds=PATIENCE))

    def recorded(self):
        """Return how many states are in the only recording."""
        (bag,) = self.folder.iterdir()
        found = read_recording(bag, lambda topic, _: topic == "/joint_states").topics
        return len(found["/joint_states"].messages)

    def close(self):
        ends = [self.executor.close, self.node.destroy_node, self.robot.destroy_node]
        assert take_down([*ends, rclpy.try_shutdown], None) is None


@pytest.fixture
def heard(tmp_path, ros_domain):
    made = []

    def make(mode):
        made.append(Heard(tmp_path, mode))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_what_has_come_before_the_end_is_recorded(heard):
    recorder = heard("all")
    recorder.publish_states()
    recorder.node.end()
    recorder.publish_states()
    recorder.node.end()  # as on the way down, which ends what is left
    assert recorder.recorded() == COUNT  # of one recording


def test_fault_83_states_that_wait_when_a_latch_is_heard_of_are_in_its_first_file(heard):
    recorder = heard("latch")
    recorder.publish_states()
    recorder.tell("fault", "1")
    diagnostics = recorder.node._heard["/diagnostics"]
    with diagnostics.handle:
        taken = diagnostics.handle.take_message(diagnostics.msg_type, diagnostics.raw)
    diagnostics.callback(*taken)  # before the states, as an executor may
    assert recorder.recorded() == COUNT
