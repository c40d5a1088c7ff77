"""What is shown of a run: rows of growing files, and the learning curve."""

import io
from types import SimpleNamespace

import matplotlib as mpl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.text import Text

from ddpg_ros.cli.curve import draw_learning_curve
from ddpg_ros.cli.progress import CsvTail, RunProgress

mpl.use("Agg")
HEADER = (
    "step,episode,return,length,success,terminated,reward_distance,updates,"
    "critic_loss,actor_loss,q_mean\n"
)
HEADER_OF_GYMNASIUM = HEADER.replace("reward_distance,", "")
COMPILING = "compiling the update, once for these settings"


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


@pytest.fixture(name="watched")
def fixture_watched(tmp_path, monkeypatch):
    """Returns what looks at a run of 8000 steps at times of its own, and the text on a console."""
    clock = SimpleNamespace(now=0.0, monotonic=lambda: clock.now)
    monkeypatch.setattr("ddpg_ros.cli.progress.time", clock)

    def watched(**console):
        text = io.StringIO()
        progress = RunProgress(tmp_path, 8000, 5, Console(file=text, width=80, **console))

        def look(at, metrics=""):
            clock.now = at
            append(tmp_path / "metrics.csv", metrics)
            progress._refresh()
            if console:
                progress._console.print(progress._bars.get_renderable())
            return text.getvalue().splitlines()

        return look

    return watched


def learner_says(run_dir, line):
    (run_dir / "log").mkdir(exist_ok=True)
    append(run_dir / "log" / "agent.log", f"learner: {line}\n")


def row(step, updates, mean_return=-40.0):
    return f"{step},{step // 50},{mean_return},50,0,0,0.5,{updates},,,\n"


def test_the_progress_says_where_nobody_watches_what_came_last(tmp_path, monkeypatch):
    monkeypatch.setattr("ddpg_ros.cli.progress._LINE_EVERY", 0.0)
    text = io.StringIO()
    with RunProgress(tmp_path, 100, 5, Console(file=text, width=200)):
        append(
            tmp_path / "metrics.csv",
            HEADER + "50,1,-3.5,50,1,0,0,0,,,\n100,2,-1.5,50,0,0,0,9,1,2,3\n",
        )
    assert "step 100: return   -2.50  success  50%" in text.getvalue()


def test_where_nobody_watches_no_line_wraps_and_none_comes_without_a_new_step(watched):
    look = watched()
    look(6.0, HEADER + row(500, 0, -1e70))
    (line,) = look(12.0)
    assert len(line) > 80
    assert len(look(18.0, row(550, 50))) == 2


def test_no_time_left_is_said_before_learning_has_shown_its_rate(watched):
    look = watched()
    look(6.0, HEADER + row(50, 0))
    look(12.0, row(500, 0))  # the warm-up is fast
    look(60.0, row(550, 50))  # after the compilation
    assert "left" not in " ".join(look(61.0, row(600, 100)))


def test_the_time_left_is_that_at_the_recent_rate_of_learning(watched):
    look = watched()
    look(0.0, HEADER + row(500, 0))
    look(60.0, row(550, 50))
    assert "step 950" in (line := look(66.0, row(950, 450))[-1])
    assert line.endswith(" 106 s left")  # 7050 steps at 400 in 6 s
    for k in range(1, 41):
        line = look(66.0 + 10.0 * k, row(950 + 50 * k, 450 + 50 * k))[-1]
    assert line.endswith(" 1010 s left")  # 5050 steps at 50 in 10 s


def test_a_compilation_is_named_from_its_beginning_to_its_end(watched, tmp_path):
    look = watched(force_terminal=True, color_system=None)
    assert "no episode yet" in look(0.0)[-2]
    learner_says(tmp_path, f"{COMPILING} (20 to 45 s)")
    assert COMPILING in look(1.0, HEADER + row(500, 0))[-2]
    learner_says(tmp_path, "the update is compiled")
    assert "return  -40.00  success   0%" in (line := look(2.0)[-2])
    assert "compiling" not in line


def test_no_compilation_is_named_where_it_has_failed(watched, tmp_path):
    learner_says(tmp_path, f"{COMPILING} (20 to 45 s)")
    learner_says(tmp_path, "not compiled, slower: the update could not be compiled")
    assert "compiling" not in " ".join(watched()(6.0, HEADER + row(500, 0)))


def test_no_compilation_is_named_where_the_learner_does_not_wait_for_it(watched, tmp_path):
    learner_says(tmp_path, f"{COMPILING} (20 to 45 s)")
    assert "compiling" not in " ".join(watched()(6.0, HEADER + row(550, 7)))


def test_success_is_left_out_where_the_environment_does_not_say(watched, tmp_path):
    look = watched()
    line = row(500, 0).replace(",0.5,", ",")
    assert look(6.0, HEADER_OF_GYMNASIUM + line) == ["step 500: return  -40.00"]
    append(tmp_path / "evaluation.csv", "episode,return,length,success\n1,-9.0,50,0\n")
    assert look(12.0)[-1] == "greedy episodes: 1 done"


def test_the_bars_fit_eighty_columns_and_are_ten_wide_at_least(watched, tmp_path):
    look = watched(force_terminal=True, color_system="truecolor", legacy_windows=False)
    look(0.0, HEADER + row(1000, 0, -1234.56))
    look(10.0, row(1050, 50, -1234.56))
    append(tmp_path / "evaluation.csv", "episode,return,length,success\n" + "1,-9.0,50,1\n" * 5)
    for line in look(110.0, row(1100, 100, -1234.56))[-2:]:
        plain = Text.from_ansi(line).plain
        assert len(plain.rstrip()) <= 80
        assert "…" not in plain
        assert sum(plain.count(part) for part in "━╸╺") >= 10


def png_size(path):
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    return int.from_bytes(data[16:20]), int.from_bytes(data[20:24])


@pytest.mark.parametrize("episodes", [1, 2, 60])
def test_the_curve_is_a_picture_of_a_sensible_size(tmp_path, episodes):
    metrics, picture = tmp_path / "metrics.csv", tmp_path / "curve.png"
    rows = [f"{50 * k},{k},{-100 / k},50,1,0,{k},{1 / k},0.5,-2.0\n" for k in range(1, episodes)]
    append(
        metrics, HEADER_OF_GYMNASIUM + "50,0,-100,50,0,0,0,,,\n" + "".join(rows)
    )  # the first: warm-up
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
