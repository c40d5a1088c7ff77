"""A deployment: what is started, what is refused; and guard, policy and simulator over DDS."""

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from ddpg_ros.cli.deploy_plan import deploy_plan, order_of_arming
from ddpg_ros.cli.plan import SIMULATED
from ddpg_ros.cli.supervise import Supervisor
from ddpg_ros.config.parameter_file import load_config
from ddpg_ros.config.settings import Config
from ddpg_ros.errors import ConfigError, PolicyFileError
from test import viewers
from test.conftest import PATIENCE, wait_until
from test.processes import Process
from test.ros.conftest import make_policy

REACH = (Path(__file__).parents[2] / "config" / "reach.yaml").read_text()
ZERO = "disarmed, sending zero torque"
MINE = """
/left/guard:
  ros__parameters:
    safety: {fallback: hold}
    robot: {torque_limit: [1.0, 0.5]}
"""


@pytest.fixture
def policy(tmp_path: Path, ros_domain: int) -> Path:
    return make_policy(tmp_path / "random.safetensors", load_config("reach"))


def plan_of(policy: Path, file: str = "", simulate: bool = False, **more: object):
    return deploy_plan(policy, file, "left", simulate, more)


def test_guard_and_policy_get_a_file_each_and_the_run_ends_with_the_policy(policy: Path) -> None:
    deployment = plan_of(policy)
    guard, runner = deployment.plan.nodes
    assert (guard.name, runner.name, deployment.plan.main) == ("guard", "policy", "policy")
    assert guard.params_file != runner.params_file
    given = load_config(runner.params_file)
    assert (given.run.policy, given.run.clock) == (str(policy), "realtime")
    assert load_config(guard.params_file).run.policy == ""
    assert {guard.namespace, runner.namespace} == {"/left"}


def test_a_policy_whose_training_armed_itself_is_deployed_disarmed_and_with_the_ramp(
    tmp_path: Path, ros_domain: int
) -> None:
    trained = load_config("reach").with_parameters(dict(SIMULATED))
    assert trained.safety.auto_arm and trained.safety.ramp_seconds == 0.0
    policy = make_policy(tmp_path / "trained.safetensors", trained)
    for node in plan_of(policy, simulate=True).plan.nodes:
        safety = load_config(node.params_file).safety
        assert not safety.auto_arm and safety.ramp_seconds == 1.0


def test_a_deployment_that_would_arm_itself_is_refused(policy: Path) -> None:
    with pytest.raises(ConfigError, match="auto_arm is true; expected false: a deployment"):
        plan_of(policy, **{"safety.auto_arm": True})


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("run.clock", "lockstep", "follows the wall clock"),
        ("run.directory", "runs/mine", "keeps no results"),
        ("run.policy", "other.safetensors", "runs the file that --policy names"),
    ],
)
def test_a_setting_that_a_deployment_would_not_heed_is_refused(
    policy: Path, name: str, value: str, why: str
) -> None:
    said = f"{name} is '{value}', and a deployment {why}; leave it out of --set."
    with pytest.raises(ConfigError, match=f"^{re.escape(said)}$"):
        plan_of(policy, **{name: value})
    same = plan_of(policy, **{"run.clock": "realtime"}).plan.nodes[0]
    assert load_config(same.params_file).run.clock == "realtime"


def test_the_simulator_in_the_robot_s_place_hears_the_guard_alone(policy: Path) -> None:
    simulator, *_ = plan_of(policy, simulate=True).plan.nodes
    assert simulator.name == "simulator"
    assert "joint_command:=guarded_command" in simulator.command()
    assert load_config(simulator.params_file).run.clock == "realtime"


def test_a_section_of_the_file_is_for_its_node_and_a_setting_given_is_for_all(
    policy: Path, tmp_path: Path
) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(REACH + MINE)
    deployment = plan_of(policy, str(file), **{"safety.latch_after": 0.5})
    guard, runner = (load_config(node.params_file) for node in deployment.plan.nodes)
    assert guard.robot.torque_limit == [1.0, 0.5] != runner.robot.torque_limit
    assert guard.safety.latch_after == runner.safety.latch_after == 0.5
    assert (guard.safety.fallback, runner.safety.fallback) == ("hold", "damping")


def test_a_policy_of_another_arm_is_refused_before_anything_starts(policy: Path) -> None:
    with pytest.raises(PolicyFileError, match="was trained with joints"):
        plan_of(policy, "swing_up")


def test_a_policy_of_gymnasium_drives_no_arm(tmp_path: Path, ros_domain: int) -> None:
    with pytest.raises(PolicyFileError):
        plan_of(tmp_path / "absent.safetensors")


@pytest.mark.parametrize(
    ("fallback", "order"),
    [
        ("damping", "/left/guard/arm, then /left/policy/arm"),
        ("zero", "/left/guard/arm, then /left/policy/arm"),
        ("hold", "/left/policy/arm, then /left/guard/arm"),
    ],
)
def test_the_order_of_arming_follows_the_fallback(fallback: str, order: str) -> None:
    config = Config().with_parameters({"run.clock": "realtime", "safety.fallback": fallback})
    sentence = order_of_arming(config, "left")
    assert sentence.endswith(order)
    assert "ddpg-ros arm --namespace left" in sentence


