"""A GIF takes as long as what it shows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sim.recorder import FRAME_NS, Recorder, durations

MS = 1_000_000  # [ns]


@pytest.mark.parametrize(
    ("stamps", "shown"),
    [
        ([0], [70]),  # one frame, a fifteenth of a second: 66.7 ms
        ([0, FRAME_NS, 2 * FRAME_NS], [70, 60, 70]),  # ends at 66.7, 133.3 and 200 ms
        ([0, 80 * MS, 120 * MS], [80, 40, 70]),  # ends at 186.7 ms
        ([5000 * MS, 5500 * MS], [500, 70]),  # a frame that was late
    ],
)
def test_a_frame_is_shown_until_the_next_was_taken(stamps, shown):
    assert durations(stamps) == shown


@given(st.lists(st.integers(10 * MS, 10**9), max_size=50))
def test_a_gif_is_as_long_as_its_frames_were_apart(gaps):
    stamps = [0]
    for gap in gaps:
        stamps.append(stamps[-1] + gap)
    shown = durations(stamps)
    assert len(shown) == len(stamps)
    assert min(shown) >= 10
    assert abs(sum(shown) - (stamps[-1] + FRAME_NS) / MS) <= 5


class Grey:
    """A world of which only a picture is asked."""

    def render(self, width, height):
        return np.full((height, width, 3), 128, np.uint8)


def test_ctrl_c_while_a_gif_is_written_leaves_the_old_one_and_no_half(tmp_path, monkeypatch):
    file = tmp_path / "play.gif"
    file.write_bytes(b"old")
    recorder = Recorder(Grey(), file, 1)
    recorder.step(0)

    def interrupted(image, target, **options):
        target.write_bytes(b"half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Image.Image, "save", interrupted)
        with pytest.raises(KeyboardInterrupt):
            recorder.save()
    assert [(own.name, own.read_bytes()) for own in tmp_path.iterdir()] == [("play.gif", b"old")]


def test_a_gif_leaves_the_other_files_of_its_folder_alone(tmp_path):
    mine = tmp_path / "play.tmp"
    mine.write_bytes(b"mine")
    recorder = Recorder(Grey(), tmp_path / "play.gif", 1)
    recorder.step(0)
    recorder.save()
    assert sorted(own.name for own in tmp_path.iterdir()) == ["play.gif", "play.tmp"]
    assert mine.read_bytes() == b"mine"
