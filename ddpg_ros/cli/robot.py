"""`ddpg-ros robot`: shows an arm as this package understands its file, and makes it trainable."""

import math
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer
from rich.console import Console

from ddpg_ros.build import build_arm, build_guard
from ddpg_ros.cli.console import plain_console
from ddpg_ros.cli.proposal import Proposal, propose
from ddpg_ros.cli.proposal_file import write_proposal
from ddpg_ros.config.parameter_file import load_config
from ddpg_ros.config.settings import Config, Value
from ddpg_ros.errors import ConfigError, DdpgRosError, RobotError, RunDirectoryError
from ddpg_ros.extras import require
from ddpg_ros.robot.arm import Robot
from ddpg_ros.robot.dynamics import MassMatrix
from ddpg_ros.robot.oddities import assumptions, oddities
from ddpg_ros.robot.units import units_of
from ddpg_ros.robot.urdf import find_urdf

if TYPE_CHECKING:
    from PIL import Image

_RENDERED, _PICTURE = (1200, 900), (480, 480)  # [px]
_MARGIN = 0.08  # of the arm's size in the picture
_TRIAL = 25  # control periods without torque, before the settings are believed
_NOTHING = 1e-6  # [N·m], [N]
_MISSING = math.inf  # stands in for an effort or a velocity that the file does not state


def robot(
    file: Annotated[str, typer.Argument(help="A URDF or xacro, or one within pybullet_data.")],
    arguments: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME:=VALUE]...", help="Arguments of the xacro."),
    ] = None,
    tip: Annotated[str, typer.Option(help="Link of the fingertip; default: the end.")] = "",
    joints: Annotated[
        str, typer.Option(help="Joints to command, A,B,C; default: all from base to tip.")
    ] = "",
    out: Annotated[
        Path | None, typer.Option(help="The YAML to write; default: NAME.yaml, beside it a PNG.")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a YAML and a picture that are there.")
    ] = False,
) -> None:
    """Show an arm as it is understood, say what is odd, and write a YAML that trains it."""
    require("pybullet", "PIL")
    from sim.world import World

    base = _base(file, arguments or [], tip, joints)
    target = out or Path(f"{find_urdf(file).name.partition('.')[0]}.yaml")
    if target.suffix not in (".yaml", ".yml"):
        raise ConfigError(f"--out is {target}; expected a name that ends in .yaml.")
    picture = target.with_suffix(".png")
    there = [str(path) for path in (target, picture) if os.path.lexists(path)]
    if there and not overwrite:
        raise ConfigError(
            f"{' and '.join(there)} is there already; give another file with --out, or "
            "--overwrite."
        )
    refused = _refusal(base)
    section = base.robot
    arm = Robot.load(
        section.urdf, section.joints, section.tip, section.xacro_arguments, _MISSING, _MISSING
    )
    base = base.with_parameters({"robot.joints": list(arm.joints), "robot.tip": arm.tip})
    mass = MassMatrix(arm)
    with World(arm, base.sim) as world:
        proposal = propose(base, arm, mass, world.touches_itself)
    console = plain_console(soft_wrap=True)
    _print(arm, proposal, console)
    draft = target.with_name(f".{target.stem}-draft.yaml")
    try:  # what is refused leaves nothing behind
        write_proposal(proposal, arm, draft)
        notes = _try_out(load_config(draft), draft.with_suffix(".png"))
        draft.with_suffix(".png").replace(picture)
        draft.replace(target)
    except OSError as error:
        raise RunDirectoryError(
            f"{target} and its picture cannot be written ({error.strerror}); give another file "
            "with --out."
        ) from None
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
            draft.with_suffix(".png").unlink(missing_ok=True)
    said = [*assumptions(arm), *oddities(arm, proposal.loads, proposal.invented), *notes]
    if refused:
        said.append(f"the file alone is refused, the settings are not: {refused}")
    for sentence in said:
        console.print(f"- {sentence}")
    console.print(f"picture: {picture}")
    console.print(f"settings: {target}; next: ddpg-ros train --config {target}")


