"""The process in which our own learner is measured."""

import numpy as np
import torch

from benchmarks.speed.conversation import answer, keep_to
from benchmarks.speed.sizes import measuring_parser, parsed_size
from ddpg_ros.algo.learner import Learner
from ddpg_ros.algo.machine import flush_subnormals
from ddpg_ros.config.sections import LearnerSection
from ddpg_ros.types import RecordLayout

_STORED = 20_000  # transitions in the replay


def main() -> None:
    """Fill a replay, compile, and answer."""
    parser = measuring_parser("Our updates per second.")
    parser.add_argument("--mode", choices=["eager", "compile", "cudagraph"], required=True)
    arguments = parser.parse_args()
    keep_to(arguments.threads, arguments.device)
    flush_subnormals()
    size = parsed_size(arguments)
    settings = LearnerSection.model_validate(
        {
            "hidden": list(size.hidden),
            "batch_size": size.batch,
            "replay_capacity": _STORED,
            "warmup_steps": 0,
            "device": arguments.device,
            "threads": arguments.threads,
            "mode": arguments.mode,
            "matmul_precision": arguments.precision,
        }
    )
    layout = RecordLayout(size.observation, size.action)
    learner = Learner(settings, layout, seed=0)
    rng = np.random.default_rng(0)
    records = rng.normal(size=(_STORED, layout.width)).astype(np.float32)
    records[:, layout.slices[3]] = settings.discount  # no transition terminates
    learner.add(records)
    learner.compile()
    on_gpu = arguments.device != "cpu"
    about = {"device": torch.cuda.get_device_name(arguments.device) if on_gpu else "cpu"}
    answer(about, learner.update, torch.cuda.synchronize if on_gpu else lambda: None)


if __name__ == "__main__":
    main()
