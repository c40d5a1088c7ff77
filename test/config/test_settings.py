"""The settings: what is read, what is refused and how that is said."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ddpg_ros
from ddpg_ros.config.parameter_file import find_config, load_config, save_config
from ddpg_ros.config.settings import Config, field_of, from_parameters, to_parameters
from ddpg_ros.config.task_registry import OURS
from ddpg_ros.errors import ConfigError


@pytest.fixture
def load(tmp_path):
    """Return a function that writes settings as a ROS parameter file and loads it."""

    def write_and_load(text):
        file = tmp_path / "mine.yaml"
        indented = "".join(f"    {line}\n" for line in text.splitlines())
        file.write_text("/**:\n  ros__parameters:\n" + indented, encoding="utf-8")
        return load_config(file)

    return write_and_load


def test_a_file_replaces_what_it_names_and_leaves_the_rest(load):
    config = load("learner:\n  tau: 0.5\nrun:\n  seed: 7")
    assert (config.learner.tau, config.run.seed) == (0.5, 7)
    assert config == Config().with_parameters({"learner.tau": 0.5, "run.seed": 7})


def test_dotted_names_are_read_as_nested_ones_are(load):
    assert load("learner.tau: 0.5") == load("learner:\n  tau: 0.5")


def test_the_settings_of_several_nodes_are_joined(tmp_path):
    file = tmp_path / "two.yaml"
    file.write_text(
        "agent:\n  ros__parameters:\n    run: {steps: 7}\n"
        "simulator:\n  ros__parameters:\n    sim: {gravity: 0}\n"
    )
    config = load_config(file)
    assert (config.run.steps, config.sim.gravity) == (7, 0.0)


@pytest.mark.parametrize("text", ["1e-3", "'0.001'", "0.001"])
def test_a_float_that_yaml_takes_for_a_string_is_a_float(load, text):
    rate = load(f"learner: {{actor_learning_rate: {text}}}").learner.actor_learning_rate
    assert rate == 0.001


def test_whole_numbers_are_taken_where_floats_are_wanted(load):
    limits = load("robot: {torque_limit: [1, 2.5]}").robot.torque_limit
    assert limits == [1.0, 2.5]
    assert all(isinstance(limit, float) for limit in limits)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("learner: {batchsize: 3}", r"setting 'learner.batchsize'; did you mean 'learner.batch_s"),
        ("lerner: {tau: 0.5}", r"no setting 'lerner.tau'; did you mean 'learner.tau'\?"),
        ("n_step: 3", r"no setting 'n_step'; did you mean 'learner.n_step'\?"),
        ("qqqqqqqqqqqqqq: 1", r"no setting 'qqqqqqqqqqqqqq'\."),
        ("learner: {tau: 1.5}", r"learner.tau is 1.5; input should be less than or equal to 1"),
        ("learner: {tau: 0}", "learner.tau is 0; input should be greater than 0"),
        ("learner: {discount: 1}", "learner.discount is 1; input should be less than 1"),
        ("learner: {tau: .nan}", "learner.tau is nan; input should be a finite number"),
        ("learner: {tau: .inf}", "learner.tau is inf; input should be a finite number"),
        ("learner: {tau: much}", "learner.tau is 'much'; input should be a valid number"),
        ("learner: {hidden: 64}", "learner.hidden is 64; input should be a valid list"),
        ("learner: {hidden: [64, 0]}", "learner.hidden.1 is 0; input should be greater than 0"),
        ("run: {steps: 1.5}", "run.steps is 1.5; input should be a valid integer"),
        ("run: {steps: true}", "run.steps is True; expected a value like 20000"),
        ("run: {seed: -1}", "run.seed is -1; input should be greater than or equal to 0"),
        (
            "task: {name: rech}",
            r"task.name is 'rech'; .* reach, swing_up, .* mean 'reach'\?",
        ),
        ("robot: {torque_limit: [-1]}", "robot.torque_limit.0 is -1; input should be greater"),
        ("control: {effort_topic: 1bad}", "effort_topic is '1bad'; expected a ROS name, such as"),
        ("control: {effort_topic: ''}", "effort_topic is ''; expected a ROS name"),
        ("control: {reset_service: a//b}", "reset_service is 'a//b'; expected a ROS name"),
        ("control: {reset_service: a/}", "reset_service is 'a/'; expected a ROS name"),
        ("control: {reset_service: dr-1/a}", "reset_service is 'dr-1/a'; expected a ROS name"),
    ],
)
def test_a_setting_that_cannot_be_is_named_with_its_file_and_what_is_expected(load, text, said):
    with pytest.raises(ConfigError, match=rf"mine\.yaml: .*{said}"):
        load(text)


@pytest.mark.parametrize("name", ["a", "/left/arm_2/commands", "~/commands", "{node}/commands"])
def test_a_name_that_ros_knows_is_taken_and_an_episode_needs_no_reset(name):
    names = {"control.effort_topic": name, "control.reset_service": name}
    control = Config().with_parameters(names).control
    assert (control.effort_topic, control.reset_service) == (name, name)
    without = {"control.reset_service": "", "run.clock": "realtime"}
    assert Config().with_parameters(without).control.reset_service == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "learner: {tau: 1.5, discount: 1}",
            "learner.discount is 1; input should be less than 1. "
            "learner.tau is 1.5; input should be less than or equal to 1.",
        ),
        (
            "learner: {batchsize: 3}\nrun: {steps: true}",
            "there is no setting 'learner.batchsize'; did you mean 'learner.batch_size'? "
            "run.steps is True; expected a value like 20000.",
        ),
    ],
    ids=["values", "names"],
)
def test_of_several_settings_that_cannot_be_each_is_named(load, text, said):
    with pytest.raises(ConfigError) as refused:
        load(text)
    assert str(refused.value).endswith(f"mine.yaml: {said}")


@pytest.mark.parametrize(
    ("period", "timestep", "substeps"),
    [(0.04, 0.01, 4), (0.01, 0.01, 1), (0.03, 0.001, 30), (0.1, 1 / 240, 24)],
)
def test_a_period_is_a_whole_number_of_physics_steps(period, timestep, substeps):
    config = Config().with_parameters({"control.period": period, "sim.physics_timestep": timestep})
    assert config.substeps == substeps


@pytest.mark.parametrize(
    ("period", "timestep", "example"), [(0.025, 0.01, "0.02"), (0.001, 0.01, "0.01")]
)
def test_a_period_that_is_no_multiple_is_refused_with_one_that_is(period, timestep, example):
    said = f"control.period {period:g} s is not a multiple of .* {timestep:g} s; .* {example} s"
    with pytest.raises(ConfigError, match=said):
        Config().with_parameters({"control.period": period, "sim.physics_timestep": timestep})


@pytest.mark.parametrize(("seconds", "steps"), [(2.0, 50), (1e-3, 1)])
def test_the_time_limit_is_counted_in_steps(seconds, steps):
    given = {"task.episode_seconds": seconds, "control.period": 0.04}
    assert Config().with_parameters(given).episode_steps == steps


def test_a_change_leaves_alone_what_is_none_and_returns_a_copy():
    config = Config()
    assert config.with_parameters({"run.seed": 3, "run.steps": None}).run.seed == 3
    assert config.run.seed == 0
    assert config.with_parameters({"run.seed": None}) == config


def test_a_change_that_cannot_be_is_refused_with_who_asked():
    with pytest.raises(ConfigError, match=r"^--seed: run\.seed is -1; input should be greater"):
        Config().with_parameters({"run.seed": -1}, source="--seed")


def test_a_configuration_is_loaded_by_its_name_or_file():
    assert ddpg_ros.load_config("reach") == load_config(find_config("reach"))


@pytest.mark.parametrize("name", ["no_such", "/no/such/file.yaml"])
def test_a_file_that_is_not_there_is_refused_with_those_that_are(name):
    with pytest.raises(ConfigError, match=f"no configuration file '{name}'; .*reach, swing_up"):
        load_config(name)


def test_a_misspelt_configuration_of_ours_is_recognised():
    with pytest.raises(ConfigError, match=r"did you mean 'swing_up'\?"):
        load_config("swingup")


def test_a_folder_is_no_configuration(tmp_path):
    with pytest.raises(ConfigError, match="no configuration file"):
        load_config(tmp_path)


@pytest.mark.parametrize("data", [b"a: [1, 2", b"a: b: c", b"\xff\xfe\xfa", b"a:\n\t- b"])
def test_a_file_that_is_no_yaml_is_refused_in_one_line(tmp_path, data):
    file = tmp_path / "bad.yaml"
    file.write_bytes(data)
    with pytest.raises(ConfigError, match=r"bad\.yaml is not valid YAML: ") as refusal:
        load_config(file)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    "text",
    ["", "- a", "learner: {tau: 0.5}", "/**: {learner: {tau: 0.5}}", "/**: {ros__parameters: 3}"],
)
def test_yaml_that_is_no_parameter_file_is_refused_with_the_form(tmp_path, text):
    file = tmp_path / "plain.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=r"not a ROS parameter file; expected '/\*\*:', below"):
        load_config(file)


@pytest.mark.parametrize(
    ("name", "task"), [("reach", "reach"), ("swing_up", "swing_up"), ("panda", "reach")]
)
def test_the_configurations_that_ship_are_found_by_name_and_are_whole(name, task):
    assert find_config(name).name == f"{name}.yaml"
    assert load_config(name).task.name == task


def test_parameters_and_configuration_hold_the_same():
    parameters = to_parameters(Config())
    assert parameters["learner.batch_size"] == Config().learner.batch_size
    assert from_parameters(parameters) == Config()


def test_every_setting_has_a_sentence():
    for config in (Config().with_parameters({"task.name": task}) for task in OURS):
        for name in to_parameters(config):
            assert field_of(name, config).description, name


words = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=20)
some_settings = st.fixed_dictionaries(
    {},
    optional={
        "robot.urdf": words,
        "robot.joints": st.lists(words, max_size=3),
        "robot.torque_limit": st.lists(st.floats(1e-6, 1e6), max_size=3),
        "task.name": st.sampled_from(["reach", "swing_up"]),
        "task.tolerance": st.floats(1e-300, 1e6),
        "sim.start_position": st.lists(st.floats(-1e9, 1e9), max_size=3),
        "noise.sigma": st.floats(0, 1e6),
        "learner.hidden": st.lists(st.integers(1, 10**9), min_size=1, max_size=3),
        "learner.tau": st.floats(0, 1, exclude_min=True),
        "run.seed": st.integers(0, 2**31 - 1),
        "run.sync": st.booleans(),
        "run.directory": words,
    },
)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Return a path to save to, the same for every example."""
    return tmp_path_factory.mktemp("saved") / "config.yaml"


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(parameters=some_settings)
def test_what_is_saved_is_what_is_loaded(saved: Path, parameters):
    config = from_parameters(parameters)
    save_config(config, saved)
    assert load_config(saved) == config


