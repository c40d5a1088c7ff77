"""`ddpg-ros export`: a policy file as ONNX."""

from pathlib import Path
from typing import Annotated

import typer

from ddpg_ros.control.onnx_export import export_onnx
from ddpg_ros.errors import ConfigError


def export(
    policy: Annotated[Path, typer.Argument(help="A policy file.")],
    out: Annotated[
        Path | None, typer.Option(help="The ONNX file; by default beside the policy.")
    ] = None,
) -> None:
    """Write a policy as ONNX, for a controller that runs no Python, and check what it computes."""
    file = policy.with_suffix(".onnx") if out is None else out
    if file.suffix != ".onnx":
        raise ConfigError(f"--out is {file}; expected a name that ends in .onnx.")
    if not file.parent.is_dir():
        raise ConfigError(f"--out is {file}, and there is no folder {file.parent}; make it first.")
    deviation = export_onnx(policy, file)
    typer.echo(
        f"{file} computes the actions of {policy}; onnxruntime has run it on the golden "
        f"observations, off by at most {deviation:.1g} of an action's range."
    )
