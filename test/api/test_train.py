"""Training from Python without ROS: by an id, by an environment, in a script of any shape."""

import json
import signal
import subprocess
import sys
import threading
import time

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box

import ddpg_ros
from ddpg_ros.errors import ConfigError, RunDirectoryError, RunFailedError

pytestmark = pytest.mark.usefixtures("warm_learners")

SMALL = {"learner.hidden": [8], "run.eval_episodes": 1}


class Line(gymnasium.Env):
    """A point on a line, 0 to 10 m; actions are between 1 and 3, and steps of four an episode."""

    observation_space = Box(-1.0, 10.0, (1,), np.float32)
    action_space = Box(1.0, 3.0, (1,), np.float32)

    def __init__(self, broken_at=10**9):
        self.broken_at, self.all_steps, self.closed, self.actions = broken_at, 0, False, []

    def reset(self, *, seed=None, options=None):
        self.steps = 0
        return np.zeros(1, dtype=np.float32), {}

    def step(self, action):
        self.steps, self.all_steps = self.steps + 1, self.all_steps + 1
        self.actions.append(float(action[0]))
        if self.all_steps == self.broken_at:
            raise RuntimeError("the motor is off")
        place = np.full(1, float(self.steps), dtype=np.float32)
        return place, float(action[0]), False, self.steps == 4, {"is_success": self.steps == 4}

    def close(self):
        self.closed = True


def train(what, tmp_path, **more):
    given = {"steps": 20, "directory": tmp_path / "run", "settings": SMALL} | more
    return ddpg_ros.train(what, **given)


def test_an_environment_is_learnt_and_its_policy_acts_within_its_bounds(tmp_path):
    env = Line()
    run = train(env, tmp_path, seed=3)
    assert run.directory == tmp_path / "run"
    assert run.policy == tmp_path / "run" / "policy.safetensors"
    assert (run.summary.steps, run.summary.seed, run.summary.eval_episodes) == (20, 3, 1)
    assert run.summary.task == "Line" and run.summary.success_rate == 1.0
    assert not env.closed  # it is its maker's
    assert all(1.0 <= action <= 3.0 for action in env.actions)
    policy = ddpg_ros.load_policy(str(run.policy))
    greedy = [float(policy([float(place)])[0]) for place in range(4)]
    assert env.actions[-4:] == pytest.approx(greedy, abs=1e-6)
    saved = json.loads((run.directory / "summary.json").read_text(encoding="utf-8"))
    assert saved["mean_return"] == run.summary.mean_return == pytest.approx(sum(greedy), abs=1e-5)


def test_a_policy_refuses_an_observation_of_another_size(tmp_path):
    policy = ddpg_ros.load_policy(train(Line(), tmp_path).policy)
    with pytest.raises(
        ddpg_ros.errors.PolicyFileError, match=r"shape \(2,\) for a policy of Line"
    ):
        policy(np.zeros(2))


@pytest.mark.parametrize(
    ("what", "given", "said"),
    [
        ("NoSuch-v0", {}, "Gymnasium cannot make 'NoSuch-v0'"),
        ("Pendulum-v9", {}, "Gymnasium cannot make 'Pendulum-v9'"),
        ("CartPole-v1", {}, "CartPole-v1 takes actions Discrete"),
        ("reach", {}, r"for an arm give ddpg_ros\.load_config\('reach'\)"),
        (3, {}, "3 is no environment; expected the id of one, as 'Pendulum-v1'"),
        ("Pendulum-v1", {"settings": {"n_step": 3}}, "ddpg_ros.train: there is no setting 'n_st"),
        ("Pendulum-v1", {"settings": {"self": 3}}, "there is no setting 'self'"),
        ("Pendulum-v1", {"steps": 0}, "ddpg_ros.train: run.steps is 0; input should be greater"),
        ("Pendulum-v1", {"steps": 5, "settings": {"run.steps": 6}}, "run.steps is 5 as an argum"),
        ("", {}, "neither an environment, nor the Config of an arm"),
        ("Pendulum-v1", {"settings": {"run.policy": "a.safetensors"}}, "a policy to run without"),
        ("Pendulum-v1", {"settings": {"run.resume": True}}, "from Python as resume=RUN"),
        ("Pendulum-v1", {"settings": {"run.recordings": ["a.mcap"]}}, "goes with an arm, whose"),
        ("Pendulum-v1", {"config": "gim"}, "no configuration file 'gim'.* mean 'gym'"),
    ],
)
def test_what_cannot_be_trained_is_refused_and_leaves_nothing(tmp_path, what, given, said):
    with pytest.raises(ConfigError, match=said):
        train(what, tmp_path, **given)
    assert list(tmp_path.iterdir()) == []


def test_a_directory_with_something_in_it_is_refused(tmp_path):
    (tmp_path / "mine.txt").touch()
    with pytest.raises(RunDirectoryError, match="is not empty"):
        train(Line(), tmp_path, directory=tmp_path)


def test_a_run_that_a_setting_names_is_refused_with_what_leads_to_another(tmp_path):
    (tmp_path / "mine.txt").touch()
    with pytest.raises(
        RunDirectoryError, match=r"with run\.directory or --run-dir, leave the set"
    ):
        train(Line(), tmp_path, directory=None, settings={"run.directory": str(tmp_path)})


