"""What says which networks a checkpoint of the learner holds; without torch, which writes it."""

from typing import Any

from ddpg_ros.config.sections import LearnerSection
from ddpg_ros.types import RecordLayout

LEARNER = "state.safetensors"
"""The file's name in a generation."""

KIND, SCHEMA_VERSION = "checkpoint", 4
HEADER_LIMIT = 2**20  # [bytes]

_NETWORK_SETTINGS = (
    "hidden",
    "critics",
    "actor_layer_norm",
    "critic_layer_norm",
    "normalise_observations",
)
"""Settings that must match for the stored parameters to mean the same function."""


def network_settings(settings: LearnerSection, layout: RecordLayout) -> dict[str, Any]:
    """Return what must match for the stored parameters to mean the same function."""
    sizes = {"observation": layout.observation_size, "action": layout.action_size}
    return sizes | {name: getattr(settings, name) for name in _NETWORK_SETTINGS}
