"""What a word of YAML means, whoever reads it, and what is refused."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddpg_ros.config.yaml_text import read_number, read_yaml, write_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e6", 1e6),
        ("1E-3", 0.001),
        ("-2.5e+3", -2500.0),
        ("1.", 1.0),
        (".5", 0.5),
        ("+5", 5),
        ("0x10", 16),
        ("[2, 0.5]", [2, 0.5]),
        ("[]", []),
        ("-.inf", -math.inf),
        ("yes", True),
        ("off", False),
        ("y", "y"),
        ("~", None),
        ("", None),
        ("'yes'", "yes"),
        ('"1"', "1"),
        ("nan", "nan"),
    ],
)
def test_a_word_has_one_meaning(text, value):
    read = read_yaml(text)
    assert read == value and type(read) is type(value)


@pytest.mark.parametrize(
    "text", ["010", "1_000", "1:30", "0o10", "0b1", "2024-01-05", "1e", "--5"]
)
def test_what_readers_take_for_different_numbers_is_text_and_no_number(text):
    assert read_yaml(text) == text
    assert read_number(text) is None


def test_not_a_number_is_one():
    assert math.isnan(read_yaml(".nan"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\na: 2", "'a' comes twice in line 2"),
        ("a: &x 1\nb: *x", "an alias .* no place in parameters in line 2"),
        ("!!int abc", "'abc' is no number"),
        ("!!timestamp x", "timestamp has no place"),
        ("!!python/object/apply:os.system [x]", "could not determine a constructor"),
        ("[" * 5000, "too deep"),
        ("9" * 5000, "digits"),
        ("a: [1, 2", "expected"),
    ],
)
def test_what_is_refused_is_refused_in_one_line(text, said):
    with pytest.raises(ValueError, match=said) as refused:
        read_yaml(text)
    assert "\n" not in str(refused.value)


words = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12),
    st.sampled_from(["1e6", "010", "yes", "~", "null", "1:30", ".5", "0x1", ""]),
)
scalars = st.one_of(words, st.booleans(), st.integers(), st.floats(allow_nan=False))


@given(st.dictionaries(words, st.one_of(scalars, st.lists(scalars, max_size=3)), max_size=3))
def test_what_is_written_is_read_back_as_it_was(document):
    assert read_yaml(write_yaml(document)) == document


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused_as_no_yaml(text):
    try:
        read_yaml(text)
    except ValueError as error:
        assert "\n" not in str(error)