def test_the_settings_of_an_earlier_run_train_another_and_leave_it_alone(
    finished, tmp_path, monkeypatch
):
    before = {path: path.read_bytes() for path in finished.rglob("*") if path.is_file()}
    monkeypatch.chdir(tmp_path)
    run = ddpg_ros.train(Line(), config=finished / "config.yaml", seed=1)
    assert run.directory.parent == tmp_path / "runs"
    assert (run.summary.steps, run.summary.seed) == (20, 1)
    assert {p: p.read_bytes() for p in finished.rglob("*") if p.is_file()} == before


def test_a_training_that_learnt_nothing_leaves_no_directory(tmp_path, monkeypatch):
    def fails(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("ddpg_ros.training.gymnasium_session.train_on_gymnasium", fails)
    with pytest.raises(KeyboardInterrupt):
        train(Line(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_environment_that_fails_leaves_what_was_learnt(tmp_path):
    with pytest.raises(RunFailedError, match=r"Line failed in step\(\): RuntimeError: the motor"):
        train(Line(broken_at=15), tmp_path)
    assert (tmp_path / "run" / "policy.safetensors").exists()
    summary = json.loads((tmp_path / "run" / "summary.json").read_text(encoding="utf-8"))
    assert (summary["interrupted"], summary["steps"]) == (True, 14)


def test_a_thread_may_train(tmp_path):
    runs = []
    thread = threading.Thread(target=lambda: runs.append(train(Line(), tmp_path)))
    thread.start()
    thread.join()
    assert runs[0].summary.steps == 20


def test_a_run_that_failed_goes_on_with_its_environment_and_ends_as_one_that_did_not(tmp_path):
    settings = SMALL | {"learner.mode": "eager", "run.checkpoint_every": 4}
    train(Line(), tmp_path, steps=20, directory=tmp_path / "whole", settings=settings)
    with pytest.raises(RunFailedError):
        train(Line(broken_at=15), tmp_path, settings=settings)
    run = ddpg_ros.train(Line(), resume=tmp_path / "run")
    assert (run.summary.steps, run.summary.interrupted) == (20, False)
    for name in ("metrics.csv", "evaluation.csv", "policy.safetensors"):
        whole = (tmp_path / "whole" / name).read_bytes()
        assert (tmp_path / "run" / name).read_bytes() == whole
    longer = ddpg_ros.train(Line(), resume=str(tmp_path / "run"), steps=24)
    assert longer.summary.steps == 24


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"what": "Pendulum-v1"}, "is of the environment Line, not of Pendulum-v1; leave that o"),
        ({"what": Line(), "seed": 3}, "trained with run.seed 0, and this asks for 3. A run goes"),
        ({"what": Line()}, "has taken 20 steps, and 20 are asked for; give more with --steps"),
        ({"what": ddpg_ros.Config()}, "leave out the configuration and the directory"),
        ({"directory": "elsewhere"}, "leave out the configuration and the directory"),
        ({"what": Line(), "settings": {"run.step": 3}}, "there is no setting 'run.step'"),
        ({}, "Gymnasium cannot make 'Line'"),
        ({"resume": "none"}, "none is no run directory, as it holds no config.yaml"),
    ],
)
def test_what_a_run_cannot_go_on_with_is_refused_and_changes_nothing(finished, given, said):
    before = {path: path.read_bytes() for path in finished.rglob("*") if path.is_file()}
    with pytest.raises(ddpg_ros.errors.DdpgRosError, match=said):
        ddpg_ros.train(**({"resume": finished} | given))
    assert {p: p.read_bytes() for p in finished.rglob("*") if p.is_file()} == before


def test_neither_an_environment_nor_a_run_is_refused():
    with pytest.raises(ConfigError, match="neither an environment, nor the Config of an arm, nor"):
        ddpg_ros.train()


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    return train(Line(), tmp_path_factory.mktemp("finished")).directory


SCRIPT = """
import ddpg_ros
print("begin", flush=True)
settings = {"learner.hidden": [8], "run.eval_episodes": 0}
run = ddpg_ros.train("Pendulum-v1", steps=STEPS, directory="run", settings=settings)
print("end", run.summary.steps)
"""


def start(tmp_path, steps):
    (tmp_path / "script.py").write_text(SCRIPT.replace("STEPS", str(steps)), encoding="utf-8")
    return subprocess.Popen(
        [sys.executable, "script.py"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_a_script_without_a_main_guard_runs_once(tmp_path):
    out, errors = start(tmp_path, 30).communicate(timeout=100)
    assert (out.split(), errors) == (["begin", "end", "30"], "")


@pytest.mark.slow
def test_ctrl_c_in_a_script_leaves_policy_and_summary_and_ends_it(tmp_path):
    script = start(tmp_path, 10**6)
    try:
        metrics = tmp_path / "run" / "metrics.csv"
        deadline = time.monotonic() + 100
        while not metrics.exists() or metrics.read_text().count("\n") < 2:
            assert script.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        script.send_signal(signal.SIGINT)
        out, errors = script.communicate(timeout=100)
    finally:
        script.kill()
    assert out.split() == ["begin"]
    assert f"stopped by SIGINT. Policy and summary are in {tmp_path}/run. Go on: " in errors
    assert f"Go on: ddpg_ros.train(resume='{tmp_path}/run')\n" in errors
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert (tmp_path / "run" / "policy.safetensors").exists()
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["interrupted"] is True
