"""What is printed of a path is the path, whatever is in it."""

import json
from dataclasses import asdict

import pytest

from benchmarks.speed.untrained import save_untrained
from ddpg_ros.cli import play as module
from ddpg_ros.cli.closing import close
from ddpg_ros.cli.console import plain_console
from ddpg_ros.cli.supervise import Outcome
from ddpg_ros.config.parameter_file import load_config
from ddpg_ros.config.run_directory import POLICY, SUMMARY, Run
from ddpg_ros.config.settings import Config, to_parameters
from ddpg_ros.training.summary import Summary

NAME = "a [red]b[/z] :dog: [bold]"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a policy and a summary, whose name reads as markup and as an emoji."""
    monkeypatch.setenv("COLUMNS", "400")
    folder = tmp_path / NAME.replace("/", "")
    folder.mkdir()
    save_untrained(folder / POLICY, load_config("reach"))
    summary = Summary.of(to_parameters(Config()), None, None)
    (folder / SUMMARY).write_text(json.dumps(asdict(summary)))
    monkeypatch.setattr(
        module, "run_policy", lambda *_: json.loads((folder / SUMMARY).read_text())
    )
    return folder


@pytest.mark.parametrize("text", [NAME, "[/z]", "[[a]]", "[link=x]y"])
def test_a_text_is_printed_as_it_is(capsys, text):
    plain_console().print(text)
    assert capsys.readouterr().out == f"{text}\n"


def test_inspect_and_play_print_the_path_as_it_is(ddpg_ros, folder):
    said = ddpg_ros("inspect", folder / POLICY).out  # a table breaks the lines of its title
    assert "".join(said.split()).startswith("".join(str(folder / POLICY).split()))
    assert f"look at {folder / 'play.gif'}\n" in ddpg_ros("play", "--policy", folder / POLICY).out


@pytest.mark.parametrize("kind", ["finished", "interrupted"])
@pytest.mark.parametrize("gym", [True, False])
def test_the_last_words_of_a_training_name_its_directory_as_it_is(capsys, folder, kind, gym):
    run = Run(folder, folder / "config.yaml", Config())
    close(run, Outcome(kind, 0, "stopped."), plain_console(), as_json=False, gym=gym)
    said = capsys.readouterr()
    assert str(folder) in said.out + said.err
