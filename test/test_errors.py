"""What a sentence shows of a text that came from somewhere else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddpg_ros.errors import shortened


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("arm.urdf", "arm.urdf"),
        ("Arm – größer 臂.urdf", "Arm – größer 臂.urdf"),
        ("a\0b", r"a\x00b"),
        ("one\ntwo\x1b[31m", r"one\ntwo\x1b[31m"),
        ("right\u202eleft", r"right\u202eleft"),
        ("\udcff", r"\udcff"),
        ("x" * 201, "x" * 200 + "…"),
    ],
)
def test_a_text_is_shown_as_it_is_and_what_nobody_can_see_as_its_code(text, shown):
    assert shortened(text) == shown


@given(st.text(max_size=300))
def test_whatever_is_shown_is_one_line_that_can_be_printed(text):
    assert shortened(text).isprintable()
