"""The agent: a control node that learns, or runs a policy for a number of episodes."""

import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack

from geometry_msgs.msg import PointStamped
from rclpy.qos import DurabilityPolicy, QoSProfile
from rclpy.task import Future
from std_msgs.msg import Float64MultiArray
from std_srvs.srv import Trigger

from ddpg_ros.build import build_arm
from ddpg_ros.config.run_directory import claim_run, hold_run
from ddpg_ros.control.loop import Tick
from ddpg_ros.files.last_resort import LAST_TRIES, require_whole
from ddpg_ros.ros.nodes.control_node import ControlNode
from ddpg_ros.ros.runtime.arguments import Arguments
from ddpg_ros.ros.runtime.main import run_node
from ddpg_ros.training.arm_session import ArmSession
from ddpg_ros.worker.handle import SaveRequest

_REPORT_EVERY = 5.0  # [s]
_RELIABLE = QoSProfile(depth=1)
_LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


class AgentNode(ControlNode):
    """Experience to the learner, goals and episodes to topics, results to the run directory."""

    def __init__(self, arguments: Arguments) -> None:
        """Read the parameters."""
        super().__init__("agent", arguments)
        self._session: ArmSession | None = None
        self._saves: list[tuple[SaveRequest, Future]] = []
        self._interrupted = False
        self._reported_at = time.monotonic()

    def connect(self, stack: ExitStack) -> None:
        """Open the topics of results, and the service that saves."""
        super().connect(stack)
        self._goals = self.create_publisher(PointStamped, "goal", _LATCHED)
        stack.callback(self.destroy_publisher, self._goals)
        self._episodes = self.create_publisher(Float64MultiArray, "~/episode", _RELIABLE)
        stack.callback(self.destroy_publisher, self._episodes)
        stack.callback(self.destroy_service, self.create_service(Trigger, "~/save", self._on_save))
        stack.callback(self._give_up_saves)

    def make_session(self) -> ArmSession:
        """Take the run directory, and start the learner or load the policy."""
        build_arm(self.config)  # what cannot be is refused before anything is left on the disk
        self._run_dir = claim_run(self.config)
        with ExitStack() as hold:
            if self._run_dir is not None:
                hold.enter_context(hold_run(self._run_dir))
            self._session = ArmSession(self.config, self._run_dir)
            self._hold = hold.pop_all()
        return self._session

    def close_session(self) -> None:
        """Stop the learner, keep policy and summary."""
        with self._hold:
            interrupted = self._interrupted or not self.finished
            session, self._session = self.session, None
            summary = session.close(self.topics.rejected, interrupted)
            self.get_logger().info(summary.sentence())
            if self._run_dir is not None:
                patience = 0.0 if interrupted else LAST_TRIES
                require_whole([*session.complaints, summary.save(self._run_dir, patience)])
                self.get_logger().info(f"results are in {self._run_dir}")

    def announce_goal(self) -> None:
        """Publish the goal of the episode that begins."""
        goal = PointStamped()
        goal.point.x, goal.point.y, goal.point.z = self.session.goal.tolist()
        self._goals.publish(goal)

    def report(self, tick: Tick) -> None:
        """Publish what an episode came to; the log speaks of it now and then."""
        if tick.episode is None:
            return
        total, length, success, *_ = tick.episode
        self._episodes.publish(Float64MultiArray(data=[total, float(length), float(success)]))
        if time.monotonic() - self._reported_at > _REPORT_EVERY:
            self._reported_at = time.monotonic()
            self.get_logger().info(f"{self.session.phase.progress}, return {total:.2f}")

    async def _on_save(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """Answer when the learner has saved, or could not; nothing waits here meanwhile."""
        worker = self._session.worker if self._session is not None else None
        if worker is None:
            response.message = "no training runs here"
            return response
        request, told = worker.save(), Future()
        self._saves.append((request, told))
        await told
        saved = request.answer
        response.success = saved is not None and not saved.error
        response.message = (saved.error if saved is not None else "") or str(self._run_dir)
        return response

    def _give_up_saves(self) -> None:
        for _, told in self._saves:
            told.set_result(None)
        self._saves.clear()

    def on_timer(self) -> None:
        """Look after the learner, and hear what came of requests to save."""
        super().on_timer()
        for request, told in self._saves:
            if request.answer is not None and not told.done():
                told.set_result(None)
        self._saves = [save for save in self._saves if not save[1].done()]

    def interrupt(self) -> None:
        """End every wait for the learner."""
        self._interrupted = True
        if self._session is not None:
            self._session.cancel()


def main(args: Sequence[str] | None = None) -> int:
    """Run the agent node: `ros2 run ddpg_ros agent`."""
    return run_node(AgentNode, args)


if __name__ == "__main__":
    sys.exit(main())
