"""What is shown of a run: its progress, and the learning curve."""

import io
import json
from dataclasses import asdict
from types import SimpleNamespace

import matplotlib as mpl
import pytest
from rich.console import Console
from rich.text import Text

from ddpg_ros.cli.curve import draw_learning_curve
from ddpg_ros.cli.progress import RunProgress
from ddpg_ros.files.status import RunStatus

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


@pytest.fixture(name="watched")
def fixture_watched(tmp_path, monkeypatch):
    """Returns what looks at a run of 8000 steps at times of its own, and the text on a console."""
    clock = SimpleNamespace(now=0.0, monotonic=lambda: clock.now)
    monkeypatch.setattr("ddpg_ros.cli.progress.time", clock)

    def watched(**console):
        text = io.StringIO()
        progress = RunProgress(tmp_path, 8000, 5, Console(file=text, width=80, **console))

        def look(at, status=None):
            clock.now = at
            if status is not None:
                show(tmp_path, status)
            progress._refresh()
            if console:
                progress._console.print(progress._bars.get_renderable())
            return text.getvalue().splitlines()

        return look

    return watched


def show(run_dir, status):
    (run_dir / "status.json").write_text(json.dumps(asdict(status)), encoding="utf-8")


def training(step, updates, mean_return=-40.0, **more):
    means = {"mean_return": mean_return, "success_rate": 0.0}
    return RunStatus("training", step // 50, step=step, updates=updates, **(means | more))


def test_the_progress_says_where_nobody_watches_what_came_last(tmp_path, monkeypatch):
    monkeypatch.setattr("ddpg_ros.cli.progress._LINE_EVERY", 0.0)
    text = io.StringIO()
    with RunProgress(tmp_path, 100, 5, Console(file=text, width=200)):
        show(tmp_path, training(100, 9, -2.5, success_rate=0.5))
    assert "step 100: return   -2.50  success  50%" in text.getvalue()


def test_where_nobody_watches_no_line_wraps_and_none_comes_without_a_new_step(watched):
    look = watched()
    look(6.0, training(500, 0, -1e70))
    (line,) = look(12.0)
    assert len(line) > 80
    assert len(look(18.0, training(550, 50))) == 2


def test_no_time_left_is_said_before_learning_has_shown_its_rate(watched):
    look = watched()
    look(6.0, training(50, 0))
    look(12.0, training(500, 0))  # the warm-up is fast
    look(60.0, training(550, 50))  # after the compilation
    assert "left" not in " ".join(look(61.0, training(600, 100)))


def test_the_time_left_is_that_at_the_recent_rate_of_learning(watched):
    look = watched()
    look(0.0, training(500, 0))
    look(60.0, training(550, 50))
    assert "step 950" in (line := look(66.0, training(950, 450))[-1])
    assert line.endswith(" 106 s left")  # 7050 steps at 400 in 6 s
    for k in range(1, 41):
        line = look(66.0 + 10.0 * k, training(950 + 50 * k, 450 + 50 * k))[-1]
    assert line.endswith(" 1010 s left")  # 5050 steps at 50 in 10 s


def test_a_step_that_is_seen_again_tells_nothing_of_the_rate(watched):
    look = watched()
    look(0.0, training(550, 50))
    for at in range(1, 100):  # looks that fall between two writes
        look(0.01 * at)
    assert look(6.0, training(950, 450))[-1].endswith(" 106 s left")  # 7050 steps at 400 in 6 s


def test_a_compilation_is_named_from_its_beginning_to_its_end(watched):
    look = watched(force_terminal=True, color_system=None)
    assert "no episode yet" in look(0.0)[-2]
    assert COMPILING in look(1.0, training(500, 0, compiling=True))[-2]
    assert "return  -40.00  success   0%" in (line := look(2.0, training(500, 0))[-2])
    assert "compiling" not in line


def test_success_is_left_out_where_the_environment_does_not_say(watched):
    look = watched()
    line = "step 500: return  -40.00"
    assert look(6.0, training(500, 0, success_rate=None)) == [line]
    assert look(12.0, RunStatus("evaluation", 1, -9.0))[-1] == "greedy episodes: 1 done"


def test_a_restarted_worker_without_an_episode_keeps_the_means_before(watched):
    look = watched()
    look(6.0, training(500, 10))
    line = look(12.0, RunStatus("training", 0, step=520, updates=10))[-1]
    assert line.startswith("step 520: return  -40.00  success   0%")


def test_a_file_that_is_none_changes_nothing(watched, tmp_path):
    look = watched()
    look(6.0, training(500, 0))
    for content in ("", "{", "[]", '{"phase": "training"}', '{"colour": 1}'):
        (tmp_path / "status.json").write_text(content, encoding="utf-8")
        assert look(12.0) == ["step 500: return  -40.00  success   0%"]


def test_the_bars_fit_eighty_columns_and_are_ten_wide_at_least(watched):
    look = watched(force_terminal=True, color_system="truecolor", legacy_windows=False)
    look(0.0, training(1000, 0, -1234.56))
    look(10.0, training(1050, 50, -1234.56))
    look(100.0, training(1100, 100, -1234.56))
    for line in look(110.0, RunStatus("evaluation", 5, -9.0, 1.0))[-2:]:
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
