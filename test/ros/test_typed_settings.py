"""What a command line sets: the last one typed, read as `ddpg-ros train` reads a file."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ddpg_ros.config.fields import kind_of
from ddpg_ros.config.parameter_file import load_config
from ddpg_ros.config.settings import Config, field_of, from_parameters, to_parameters
from ddpg_ros.errors import ConfigError
from ddpg_ros.ros.runtime.arguments import read_arguments

LIMIT = "robot.torque_limit"


@pytest.fixture
def named(tmp_path):
    """A file that gives the guard a limit of its own."""
    file = tmp_path / "named.yaml"
    file.write_text(
        "/**:\n  ros__parameters: {robot: {urdf: reacher2}}\n"
        "guard:\n  ros__parameters: {robot: {torque_limit: [1.5, 1.0]}}\n"
    )
    return str(file)


def limit(*words, name="guard"):
    return read_arguments(["--ros-args", *words]).settings(name).get(LIMIT)


def test_what_was_typed_last_is_in_force_whatever_section_it_stands_in(named):
    typed = f"{LIMIT}:=[0.5,0.5]"
    assert limit("--params-file", named) == [1.5, 1.0]
    assert limit("--params-file", named, "-p", typed) == [0.5, 0.5]
    assert limit("-p", typed, "--params-file", named) == [1.5, 1.0]
    assert limit("--params-file", named, "-p", typed, name="policy") == [0.5, 0.5]
    assert limit("-p", f"guard:{LIMIT}:=[0.1, 0.1]", "--param", typed) == [0.5, 0.5]
    assert limit("-p", typed, "-p", f"guard:{LIMIT}:=[0.1, 0.1]") == [0.1, 0.1]
    assert limit("-p", f"agent:{LIMIT}:=[0.1, 0.1]") is None


def test_a_remapped_node_gets_what_is_for_its_new_name(tmp_path):
    file = tmp_path / "two.yaml"
    file.write_text(
        f"/left/arm:\n  ros__parameters: {{{LIMIT}: [1, 2]}}\n"
        f"/right/arm:\n  ros__parameters: {{{LIMIT}: [3, 4]}}\n"
    )
    for words in (
        ("-r", "__ns:=/left", "-r", "__node:=arm"),
        ("--remap", "guard:__ns:=/left", "-r", "agent:__node:=no", "-r", "guard:__node:=arm"),
        ("-r", "__ns:=/left", "-r", "__ns:=/right", "-r", "__name:=arm"),  # the first counts
    ):
        assert limit("--params-file", str(file), *words) == [1, 2]


def test_rcl_gets_all_the_rest_in_its_order(named):
    words = ["a", "-p", "b", "--ros-args", "-r", "x:=y", "--log-level", "debug", "--", "-p", "c"]
    arguments = read_arguments(
        [*words, "--ros-args", "--params-file", named, "-p", "a:=1", "-r", "__ns:=/left"]
    )
    assert list(arguments.rest) == [*words, "--ros-args", "-r", "__ns:=/left"]
    assert arguments.node_name("guard") == "/left/guard"


@pytest.mark.parametrize(
    "text", ["a", "a:={b: 1}", "a:=[1", ":=3", "a=3", "guard::=3", "gu*rd:a:=3"]
)
def test_an_assignment_that_is_none_is_refused_with_what_was_typed(text):
    with pytest.raises(ConfigError) as refused:
        read_arguments(["--ros-args", "-p", text]).settings("guard")
    assert str(refused.value).startswith(f"-p {text}")


def test_an_option_without_its_word_is_refused():
    with pytest.raises(ConfigError, match="--params-file is the last word"):
        read_arguments(["--ros-args", "--params-file"])


def test_a_parameter_file_that_is_no_file_is_refused(tmp_path):
    for path, said in ((tmp_path, "is a directory"), (tmp_path / "none", "is not there")):
        with pytest.raises(ConfigError, match=said):
            read_arguments(["--ros-args", "--params-file", str(path)])


# the same file means the same, for each setting


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return tmp_path_factory.mktemp("any") / "any.yaml"


def by_node(file, setting, text):
    arguments = read_arguments(["--ros-args", "--params-file", str(file)])
    return from_parameters(arguments.settings("agent"), str(file))


def by_assignment(file, setting, text):
    arguments = read_arguments(["--ros-args", "-p", f"{setting}:={text}"])
    return from_parameters(arguments.settings("agent"), str(file))


def outcome(read, *given):
    try:
        return read(*given)
    except ConfigError as error:
        return str(error)


NUMBERS = ["1e6", "1e-3", "0x10", "010", "1_000", "1:30", "1e400", "'3'", "-1", "0", "1", "1.0"]
TEXTS = [".nan", ".inf", "~", "yes", "on", "'on'", "''", "text", "2024-01-05", "realtime"]
LISTS = ["[]", "[2, 0.5]", "[2, 1]", "[a, b]", "[[1]]", "[true]", "[~]", "[1, a]"]

texts = st.one_of(
    st.sampled_from([*NUMBERS, *TEXTS, *LISTS]),
    st.integers().map(str),
    st.floats().map(str),
    st.lists(st.one_of(st.integers(), st.floats(allow_nan=False)), max_size=3).map(str),
)


@pytest.mark.slow
@settings(deadline=None, max_examples=300)
@given(st.sampled_from(sorted(to_parameters(Config()))), texts)
def test_file_parameter_file_and_assignment_mean_the_same_for_every_setting(file, setting, text):
    file.write_text(f"/**:\n  ros__parameters:\n    {setting}: {text}\n", encoding="utf-8")
    trained = outcome(load_config, file)
    assert outcome(by_node, file, setting, text) == trained
    assert outcome(by_assignment, file, setting, text) == trained
    if isinstance(trained, Config):
        value = to_parameters(trained)[setting]
        kind, is_list = kind_of(field_of(setting, trained))
        assert all(type(item) is kind for item in (value if is_list else [value]))
    else:
        assert setting.split(".")[0] in trained and "\n" not in trained


@pytest.mark.parametrize(
    ("setting", "text", "meaning"),
    [
        (LIMIT, "[2, 0.5]", [2.0, 0.5]),
        ("run.steps", "1e6", 1_000_000),
        ("run.steps", "1_000", "run.steps is '1_000'; input should be a valid integer."),
        ("run.steps", "2.5", "run.steps is 2.5; input should be a valid integer."),
        ("run.steps", "~", "run.steps has no value; expected one like 20000, or no such line"),
        ("run.seed", "010", "run.seed is '010'; input should be a valid integer."),
        ("run.seed", "0x10", 16),
        ("sim.start_position", "[]", []),
        ("control.period", "1", 1.0),
        ("run.sync", "off", False),
        ("run.sync", "0", "run.sync is 0; input should be a valid boolean."),
        ("learner.critics", "2.0", 2),
        ("robot.tip", "on", "robot.tip is True; expected a value like ''; put text in quotes."),
        ("robot.tip", "5", "robot.tip is 5; input should be a valid string; put text in quotes."),
        ("robot.tip", "'5'", "5"),
        ("robot.joints", "[a, yes]", "robot.joints.1 is True; input should be a valid string;"),
    ],
)
def test_a_word_for_a_setting_means_one_thing_or_is_refused(tmp_path, setting, text, meaning):
    said = outcome(by_assignment, tmp_path, setting, text)
    if isinstance(said, Config):
        assert to_parameters(said)[setting] == meaning
    else:
        assert meaning in said
