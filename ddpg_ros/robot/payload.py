"""What the arm carries at its tip, beside the masses of its URDF."""

from typing import NamedTuple

from ddpg_ros.config.sections import RobotSection


class Payload(NamedTuple):
    """A mass without extent, fixed to the link of the fingertip."""

    mass: float  # [kg]
    centre: tuple[float, float, float]  # centre of mass in the tip's frame [m]

    @classmethod
    def of(cls, settings: RobotSection) -> "Payload":
        """Return the payload of an arm's settings."""
        x, y, z = settings.payload_centre or (0.0, 0.0, 0.0)
        return cls(settings.payload_mass, (x, y, z))


NO_PAYLOAD = Payload(0.0, (0.0, 0.0, 0.0))
"""Nothing."""
