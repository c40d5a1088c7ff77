"""The command line as a whole."""

import json

from ddpg_ros import __doc__ as about
from ddpg_ros import __version__


def test_the_version_is_that_of_the_policies_it_writes(ddpg_ros, arm_policy):
    ended = ddpg_ros("--version")
    assert (ended.code, ended.out) == (0, f"ddpg-ros {__version__}\n")
    about_policy = json.loads(ddpg_ros("inspect", arm_policy, "--json").out)
    assert about_policy["package_version"] == __version__


def test_without_a_verb_it_says_what_it_is_and_lists_the_verbs(ddpg_ros):
    said = ddpg_ros().out
    assert about in said
    for verb in ("train", "eval", "play", "inspect", "report", "doctor"):
        assert f" {verb} " in said
    assert "Handle the options that precede" not in said
