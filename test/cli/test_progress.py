"""What is shown of a run: rows of growing files, and the learning curve."""

import io

import matplotlib as mpl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from ddpg_ros.cli.curve import draw_learning_curve
from ddpg_ros.cli.progress import CsvTail, RunProgress

mpl.use("Agg")
HEADER = "step,episode,return,length,success,terminated,updates,critic_loss,actor_loss,q_mean\n"


def append(path, text):
    with path.open("a", encoding="utf-8", newline="") as file:
        file.write(text)


def test_a_file_that_is_not_there_yet_has_no_rows(tmp_path):
    path = tmp_path / "metrics.csv"
    tail = CsvTail(path)
    assert tail.read() == []
    append(path, "a,b\r\n1,2\r\n")
    assert tail.read() == [{"a": "1", "b": "2"}]


def test_a_half_written_row_is_read_once_it_is_whole(tmp_path):
    path = tmp_path / "metrics.csv"
    tail = CsvTail(path)
    append(path, "a,")
    assert tail.read() == []
    append(path, "b\r\n1,2\r\n3,")
    assert tail.read() == [{"a": "1", "b": "2"}]
    assert tail.read() == []
    append(path, "4")
    assert tail.read() == []
    append(path, "\r\n")
    assert tail.read() == [{"a": "3", "b": "4"}]
    assert tail.read() == []


@given(
    rows=st.lists(st.tuples(st.integers(), st.integers()), max_size=8),
    cuts=st.lists(st.integers(0, 300), max_size=8),
)
def test_every_row_is_read_exactly_once_however_the_file_grows(tmp_path_factory, rows, cuts):
    path = tmp_path_factory.mktemp("tail") / "metrics.csv"
    text = "".join(f"{a},{b}\r\n" for a, b in [("a", "b"), *rows])
    ends = [*sorted(min(cut, len(text)) for cut in cuts), len(text)]
    tail, read, start = CsvTail(path), [], 0
    for end in ends:
        append(path, text[start:end])
        read += tail.read()
        start = end
    assert read == [{"a": str(a), "b": str(b)} for a, b in rows]


def test_the_progress_says_where_nobody_watches_what_came_last(tmp_path, monkeypatch):
    monkeypatch.setattr("ddpg_ros.cli.progress._LINE_EVERY", 0.0)
    text = io.StringIO()
    with RunProgress(tmp_path, 100, 5, Console(file=text, width=200)):
        append(
            tmp_path / "metrics.csv", HEADER + "50,1,-3.5,50,1,0,0,,,\n100,2,-1.5,50,0,0,9,1,2,3\n"
        )
    assert "step 100: return   -2.50  success  50%" in text.getvalue()


def png_size(path):
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    return int.from_bytes(data[16:20]), int.from_bytes(data[20:24])


def test_a_first_compilation_is_named_while_nothing_else_is_to_be_shown(tmp_path, monkeypatch):
    monkeypatch.setattr("ddpg_ros.cli.progress._LINE_EVERY", 0.0)
    text = io.StringIO()
    with RunProgress(tmp_path, 100, 5, Console(file=text, width=200)):
        assert "compiling" not in text.getvalue()
        (tmp_path / "log").mkdir()
        append(tmp_path / "log" / "agent.log", "learner: compiling the update, once\n")
    assert "compiling the update, once for these settings" in text.getvalue()


@pytest.mark.parametrize("episodes", [1, 2, 60])
def test_the_curve_is_a_picture_of_a_sensible_size(tmp_path, episodes):
    metrics, picture = tmp_path / "metrics.csv", tmp_path / "curve.png"
    rows = [f"{50 * k},{k},{-100 / k},50,1,0,{k},{1 / k},0.5,-2.0\n" for k in range(1, episodes)]
    append(metrics, HEADER + "50,0,-100,50,0,0,0,,,\n" + "".join(rows))  # the first: warm-up
    draw_learning_curve(metrics, picture)
    width, height = png_size(picture)
    assert 600 < width < 2000
    assert 600 < height < 2000
    assert picture.stat().st_size > 10_000


@pytest.mark.parametrize("content", ["", HEADER])
def test_a_run_without_an_episode_has_no_curve(tmp_path, content):
    metrics, picture = tmp_path / "metrics.csv", tmp_path / "curve.png"
    append(metrics, content)
    draw_learning_curve(metrics, picture)
    assert not picture.exists()
