"""Tasks from outside the package: how they are found, what is refused, and their settings."""

import sys

import numpy as np
import pytest

from ddpg_ros.build import build_arm
from ddpg_ros.config.parameter_file import load_config, save_config
from ddpg_ros.config.settings import Config, from_parameters, to_parameters
from ddpg_ros.errors import ConfigError
from ddpg_ros.tasks.reach import Reach

HEAD = """
from typing import Literal
import numpy as np
from pydantic import Field
import ddpg_ros.tasks

class Push(ddpg_ros.tasks.Task):
    class Settings(ddpg_ros.tasks.Task.Settings):
        force: float = Field(1.5, gt=0, le=10, description="Force of the push [N]")
        tries: int = Field(3, ge=1, le=9, description="How often it pushes")
        side: Literal["left", "right"] = Field("left", description="Where it pushes")
        weights: list[float] = Field([], description="Weight of each joint")

    observation_size = 4
    terms = ("away", "effort")
"""
BODY = """
    def observe(self, state):
        return np.concatenate([state.position, state.velocity]).astype(np.float32)

    def reward(self, state, action):
        return {"away": float(state.position[0]), "effort": -self.settings.force}
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Writes packages into a folder outside this checkout, as pip would install them."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)

    def write(source, entry_points="", module="pushing", dist="pushing"):
        (tmp_path / f"{module}.py").write_text(source, encoding="utf-8")
        if entry_points:
            metadata = tmp_path / f"{dist}-1.0.dist-info"
            metadata.mkdir()
            (metadata / "METADATA").write_text(
                f"Metadata-Version: 2.1\nName: {dist}\nVersion: 1\n"
            )
            listed = f"[ddpg_ros.tasks]\n{entry_points}\n"
            (metadata / "entry_points.txt").write_text(listed, encoding="utf-8")
            # Python's finder keeps a folder's listing; another spelling of the path is read anew
            monkeypatch.syspath_prepend(f"{tmp_path}/.")
        return tmp_path

    yield write
    for name in set(sys.modules) - before:
        if name.startswith(("pushing", "other")):
            del sys.modules[name]


def of(name, **settings):
    return from_parameters({"task.name": name} | settings, "here")


def refusal(name, **settings):
    """Return why an arm cannot be built for a task."""
    with pytest.raises(ConfigError) as refused:
        build_arm(of(name, **settings))
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_a_task_is_found_by_the_path_of_its_class_and_by_its_registered_name(package):
    package(HEAD + BODY, "push = pushing:Push")
    for name in ("pushing:Push", "push"):
        config = of(name, **{"task.force": 2})
        _, task, _ = build_arm(config)
        assert type(task).__module__ == "pushing"
        assert task.settings.name == name and task.settings.force == 2.0


def test_a_module_in_the_current_directory_is_found(package, monkeypatch, tmp_path):
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "other_pushing.py").write_text(HEAD + BODY, encoding="utf-8")
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", list(sys.path))
    assert of("other_pushing:Push").task.episode_seconds == 2.0


def test_its_settings_are_settings_like_all_others(package):
    package(HEAD + BODY)
    own = {n: v for n, v in to_parameters(of("pushing:Push")).items() if n[:5] == "task."}
    assert own == {
        "task.name": "pushing:Push",
        "task.episode_seconds": 2.0,
        "task.force": 1.5,
        "task.tries": 3,
        "task.side": "left",
        "task.weights": [],
    }


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("task.force", 11, "task.force is 11; input should be less than or equal to 10."),
        ("task.force", "much", "task.force is 'much'; input should be a valid number"),
        ("task.tries", 1.5, "task.tries is 1.5; input should be a valid integer"),
        ("task.side", "up", "task.side is 'up'; input should be 'left' or 'right'."),
        ("task.weights", ["a"], "task.weights.0 is 'a'; input should be a valid number"),
        ("task.forse", 1, "there is no setting 'task.forse'; did you mean 'task.force'?"),
        ("task.tolerance", 1, "there is no setting 'task.tolerance'"),
    ],
)
def test_a_setting_of_its_own_that_cannot_be_is_refused(package, setting, value, said):
    package(HEAD + BODY)
    assert refusal("pushing:Push", **{setting: value}).startswith(f"here: {said}")


def test_its_settings_come_back_from_the_file_of_a_run(package, tmp_path):
    package(HEAD + BODY)
    config = of("pushing:Push", **{"task.force": 2.5, "task.weights": [1, 2]})
    save_config(config, tmp_path / "config.yaml")
    assert load_config(tmp_path / "config.yaml") == config


def test_another_task_begins_with_its_own_settings_but_for_the_time_limit(package):
    package(HEAD + BODY)
    reach = from_parameters({"task.tolerance": 0.5, "task.episode_seconds": 7.0})

    def change(config, **given):
        return config.with_parameters({f"task.{k}": v for k, v in given.items()}, source="me").task

    push = reach.with_parameters({"task.name": "pushing:Push", "task.force": 3.0}, source="me")
    assert (push.task.force, push.task.episode_seconds) == (3.0, 7.0)
    assert change(push, name="reach").tolerance == 0.02
    assert change(reach, name="reach", episode_seconds=None).tolerance == 0.5


def test_files_that_hold_what_a_task_once_had_are_read():
    everything = {"task.name": "swing_up", "task.goal_range": 1.0, "task.tolerance": 0.2}
    assert from_parameters(everything).task.tolerance == 0.2


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("push", "a registered task, hold, joints, pose, reach, swing_up, track, or the path of"),
        ("raech", "as my_package.push:Push; did you mean 'reach'?"),
        ("", "task.name is ''; expected a registered task"),
        ("no.such:Push", "no.such does not import (ModuleNotFoundError: No module named 'no'"),
        ("pushing:Pull", "the class Pull in pushing; it is not there; pushing has Push"),
        ("pushing:HEIGHT", "the class HEIGHT in pushing; it is there, but is no class"),
        ("a b:c", "task.name is 'a b:c'; expected a registered task"),
        ("..:x", "task.name is '..:x'; expected a registered task"),
        ("1:30", "task.name is '1:30'; expected a registered task"),
    ],
)
def test_a_name_for_which_there_is_no_task_is_refused(package, name, said):
    package(f"HEIGHT = 3\n{HEAD}{BODY}")
    assert said in refusal(name)


def test_a_module_that_fails_is_named_with_its_error_and_the_line(package):
    folder = package("\n\nraise RuntimeError('no camera\\nhere')", "push = pushing:Push")
    (folder / "other_one.py").write_text(HEAD + BODY, encoding="utf-8")
    said = refusal("push")
    assert said.count("RuntimeError: no camera here") == 1
    assert f"{folder}/pushing.py:3" in said.replace("/./", "/")
    assert "'push'" in refusal("pusch") and of("other_one:Push") and of("reach")


def test_a_module_that_ends_the_program_when_it_is_imported_does_not(package):
    package("raise SystemExit('usage: pushing')")
    assert "(SystemExit: usage: pushing" in refusal("pushing:Push")


def test_two_tasks_of_one_name_are_refused_with_both(package):
    package(HEAD + BODY, "push = pushing:Push\nreach = pushing:Push")
    package(HEAD + BODY, "push = other_pushing:Push", "other_pushing", "other")
    assert "'push': " in refusal("push")
    for path in ("pushing:Push", "other_pushing:Push"):
        assert path in refusal("push")
    assert "'reach': ddpg_ros.tasks.reach:Reach and pushing:Push" in refusal("reach")
    assert of("swing_up").task.name == "swing_up"


def test_what_a_task_lacks_is_named(package):
    package(HEAD + "    def observe(self, state): ...", "push = pushing:Push")
    said = refusal("push")
    assert said.startswith("here: the task pushing:Push lacks reward(); expected a class that")
    package("class Bare:\n    def observe(self, state): ...", module="other_bare")
    assert "lacks reset(), reward(), terminated(), success()" in refusal("other_bare:Bare")


@pytest.mark.parametrize(
    ("force", "said"),
    [
        (3.0, "here: task.force is 3.0; too much at once."),
        (6.0, "the Settings of the task pushing:Push failed: RuntimeError: no answer."),
    ],
)
def test_a_validator_of_a_tasks_settings_refuses_in_one_line(package, force, said):
    check = """
        @pydantic.field_validator("force")
        @classmethod
        def check(cls, force):
            if force > 5:
                raise RuntimeError("no\\nanswer")
            if force > 2:
                raise ValueError("too much\\nat once")
            return force
