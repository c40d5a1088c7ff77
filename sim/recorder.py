"""Records the first episodes as a GIF."""

import contextlib
import itertools
import os
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from ddpg_ros.errors import RunDirectoryError
from sim.world import World

SIZE = (320, 240)  # [px]
FRAME_NS = 1_000_000_000 // 15  # of simulated time
COLOURS = 64


class Recorder:
    """Takes 15 frames a second of simulated time and writes them as a GIF."""

    def __init__(self, world: World, path: Path, episodes: int) -> None:
        """Prepare to record.

        Args:
            world: to render.
            path: of the GIF.
            episodes: after so many, the GIF is written; `save` writes it earlier.

        Raises:
            RunDirectoryError: the folder of `path` cannot be made.
        """
        self._world = world
        self._path = path
        self._left = episodes
        self._due = 0  # [ns]
        self._frames: list[tuple[int, Image.Image]] = []  # stamp [ns], frame
        self._pending = False  # whether there are frames since the last reset
        self._began = False  # whether there was a reset
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunDirectoryError(
                f"the folder of record '{path}' cannot be made ({error.strerror}); give a path "
                "that can be written."
            ) from None

    def step(self, stamp: int) -> None:
        """Take a frame if one is due at `stamp` [ns]."""
        if self._left <= 0 or stamp < self._due:
            return
        self._due = max(self._due + FRAME_NS, stamp + FRAME_NS // 2)
        self._pending = True
        picture = Image.fromarray(self._world.render(*SIZE))
        frame = picture.quantize(COLOURS, dither=Image.Dither.NONE)
        self._frames.append((stamp, frame))

    def reset(self) -> None:
        """Count an episode if one has ended; frames from before the first reset are discarded."""
        if not self._began:
            self._began, self._pending = True, False
            self._frames.clear()
        if self._pending:
            self._pending = False
            self._left -= 1
            if self._left == 0:
                self.save()

    def save(self) -> None:
        """Write the frames so far; a second call writes nothing.

        Raises:
            RunDirectoryError: the file cannot be written.
        """
        taken, self._frames, self._left = self._frames, [], 0
        if not taken:
            return
        stamps, (first, *others) = zip(*taken, strict=True)
        # Keeps an old GIF until this one is whole, and is no file of the user's.
        temporary = self._path.with_name(f"{self._path.name}.{os.getpid()}.tmp")
        try:
            first.save(
                temporary,
                format="GIF",
                save_all=True,
                append_images=others,
                duration=durations(stamps),
                loop=0,
            )
            temporary.replace(self._path)
        except OSError as error:
            raise RunDirectoryError(
                f"record '{self._path}' cannot be written ({error.strerror}); give a path that "
                "can be written."
            ) from None
        finally:  # Ctrl-C in the middle leaves no half of a file
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)


def durations(stamps: Sequence[int]) -> list[int]:
    """Return the display time of each frame [ms].

    A GIF counts time in 10 ms. The rounding errors of successive frames cancel, so the total time
    is right.

    Args:
        stamps: of the frames [ns].
    """
    ends = [round((stamp - stamps[0]) / 1e7) for stamp in (*stamps, stamps[-1] + FRAME_NS)]
    return [10 * (after - before) for before, after in itertools.pairwise(ends)]
