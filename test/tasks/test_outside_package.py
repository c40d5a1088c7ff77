"""A task of a package that lives outside this checkout, over real topics and services."""

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from ddpg_ros.config.parameter_file import load_config
from ddpg_ros.control.policy import load_policy
from test.conftest import wait_until
from test.processes import Process, ros_arguments

pytestmark = pytest.mark.ros
rclpy = pytest.importorskip("rclpy")

SOURCE = '''
    """Push the first joint as far as it goes."""

    import numpy as np
    from pydantic import Field

    from ddpg_ros import Task


    class Push(Task):
        class Settings(Task.Settings):
            force: float = Field(1.5, gt=0, le=10, description="Force of the push [N]")
            tries: int = Field(3, ge=1, le=9, description="How often it pushes")

        observation_size = 4
        terms = ("away",)

        def observe(self, state):
            return np.concatenate([state.position, state.velocity]).astype(np.float32)

        def reward(self, state, action):
            return {"away": self.settings.force * float(state.position[0])}
'''


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the package, as pip would install it, on the path of every process."""
    site = tmp_path / "site"
    (site / "my_tasks").mkdir(parents=True)
    (site / "my_tasks" / "__init__.py").touch()
    (site / "my_tasks" / "push.py").write_text(textwrap.dedent(SOURCE), encoding="utf-8")
    about = site / "my_tasks-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: my_tasks\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[ddpg_ros.tasks]\npush = my_tasks.push:Push\n")
    before = os.environ.get("PYTHONPATH", "")
    monkeypatch.setenv("PYTHONPATH", f"{site}{os.pathsep}{before}")
    monkeypatch.syspath_prepend(site)
    return site


def ddpg_ros(*words: object, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ddpg_ros.cli.main", *map(str, words)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=110)


@pytest.mark.slow
@pytest.mark.long
def test_it_is_trained_by_its_registered_name(outside: Path, ros_domain: int, tmp_path: Path):
    run = tmp_path / "run"
    words = ["--set", "task.name=push", "--set", "task.force=2.5", "--set", "learner.hidden=[8]"]
    words += ["--set", "learner.warmup_steps=50", "--set", "learner.mode=eager"]
    words += ["--set", "task.episode_seconds=0.4"]  # and so a short rollout to draw
    ended = ddpg_ros(
        "train", *words, "--steps", 300, "--eval-episodes", 2, "--run-dir", run, folder=tmp_path
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    summary = json.loads((run / "summary.json").read_text(encoding="utf-8"))
    assert (summary["task"], summary["steps"], summary["updates"]) == ("push", 300, 250)
    header = (run / "metrics.csv").read_text(encoding="utf-8").partition("\n")[0]
    assert ",reward_away," in header
    saved = load_config(run / "config.yaml").task.model_dump()
    assert (saved["name"], saved["force"], saved["tries"]) == ("push", 2.5, 3)
    about = load_policy(run / "policy.safetensors").about
    assert (about.task, about.config["task.force"], about.sizes[0]) == ("push", 2.5, 4)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["task.name=push", "--set", "task.force=11"], "task.force is 11; input should be less"),
        (["task.name=push", "--set", "task.forse=1"], "mean 'task.force'?"),
        (["task.name=pusch"], "pose, push, reach, swing_up, track, or the path of a class"),
        (["task.name=my_tasks.push:Pull"], "it is not there; my_tasks.push has Push"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(
    outside: Path, ros_domain: int, tmp_path: Path, words: list[str], said: str
):
    ended = ddpg_ros("train", "--set", *words, folder=tmp_path)
    assert ended.returncode == 2 and said in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "runs").exists()


@pytest.fixture
def agent(outside: Path, ros_domain: int, tmp_path: Path) -> Iterator[Process]:
    """An agent that is given the task by the path of its class."""
    given: dict[str, object] = {"task__name": "my_tasks.push:Push", "task__force": 2.5}
    given |= {"run__directory": tmp_path / "run", "learner__mode": "eager"}
    process = Process(tmp_path, "ddpg_ros.ros.nodes.agent", *ros_arguments(given))
    yield process
    process.kill_family()


def test_its_settings_are_described_by_the_parameter_services(agent: Process, ros_domain: int):
    from rcl_interfaces.srv import DescribeParameters, GetParameters

    rclpy.init(args=[], domain_id=ros_domain)
    node = rclpy.create_node("onlooker")
    try:

        def ask(kind, service, names):
            client = node.create_client(kind, f"/agent/{service}")
            wait_until(client.service_is_ready, what=service)
            answer = client.call_async(kind.Request(names=names))
            wait_until(
                answer.done, what=service, turn=lambda: rclpy.spin_once(node, timeout_sec=0.1)
            )
            return answer.result()

        names = ["task.force", "task.tries", "task.name"]
        described = ask(DescribeParameters, "describe_parameters", names).descriptors
        force, tries, name = described
        assert force.description == "Force of the push [N]" and force.read_only
        (bounds,) = force.floating_point_range
        assert (bounds.from_value, bounds.to_value) == (0.0, 10.0)
        (bounds,) = tries.integer_range
        assert (bounds.from_value, bounds.to_value) == (1, 9)
        force, tries, name = ask(GetParameters, "get_parameters", names).values
        values = (force.double_value, tries.integer_value, name.string_value)
        assert values == (2.5, 3, "my_tasks.push:Push")
    finally:
        node.destroy_node()
        rclpy.try_shutdown()
