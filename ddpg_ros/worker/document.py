"""What a checkpoint's manifest says of the training, and the check that it says it.

The checksum of a manifest detects damage. This check keeps out what no training writes, such as a
manifest that was edited and sealed again: the checkpoint then counts as one that does not verify.
"""

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ddpg_ros.config.run_directory import METRICS
from ddpg_ros.control.policy import PolicyAbout
from ddpg_ros.errors import shortened
from ddpg_ros.files.manifest import Extent

_Count = Annotated[int, Field(ge=0, lt=2**53)]
_Word128 = Annotated[int, Field(ge=0, lt=2**128)]  # PCG64 has two


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, allow_inf_nan=False)


class _Pcg64(_Strict):
    state: _Word128
    inc: _Word128


class _Generator(_Strict):
    """A generator of random numbers, as numpy describes its state."""

    bit_generator: Literal["PCG64"]
    state: _Pcg64
    has_uint32: Annotated[int, Field(ge=0, le=1)]
    uinteger: Annotated[int, Field(ge=0, lt=2**32)]


class _Actor(_Strict):
    episodes: _Count
    warmup_rng: _Generator
    noise_rng: _Generator


class _Control(_Strict):
    """The control side's state, see `training_phase.py`."""

    actor: _Actor
    starts: _Generator
    begun: _Count
    longest: _Count


class _Replay(_Strict):
    """Which records of the replay buffer are in which segment, see `replay_files.py`."""

    width: Annotated[int, Field(ge=1, lt=2**31)]
    total: _Count
    segments: list[tuple[str, _Count, _Count]]


class _Document(_Strict):
    step: _Count
    updates: _Count
    exact: bool
    control: _Control | None
    about: PolicyAbout
    torch: str
    replay: _Replay
    events: dict[str, _Count]


def check_document(document: dict[str, Any], grown: dict[str, Extent]) -> None:
    """Check that a manifest says all that a run goes on by.

    Args:
        document: of a generation.
        grown: the growing files that it refers to.

    Raises:
        ValueError: it does not; the message continues a sentence that begins with its name.
    """
    try:
        _Document.model_validate_json(json.dumps(document))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "all of it"
        what = "" if first["type"] == "missing" else f" is {shortened(ascii(first['input']), 60)};"
        raise ValueError(
            f"does not say how the run goes on: {shortened(where)} in its manifest{what} "
            f"{first['msg'].lower()}"
        ) from None
    segments = document["replay"]["segments"]
    for name in (METRICS, *(name for name, _, _ in segments)):
        if name not in grown:
            raise ValueError(
                f"does not say how the run goes on: its manifest lists no "
                f"{shortened(ascii(name), 60)}"
            )
