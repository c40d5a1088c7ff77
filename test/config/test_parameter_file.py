"""Which sections of a parameter file reach which node, and what a training takes from them."""

import pytest

from ddpg_ros.config.parameter_file import load_config, read_sections, section_of, settings_for
from ddpg_ros.errors import ConfigError


def section(name, **settings):
    return f"{name}:\n  ros__parameters: {settings}\n"


@pytest.fixture
def write(tmp_path):
    def write(*sections):
        file = tmp_path / "mine.yaml"
        file.write_text("".join(sections), encoding="utf-8")
        return file

    return write


@pytest.mark.parametrize(
    ("name", "nodes"),
    [
        ("/**", {"/guard", "/left/guard", "/a/b/guard", "/agent"}),
        ("guard", {"/guard"}),
        ("/guard", {"/guard"}),
        ("/left/guard", {"/left/guard"}),
        ("left/guard", {"/left/guard"}),
        ("/*/guard", {"/left/guard"}),
        ("/**/guard", {"/guard", "/left/guard", "/a/b/guard"}),
        ("/*", {"/guard", "/agent"}),
        ("/left/**", {"/left/guard"}),
    ],
)
def test_the_name_of_a_section_says_which_nodes_it_is_for(name, nodes):
    one = section_of(name, {}, "a file")
    assert {n for n in ("/guard", "/left/guard", "/a/b/guard", "/agent") if one.is_for(n)} == nodes


def test_namespaces_may_stand_above_a_node(write):
    file = write("left:\n  guard:\n    ros__parameters: {run: {seed: 3}}\n")
    (one,) = read_sections(file)
    assert (one.pattern, one.settings) == ("/left/guard", {"run.seed": 3})


@pytest.mark.parametrize("name", ["/gu*rd", "/***", "a b", "1st", "/left//2nd"])
def test_what_is_no_name_of_a_node_is_refused(write, name):
    with pytest.raises(ConfigError, match=r"mine\.yaml has a section '.*'; expected the name of"):
        read_sections(write(section(f"'{name}'", a=1)))


def test_a_setting_twice_in_one_section_is_refused(write):
    file = write("/**:\n  ros__parameters:\n    run: {seed: 1}\n    run.seed: 2\n")
    with pytest.raises(ConfigError, match=r"gives run\.seed twice in one section"):
        read_sections(file)


def settings(file, node="/guard"):
    return settings_for(node, "guard", read_sections(file), file)


def test_a_later_section_counts_before_an_earlier_one(write):
    assert settings(write(section("/**", a=1, b=1), section("guard", a=2))) == {"a": 2, "b": 1}


def test_a_general_section_that_would_undo_one_of_a_single_node_is_refused_with_both(write):
    file = write(section("guard", a=1), section("/**", a=2))
    with pytest.raises(ConfigError, match=r"gives a as 1 under 'guard' and .* as 2 under '/\*\*'"):
        settings(file)
    assert settings(write(section("guard", a=1), section("/**", a=1))) == {"a": 1}


def test_a_section_that_bears_a_nodes_name_and_does_not_reach_it_is_refused(write):
    file = write(section("guard", a=1))
    with pytest.raises(ConfigError, match=r"for the node /guard, and this node is /left/guard"):
        settings(file, "/left/guard")
    both = write(section("guard", a=1), section("/left/guard", a=2))
    assert settings(both, "/left/guard") == {"a": 2}
    assert settings(write(section("/right/guard", a=1)), "/left/guard") == {}


def test_a_misspelt_section_is_refused_and_a_stranger_s_is_none_of_ours(write):
    with pytest.raises(ConfigError, match=r"a section 'gaurd', .*; did you mean 'guard'\?"):
        settings(write(section("gaurd", a=1)))
    assert settings(write(section("move_group", a=1), section("guard2", a=1))) == {}


def test_a_section_for_another_node_reaches_neither_agent_nor_simulator(write):
    file = write(
        section("/**", run={"steps": 5}),
        section("guard", robot={"torque_limit": [0.5, 0.5]}),
        section("policy", **{"run.policy": "a file"}),
    )
    config = load_config(file)
    assert (config.run.steps, config.robot.torque_limit, config.run.policy) == (5, [], "")


def test_the_sections_of_agent_and_simulator_reach_each_its_own_settings(write):
    file = write(
        section("agent", **{"learner.tau": 0.5}), section("simulator", **{"sim.gravity": 0})
    )
    config = load_config(file)
    assert (config.learner.tau, config.sim.gravity) == (0.5, 0.0)


@pytest.mark.parametrize(
    ("node", "setting", "value", "other"),
    [
        ("simulator", "robot.urdf", "pendulum", "'reacher2' to the agent and as 'pendulum'"),
        ("simulator", "run.seed", 3, "0 to the agent and as 3 to the simulator"),
        ("agent", "run.seed", 3, "3 to the agent and as 0 to the simulator"),
        ("simulator", "learner.tau", 0.5, "0.01 to the agent and as 0.5"),
        ("agent", "sim.gravity", 1.0, "1.0 to the agent and as 9.81"),
    ],
)
def test_what_agent_and_simulator_cannot_both_have_is_refused(write, node, setting, value, other):
    with pytest.raises(ConfigError, match=rf"gives {setting} as {other}") as refused:
        load_config(write(section(node, **{setting: value})))
    assert "set it once, under '/**'" in str(refused.value)


def test_in_a_namespace_the_sections_of_that_namespace_count(write):
    file = write(section("/left/agent", **{"learner.tau": 0.5}))
    assert load_config(file, "/left").learner.tau == 0.5
    assert load_config(file).learner.tau == 0.01


def test_a_file_that_would_take_minutes_to_read_is_refused_at_once(write):
    with pytest.raises(ConfigError, match=r"has 10000.. bytes; expected at most 1000000"):
        load_config(write("#" * 1_000_000 + "\n", section("'/**'", run={"steps": 5})))


@pytest.mark.parametrize("value", [None, 5, [1, 2], "fast"])
def test_a_section_without_settings_is_called_one(write, value):
    sentence = "'run' is a section, not a setting; expected settings below it, such as run.seed"
    with pytest.raises(ConfigError, match=sentence):
        load_config(write(section("'/**'", run=value)))