def _base(file: str, arguments: list[str], tip: str, joints: str) -> Config:
    names = [name.strip() for name in joints.split(",") if name.strip()]
    given: dict[str, Value | None] = {
        "robot.urdf": str(find_urdf(file)),
        "robot.xacro_arguments": arguments,
        "robot.tip": tip,
        "robot.joints": names,
    }
    return Config().with_parameters(given, source="ddpg-ros robot")


def _refusal(base: Config) -> str:
    """Return why the file, with default settings, would be refused; empty if it would not."""
    try:
        build_guard(base)
    except DdpgRosError as error:
        return str(error)
    return ""


_TITLES = ("joint", "type", "range", "velocity", "effort", "moves", "weight at start", "at most")


def _print(arm: Robot, proposal: Proposal, console: Console) -> None:
    console.print(f"{arm.name}: {arm.urdf_path}, tip {arm.tip}")
    rows = [_TITLES, *(_row(arm, proposal, index) for index in range(len(arm.joints)))]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        console.print("  ".join(cells).rstrip())


def _row(arm: Robot, proposal: Proposal, index: int) -> tuple[str, ...]:
    loads, unit = proposal.loads, units_of(arm.kinds)[index]
    torque = proposal.config.robot.torque_limit[index]
    speed = proposal.config.safety.velocity_limit[index]
    bounded = math.isfinite(arm.lower[index])
    return (
        arm.joints[index],
        arm.kinds[index],
        f"{arm.lower[index]:.4g} to {arm.upper[index]:.4g} {unit.position}" if bounded else "free",
        f"{_of(speed, arm.velocity_limit[index])} {unit.velocity}",
        f"{_of(torque, arm.effort_limit[index])} {unit.torque}",
        f"{loads.mass[index]:.3g} kg",
        f"{_plain(proposal.holding[index])} {unit.torque}",
        f"{_plain(loads.gravity[index])} {unit.torque}",
    )


def _plain(number: float) -> str:
    return f"{number:.3g}" if abs(number) > _NOTHING else "0"


def _of(used: float, stated: float) -> str:
    if used == stated:
        return f"{used:g}"
    return f"{used:g} of {stated:g}" if math.isfinite(stated) else f"{used:g} (none stated)"


def cropped(image: "Image.Image") -> "Image.Image":
    """Return the part of a picture that the arm is in, at most as large as `_PICTURE`."""
    from PIL import Image, ImageChops

    background = Image.new("RGB", image.size, image.getpixel((0, 0)))
    box = ImageChops.difference(image, background).getbbox() or (0, 0, *image.size)
    margin = _MARGIN * max(box[2] - box[0], box[3] - box[1])
    left, upper = (max(0, round(edge - margin)) for edge in box[:2])
    right, lower = (min(n, round(e + margin)) for n, e in zip(image.size, box[2:], strict=True))
    part = image.crop((left, upper, right, lower))
    part.thumbnail(_PICTURE)
    return part


def _try_out(config: Config, picture: Path) -> list[str]:
    """Let the simulated arm go for a second, after its picture; returns what it lacks.

    Raises:
        RobotError: the arm does not stay finite.
    """
    from PIL import Image

    from sim.world import World

    arm, _, _ = build_arm(config)
    with World(arm, config.sim) as world:
        cropped(Image.fromarray(world.render(*_RENDERED))).quantize(64).save(picture)
        for _ in range(_TRIAL):
            world.step(np.zeros(len(arm.joints)), config.substeps)
        state = world.state(0)
        if not (np.isfinite(state.position).all() and np.isfinite(state.velocity).all()):
            raise RobotError(
                f"the simulation of {arm.urdf_path} diverges within a second; set a smaller "
                f"sim.physics_timestep than {config.sim.physics_timestep:g} s."
            )
        passing = [f"{pair} overlap, and pass through each other." for pair in world.passing]
        return [*world.notes, *passing]