def test_nodes_without_a_folder_write_to_this_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    class One:
        name = "policy"

        def command(self) -> list[str]:
            return ["echo", "in the terminal"]

    class Plan:
        nodes, main, log_dir = (One(),), "policy", None

    with Supervisor(Plan()) as supervisor:
        outcome = supervisor.wait(10.0)
    assert outcome is not None and outcome.kind == "finished"
    assert capfd.readouterr().out == "in the terminal\n"


@pytest.fixture
def deployed(policy: Path, tmp_path: Path) -> Iterator[Process]:
    """`ddpg-ros deploy --simulate` with a policy that pushes, on a machine that may be busy."""
    make_policy(policy, load_config("reach"), constant=0.5)
    words = ["deploy", "--policy", str(policy), "--simulate", "--set", "safety.latch_after=1000.0"]
    (tmp_path / "tmp").mkdir()
    there = {"TMPDIR": str(tmp_path / "tmp")}
    process = Process(tmp_path, "ddpg_ros.cli.main", *words, environment=there)
    yield process
    process.kill_family()


def is_there(node, asked: viewers.Asked) -> bool:
    """Whether a node publishes what a viewer reads, or hears the goals that it writes."""
    find = node.get_publishers_info_by_topic
    if asked.writes:
        find = node.get_subscriptions_info_by_topic
    keep = [
        end.qos_profile.durability.name == "TRANSIENT_LOCAL"
        for end in find(asked.topic)
        if end.topic_type == asked.type
    ]
    if asked.writes:  # a volatile publisher: who asks for the past does not hear it
        return False in keep
    return any(keeps >= asked.latched for keeps in keep)


@pytest.mark.slow
@pytest.mark.ros
@pytest.mark.bullet
def test_a_deployment_is_armed_stopped_and_reset_by_one_command_each_and_moves_between(
    deployed: Process, tmp_path: Path, ros_domain: int
) -> None:
    import rclpy
    from rclpy.executors import SingleThreadedExecutor
    from sensor_msgs.msg import JointState

    context = rclpy.Context()
    rclpy.init(context=context, domain_id=ros_domain)
    node = rclpy.create_node("onlooker", context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    guarded: list[list[float]] = []
    positions: list[list[float]] = []
    node.create_subscription(
        JointState, "guarded_command", lambda m: guarded.append(list(m.effort)), 10
    )
    node.create_subscription(
        JointState, "joint_states", lambda m: positions.append(list(m.position)), 10
    )
    try:
        wait_until(
            lambda: len(guarded) > 20,
            what="the guard's first commands",
            turn=lambda: executor.spin_once(timeout_sec=0.05),
        )
        assert not any(any(torque) for torque in guarded)  # disarmed: zero torque
        for asked in [*viewers.of_rviz(), *viewers.of_foxglove()]:
            wait_until(
                lambda asked=asked: is_there(node, asked),
                what=str(asked),
                turn=lambda: executor.spin_once(timeout_sec=0.05),
            )
        arming = Process(tmp_path, "ddpg_ros.cli.main", "arm")
        wait_until(
            lambda: not arming.running,
            what="the end of the arming",
            turn=lambda: executor.spin_once(timeout_sec=0.05),
        )
        assert arming.exit(1.0) == 0, arming.said
        assert arming.said.index("guard: ") < arming.said.index("policy: ")
        before = positions[-1]
        wait_until(
            lambda: max(abs(a - b) for a, b in zip(before, positions[-1], strict=True)) > 0.05,
            what=f"a motion of the arm: {deployed.said}",
            turn=lambda: executor.spin_once(timeout_sec=0.05),
        )
        assert any(any(torque) for torque in guarded)
        assert "both start disarmed" in deployed.said
        assert "the stamp 0.000 s" not in deployed.said  # the policy before its first state
        # each of the two nodes has said once before, at its start, that it is disarmed
        for verb, then, times in (("estop", "estop: ~/estop was called", 2), ("reset", ZERO, 4)):
            calling = Process(tmp_path, "ddpg_ros.cli.main", verb)
            wait_until(
                lambda ended=calling: not ended.running,
                what=f"the end of {verb}",
                turn=lambda: executor.spin_once(timeout_sec=0.05),
            )
            assert calling.exit(1.0) == 0, calling.said
            wait_until(
                lambda words=then, most=times: deployed.said.count(words) == most,
                what=f"{then} of both in {deployed.said}",
                turn=lambda: executor.spin_once(timeout_sec=0.05),
            )
    finally:
        executor.shutdown()
        node.destroy_node()
        context.shutdown()
    code, took = deployed.interrupt(signal.SIGINT)
    assert (code, took < 8.0) == (0, True), deployed.said
    assert deployed.gone()
    assert "Traceback" not in deployed.said
    assert not list((tmp_path / "tmp").iterdir())


@pytest.mark.slow
@pytest.mark.ros
def test_arming_without_a_deployment_is_a_sentence(tmp_path: Path, ros_domain: int) -> None:
    arming = Process(tmp_path, "ddpg_ros.cli.main", "arm")
    assert arming.exit(PATIENCE) == 2
    assert "/guard/get_parameters is not there after 10 s; start the deployment" in arming.said
    assert "Traceback" not in arming.said


def test_a_log_level_that_is_none_is_refused(policy: Path) -> None:
    with pytest.raises(ConfigError, match="'loud' is not one of"):
        deploy_plan(policy, "", "", False, {}, log_level="loud")
