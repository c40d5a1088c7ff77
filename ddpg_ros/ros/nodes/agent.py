"""The agent: learns on the arm, then runs greedy episodes; or runs a policy for some of them."""

import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from rclpy.task import Future
from std_msgs.msg import Float64MultiArray
from std_srvs.srv import Trigger

from ddpg_ros.build import build_arm, policy_about
from ddpg_ros.config.run_directory import claim_run
from ddpg_ros.config.settings import Config
from ddpg_ros.files.last_resort import LAST_TRIES, require_whole
from ddpg_ros.ros.interface.goal_marker import GoalMarker
from ddpg_ros.ros.interface.goals import GoalOutput, codec_of
from ddpg_ros.ros.interface.qos import RELIABLE
from ddpg_ros.ros.interface.reset_client import ResetClient
from ddpg_ros.ros.interface.step_publisher import open_trace
from ddpg_ros.ros.nodes.arm_node import ArmNode
from ddpg_ros.ros.runtime.arguments import Arguments
from ddpg_ros.ros.runtime.main import run_node
from ddpg_ros.training.arm_session import ArmSession
from ddpg_ros.training.earlier import earlier_of, keep_earlier
from ddpg_ros.training.recorded import keep_recorded, recorded_if_missing
from ddpg_ros.training.session_controller import SessionController
from ddpg_ros.types import Episode
from ddpg_ros.worker.handle import SaveRequest

_REPORT_EVERY = 5.0  # [s]


class AgentRole:
    """Hands experience to the learner; publishes goals and episodes; keeps the results."""

    name, output, input = "agent", "joint_command", ""
    knows_task = True

    def __init__(self) -> None:
        """Begin without a session."""
        self._session: ArmSession | None = None
        self._resets: ResetClient | None = None
        self._saves: list[tuple[SaveRequest, Future]] = []
        self._interrupted = False
        self._reported_at = time.monotonic()

    def adapt(self, config: Config) -> Config:
        """Return it as it is."""
        return config

    def open(self, node: ArmNode, stack: ExitStack) -> SessionController:
        """Take the run directory, start the learner or load the policy, and open the topics."""
        self._node = node
        session = self._begin(node.config)
        stack.callback(self._close)
        self._goals = GoalOutput(node, session.goals, session.robot)
        stack.callback(self._goals.close)
        self._marker = GoalMarker(node, session.goals, session.robot)
        stack.callback(self._marker.close)
        self._episodes = node.create_publisher(Float64MultiArray, "~/episode", RELIABLE)
        stack.callback(node.destroy_publisher, self._episodes)
        stack.callback(node.destroy_service, node.create_service(Trigger, "~/save", self._on_save))
        stack.callback(self._give_up_saves)
        service = node.config.control.reset_service
        self._resets = ResetClient(node, service, self._on_placed) if service else None
        if self._resets is not None:
            stack.callback(self._resets.close)
            node.hurry(stack, [self._resets.client])
        self._controller = SessionController(
            session,
            node.realtime,
            node.try_to_arm,
            self._resets,
            announce=self._announce,
            ended=self._report,
            trace=open_trace(node, session, stack),
        )
        return self._controller

    def _begin(self, config: Config) -> ArmSession:
        robot, task, _ = build_arm(config)  # refused before anything is on the disk
        codec_of(task.goals)
        earlier, recorded = None, None
        if not config.run.policy and not config.run.resume:
            earlier = earlier_of(config, policy_about(config, robot, task), None)
        if not config.run.policy:
            recorded = recorded_if_missing(config)
        for sentence in () if earlier is None else earlier.sentences:
            self._node.get_logger().info(sentence)
        with ExitStack() as hold:
            self._run_dir = claim_run(config, hold)
            if self._run_dir is not None:
                keep_earlier(earlier, self._run_dir)
                if recorded is not None:
                    keep_recorded(recorded, config, self._run_dir)
            self._session = ArmSession(config, self._run_dir)
            self._hold = hold.pop_all()
        for refusal in self._session.refusals:
            self._node.get_logger().warning(f"{refusal} The one before is taken.")
        return self._session

    def _close(self) -> None:
        """Stop the learner, keep policy and summary."""
        with self._hold:
            session, self._session = self._session, None
            assert session is not None
            interrupted = self._interrupted or not self._node.finished
            summary = session.close(self._node.topics.rejected, interrupted)
            log = self._node.get_logger()
            log.info(summary.sentence())
            if self._run_dir is not None:
                patience = 0.0 if interrupted else LAST_TRIES
                require_whole([*session.complaints, summary.save(self._run_dir, patience)])
                log.info(f"results are in {self._run_dir}")

    def _on_placed(self, first_stamp: int) -> None:
        self._node.answer(self._controller.on_placed(first_stamp, time.monotonic()))

    def _announce(self, goal: Any) -> None:
        """Publish the goal of the episode that begins."""
        self._goals.publish(goal)
        self._marker.publish(goal)

    def _report(self, episode: Episode) -> None:
        """Publish the result of an episode; log one every few seconds."""
        total, length, success, *_ = episode
        self._episodes.publish(Float64MultiArray(data=[total, float(length), float(success)]))
        if time.monotonic() - self._reported_at > _REPORT_EVERY and self._session is not None:
            self._reported_at = time.monotonic()
            self._node.get_logger().info(f"{self._session.phase.progress}, return {total:.2f}")

    async def _on_save(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """Respond when the learner has saved, or could not; the executor goes on meanwhile."""
        worker = self._session.worker if self._session is not None else None
        if worker is None:
            response.message = "no training runs here"
            return response
        request, answered = worker.save(), Future()
        self._saves.append((request, answered))
        await answered
        saved = request.answer
        response.success = saved is not None and not saved.error
        response.message = (saved.error if saved is not None else "") or str(self._run_dir)
        return response

    def _give_up_saves(self) -> None:
        for _, answered in self._saves:
            answered.set_result(None)
        self._saves.clear()

    def on_timer(self) -> None:
        """Repeat a reset that was not answered; pass on the learner's answers to `~/save`."""
        if self._resets is not None:
            self._resets.poll()
        for request, answered in self._saves:
            if request.answer is not None and not answered.done():
                answered.set_result(None)
        self._saves = [save for save in self._saves if not save[1].done()]

    def interrupt(self) -> None:
        """End every wait for the learner."""
        self._interrupted = True
        if self._session is not None:
            self._session.cancel()


def make_node(arguments: Arguments) -> ArmNode:
    """Return an agent node."""
    return ArmNode(AgentRole(), arguments)


def main(args: Sequence[str] | None = None) -> int:
    """Run the agent node: `ros2 run ddpg_ros agent`."""
    return run_node(make_node, args)


if __name__ == "__main__":
    sys.exit(main())