"""
    package(
        "import pydantic" + HEAD.replace("        side: L", f"{check}\n        side: L") + BODY
    )
    with pytest.raises(ConfigError) as refused:
        from_parameters({"task.name": "pushing:Push", "task.force": force}, "here")
    assert str(refused.value) == said


def test_a_whole_number_that_no_parameter_holds_is_refused(package):
    package(HEAD.replace(", ge=1, le=9", "") + BODY)
    with pytest.raises(
        ConfigError, match=r"task\.tries is 10*; expected a whole number of at most"
    ):
        from_parameters({"task.name": "pushing:Push", "task.tries": 10**30}, "here")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("Settings = 3", "the Settings of the task pushing:Push are 3; expected a class that"),
        ("class Settings: ...", "expected a class that extends ddpg_ros.Task.Settings."),
        ("{model} force: float", "the setting force of the task pushing:Push has no default"),
        ("{model} force: float = Field(0, gt=0)", "has the default 0; input should be greater"),
        ("{model} force: dict = {{}}", "force of the task pushing:Push is of type <class 'dict'>"),
        ("{model} force: int = 10**30", "00; expected a whole number of at most 64 bits."),
        (
            "{model} force: list = Field(default_factory=lambda: 1 / 0)",
            "is of type <class 'list'>",
        ),
        (
            "{model} force: float = Field(default_factory=lambda: 1 / 0)",
            "the Settings of the task pushing:Push failed: ZeroDivisionError: division by zero.",
        ),
        ("{model} name: int = 3", "every task has name as str: rename yours."),
        ("{model} episode_seconds: str = ''", "every task has episode_seconds as float"),
        (
            "Settings = type('Made', (ddpg_ros.tasks.Task.Settings,), dict(__module__='pushing'))",
            "the Settings of the task pushing:Push are not found as pushing:Made, where",
        ),
    ],
)
def test_settings_that_cannot_be_parameters_are_refused(package, settings, said):
    model = "class Settings(ddpg_ros.tasks.Task.Settings):"
    head, _, tail = HEAD.partition("    class Settings")
    _, _, tail = tail.partition("\n\n")
    package(f"{head}    {settings.format(model=model)}\n{tail}{BODY}")
    assert said in refusal("pushing:Push")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("= 4", "= 5"), "observe() returned float32 (4,); expected float32 (5,)"),
        ((".astype(np.float32)", ""), "observe() returned float64 (4,); expected float32 (4,)"),
        (("= 4", "= -1"), "observation_size is -1; expected a count"),
        (("float(state.position[0])", "float('nan')"), "reward() returned away: nan; expected"),
        (
            ('"away": float', '"near": float'),
            "terms near, effort; expected the terms away, effort",
        ),
        (("float(state.position[0])", "1 / 0"), "failed in reward(), "),
        (('("away", "effort")', '"away"'), "terms is 'away'; expected a tuple of names."),
        (("return np.conc", "return state.x + np.conc"), "has no attribute 'x'."),
        (("observation_size = 4", "goal = 3.0"), "observation_size is not there"),
        (
            ("observation_size = 4", "observation_size = 4; goal = 3.0"),
            "has the goal 3.0; expected",
        ),
        (("observation_size = 4", "observation_size = 4; goal = None"), "goal is None after adv"),
        (("= 4", "= 4; goal = np.full(3, np.nan)"), "the goal array([nan, nan, nan]); expected f"),
        (("# and", "def success(self, state): return 3.0"), "success() returned 3.0; expected T"),
        (("# and", "def __init__(self): ..."), "failed in __init__()"),
        (("# and", "def reset(self, rng): raise SystemExit(0)"), "failed in reset(), "),
        (("= 4", "= True"), "observation_size is True; expected a count"),
        (("float(state.position[0])", "np.zeros(1)"), "away: array([0.]); expected finite"),
        (("float(state.position[0])", "'1'"), "away: '1'; expected finite numbers."),
        (('"away", "effort")', '"a\\nb", "effort")'), "expected a tuple of names."),
        (('"away", "effort")', '"", "effort")'), "expected a tuple of names."),
    ],
)
def test_a_task_that_gives_something_else_than_it_states_is_named_before_a_run(
    package, change, said
):
    package((HEAD + "    # and\n" + BODY).replace(*change))
    assert said in refusal("pushing:Push")


def test_an_array_that_a_task_gives_again_and_again_is_refused(package):
    kept = "    kept = np.zeros(4, dtype=np.float32)\n"
    package(HEAD + kept + BODY.replace("return np.conc", "return self.kept; np.conc"))
    assert "observe() returned the same array twice" in refusal("pushing:Push")


def test_a_rehearsal_leaves_our_own_task_as_it_takes_part_in_a_run():
    _, task, _ = build_arm(Config())
    assert isinstance(task, Reach) and np.shape(task.goal) == (3,)


def test_a_size_that_numpy_counted_is_an_int(package):
    package((HEAD + BODY).replace("observation_size = 4", "observation_size = np.int64(4)"))
    task = build_arm(of("pushing:Push"))[1]
    assert type(task.observation_size) is int
