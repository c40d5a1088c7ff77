"""The sizes that the learner is measured at."""

import argparse
from typing import NamedTuple

from ddpg_ros.types import RecordLayout


class Size(NamedTuple):
    """What decides how much one update has to compute."""

    observation: int
    action: int
    hidden: tuple[int, ...]
    batch: int

    @property
    def name(self) -> str:
        """The hidden layers: `256×256`."""
        return "×".join(map(str, self.hidden))

    @property
    def transition_bytes(self) -> int:
        """Memory of one stored transition [B]."""
        return RecordLayout(self.observation, self.action).width * 4

    def arguments(self) -> list[str]:
        """Say it on a command line; `measuring_parser` reads it, and so do the peers' scripts."""
        return [
            *("--observation", str(self.observation)),
            *("--action", str(self.action)),
            *("--hidden", *map(str, self.hidden)),
            *("--batch", str(self.batch)),
        ]


SIZES = (
    Size(3, 1, (64, 64), 100),
    Size(10, 2, (256, 256), 256),
    Size(17, 6, (400, 300), 256),
)


def measuring_parser(description: str) -> argparse.ArgumentParser:
    """Return a parser of what every measured process is told."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--observation", type=int, required=True)
    parser.add_argument("--action", type=int, required=True)
    parser.add_argument("--hidden", type=int, nargs="+", required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    return parser


def parsed_size(arguments: argparse.Namespace) -> Size:
    """Return the size that `measuring_parser` has read."""
    return Size(arguments.observation, arguments.action, tuple(arguments.hidden), arguments.batch)
