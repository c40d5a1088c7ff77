"""The guard alone, around a PD controller that asks for too much; no learning, no ROS."""

import sys

import numpy as np

import ddpg_ros
from sim.world import World

ticks = int(sys.argv[1]) if len(sys.argv) > 1 else 1_500
PERIOD = 0.002  # [s]

robot = ddpg_ros.Robot.load("reacher2")
guard = ddpg_ros.Guard.for_robot(robot, period=PERIOD)
settings = {"control.period": PERIOD, "sim.physics_timestep": PERIOD}
world = World(robot, ddpg_ros.Config().with_parameters(settings).sim)
world.reset(np.random.default_rng(0))

target = robot.upper.clip(-3.0, 3.0) + 1.0  # beyond the limits: a mistake of the controller
fastest = 0.0
for tick in range(ticks):
    state = world.state(tick)
    wanted = 50.0 * (target - state.position) - 1.0 * state.velocity  # [N·m]
    torque = guard.apply(wanted, state.position, state.velocity, PERIOD)
    world.step(torque, 1)
    fastest = max(fastest, float(np.abs(state.velocity / robot.velocity_limit).max()))

print(f"The controller asked for {np.abs(wanted).max():.0f} N·m to reach {target} rad.")
print(f"The arm stopped at {state.position.round(2)} rad; soft limits {guard.limits.soft_upper}.")
print(f"No joint was faster than {fastest:.0%} of its limit. {guard.counts}")
print(guard.fault or "No fault was latched.")
