"""`ddpg-ros export` from outside."""

import pytest

pytest.importorskip("onnxruntime")


def test_a_policy_is_written_beside_itself_and_the_sentence_says_how_exact(ddpg_ros, arm_policy):
    ended = ddpg_ros("export", arm_policy)
    assert ended.code == 0
    assert ended.out.startswith(f"{arm_policy.with_suffix('.onnx')} computes the actions of ")
    assert arm_policy.with_suffix(".onnx").stat().st_size > 1000


@pytest.mark.parametrize(
    ("out", "sentence"),
    [
        ("policy.txt", "expected a name that ends in .onnx."),
        ("no/p.onnx", "there is no folder no"),
    ],
)
def test_a_place_that_cannot_be_is_refused(ddpg_ros, arm_policy, monkeypatch, out, sentence):
    monkeypatch.chdir(arm_policy.parent)
    ended = ddpg_ros("export", arm_policy, "--out", out)
    assert ended.code == 2
    assert sentence in ended.sentence
    assert list(arm_policy.parent.iterdir()) == [arm_policy]
