"""Lock-step training over DDS: the seed alone decides, not the timing of the processes."""

from pathlib import Path

import pytest

pytest.importorskip("rclpy")
pytest.importorskip("torch")
pytest.importorskip("pybullet")

from test.conftest import wait_until
from test.processes import Process, ros_arguments

pytestmark = [pytest.mark.ros, pytest.mark.bullet, pytest.mark.slow, pytest.mark.long]

FILES = ("metrics.csv", "evaluation.csv", "policy.safetensors")


class Run:
    """A simulator and an agent, with its learner, in a namespace of their own."""

    def __init__(self, folder: Path, seed: int) -> None:
        """Start both."""
        folder.mkdir()
        self._folder = folder
        settings: dict[str, object] = {
            "run__seed": seed,
            "run__steps": 700,
            "run__eval_episodes": 2,
            "learner__warmup_steps": 200,
            "learner__batch_size": 32,
            "learner__update_to_data": 12.0,  # 6,000 updates, for which `auto` compiles
            "learner__mode": "auto",
            "safety__auto_arm": True,
        }
        place = ("-r", f"__ns:=/{folder.name}")
        self._simulator = Process(folder, "sim.simulator_node", *ros_arguments(settings, *place))
        settings["run__directory"] = folder / "run"
        self._agent = Process(folder, "ddpg_ros.ros.nodes.agent", *ros_arguments(settings, *place))

    @property
    def compiled(self) -> bool:
        """Whether it made the compiled update; else it found it."""
        return "learner: compiling the update" in self._agent.said

    def files(self) -> dict[str, bytes]:
        """Wait for the end; return what it left."""
        try:
            wait_until(lambda: not self._agent.running, 250.0, "the end of the run")
            assert self._agent.exit(1.0) == 0, self._agent.said
            return {name: (self._folder / "run" / name).read_bytes() for name in FILES}
        finally:
            self._agent.kill_family()
            self._simulator.kill_family()


@pytest.mark.timeout(300)
def test_the_same_seed_writes_the_same_bytes_under_load_and_another_seed_others(
    tmp_path: Path, ros_domain: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    first = Run(tmp_path / "alone", seed=3)
    alone = first.files()
    assert alone["metrics.csv"].count(b"\n") == 15  # a line of names, 14 episodes of 50 steps
    # Six processes on the cores at once: each waits for others at other moments than alone.
    together, other = Run(tmp_path / "together", seed=3), Run(tmp_path / "other", seed=4)
    others_files = other.files()
    assert together.files() == alone
    assert first.compiled and not together.compiled  # which the bytes do not tell
    for name in FILES:
        assert others_files[name] != alone[name]