def test_every_list_that_may_be_empty_is_so_by_default_since_a_file_leaves_it_out():
    for name, default in to_parameters(Config()).items():
        if isinstance(default, list) and default:
            with pytest.raises(ConfigError, match=f"{name} is .*; list should have at least 1"):
                from_parameters({name: []})


def test_a_minibatch_that_the_replay_cannot_hold_is_refused():
    Config().with_parameters({"learner.batch_size": 300, "learner.replay_capacity": 300})
    with pytest.raises(ConfigError, match=r"batch_size is 301, more than .*capacity, 300\.$"):
        Config().with_parameters({"learner.batch_size": 301, "learner.replay_capacity": 300})


def test_lock_step_without_a_reset_service_is_refused():
    with pytest.raises(ConfigError, match=r"reset_service is empty while run\.clock is lockstep"):
        Config().with_parameters({"control.reset_service": ""})
    assert Config().with_parameters({"control.reset_service": "", "run.clock": "realtime"})


def test_a_controller_that_keeps_the_last_effort_does_not_hold():
    with pytest.raises(ConfigError, match="keeps the last effort for ever"):
        Config().with_parameters(
            {"control.command_interface": "effort_array", "safety.fallback": "hold"}
        )


def test_off_is_a_choice_though_yaml_reads_it_as_false():
    assert from_parameters({"run.record": False}).run.record == "off"
    with pytest.raises(ConfigError, match=r"noise\.kind is False"):
        from_parameters({"noise.kind": False})


NUMBERS = [name for name, value in to_parameters(Config()).items() if type(value) in (int, float)]


@pytest.mark.parametrize("name", [*NUMBERS, "task.point_seconds"])
@pytest.mark.parametrize(
    "value", [5e-324, 1e-320, -5e-324, 1e-6, 1e6, 1.7e308, 10**400, "9" * 5000], ids=str
)
def test_any_number_makes_a_configuration_or_a_sentence(name, value):
    given = {"task.name": "track"} if name == "task.point_seconds" else {}
    try:
        config = Config().with_parameters(given | {name: value})
    except ConfigError as error:
        assert name in str(error)
    else:
        assert config.substeps >= 1 and config.episode_steps >= 1
        assert to_parameters(config)[name] == value


@pytest.mark.parametrize("name", ["control.period", "sim.physics_timestep", "sim.push_every"])
def test_a_time_that_others_are_divided_by_is_a_microsecond_at_least(name):
    with pytest.raises(ConfigError, match=f"{name} is 9e-07; .* equal to 0.000001"):
        Config().with_parameters({name: 9e-7})
