"""The mass matrix, by hand and against another reader of URDFs."""

import numpy as np
import pinocchio
import pytest

from ddpg_ros.config.settings import Config
from ddpg_ros.errors import RobotError
from ddpg_ros.robot.arm import Robot
from ddpg_ros.robot.dynamics import MassMatrix
from ddpg_ros.robot.payload import Payload
from ddpg_ros.safety.guard import Guard

PANDA = [f"panda_joint{number}" for number in range(1, 8)]


def test_two_links_have_the_mass_matrix_of_the_textbook():
    # Two uniform links: m = 0.5 kg, l = 0.25 m; I = 0.00266… about the middle; the tip: 1e-6 kg.
    robot = Robot.load("reacher2")
    bend = 0.7
    m, length, own = 0.5, 0.25, 0.00266466666666667
    half, across = length / 2, np.cos(bend)
    elbow = own + m * half**2
    both = elbow + m * length * half * across
    shoulder = 2 * own + m * half**2 + m * (length**2 + half**2 + 2 * length * half * across)
    mass = MassMatrix(robot)
    expected = np.array([[shoulder, both], [both, elbow]])
    found = mass.at(np.array([-1.0, bend]))
    np.testing.assert_allclose(found, expected, rtol=1e-4)  # the tip is left out by hand
    np.testing.assert_allclose(mass.inverse(np.array([-1.0, bend])) @ found, np.eye(2), atol=1e-9)


@pytest.mark.parametrize("joints", [PANDA, PANDA[::-1], PANDA[2:6]])
def test_it_is_pinocchios_own_of_the_same_file_in_any_order_of_joints(joints):
    pytest.importorskip("pybullet_data")
    robot = Robot.load("franka_panda/panda.urdf", joints, "panda_link8")
    whole = pinocchio.buildModelFromXML(robot.urdf_path.read_text())
    still = [whole.getJointId(name) for name in list(whole.names)[1:] if name not in joints]
    at = pinocchio.neutral(whole)
    for name, place in robot.held.items():
        if whole.existJointName(name):
            at[whole.idx_qs[whole.getJointId(name)]] = place
    model = pinocchio.buildReducedModel(whole, still, at)
    columns = [model.idx_vs[model.getJointId(name)] for name in joints]
    position = np.random.default_rng(0).uniform(robot.lower, robot.upper)
    ordered = np.empty(len(joints))
    ordered[columns] = position
    theirs = pinocchio.crba(model, model.createData(), ordered)[np.ix_(columns, columns)]
    mass = MassMatrix(robot)
    np.testing.assert_allclose(mass.at(position), theirs, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(mass.inverse(position) @ theirs, np.eye(len(joints)), atol=1e-4)


CHAIN = """
<robot name="chain">
  <link name="base"/>
  <joint name="first" type="revolute"><parent link="base"/><child link="arm"/><axis xyz="0 0 1"/>
    <limit effort="5" velocity="4" lower="-2" upper="2"/></joint>
  <link name="arm">{arm}</link>
  <joint name="second" type="revolute"><parent link="arm"/><child link="hand"/>
    <origin xyz="0.5 0 0"/><axis xyz="0 0 1"/>
    <limit effort="5" velocity="4" lower="-2" upper="2"/></joint>
  <link name="hand"/>
</robot>"""
BODY = (
    '<inertial><origin xyz="0.2 0 0"/><mass value="{mass}"/><inertia ixx="{ixx}" iyy="0.01" '
    'izz="0.01" ixy="0" ixz="0" iyz="0"/></inertial>'
)


@pytest.fixture
def chain(tmp_path):
    """Return a function that loads two joints of which the second moves nothing."""

    def load(arm):
        file = tmp_path / "chain.urdf"
        file.write_text(CHAIN.format(arm=arm))
        return Robot.load(str(file))

    return load


def test_a_joint_that_moves_no_mass_is_known_as_such_and_the_others_are_theirs(chain):
    mass = MassMatrix(chain(BODY.format(mass=2.0, ixx=0.01)))
    assert mass.known.tolist() == [True, False]
    expected = 0.01 + 2.0 * 0.2**2
    np.testing.assert_allclose(mass.inverse(np.zeros(2)), [[1 / expected, 0.0], [0.0, 0.0]])
    assert mass.lightest().tolist() == pytest.approx([expected, 0.0])
    assert mass.share(np.array([3.0, 7.0]), 0.01) == pytest.approx(0.01 * 3.0 / expected)


def test_an_arm_without_any_inertia_has_none_that_is_known(chain):
    mass = MassMatrix(chain(""))
    assert not mass.known.any()
    assert mass.share(np.ones(2), 0.01) == 0.0


def test_a_mass_below_zero_is_refused_with_its_link(chain):
    with pytest.raises(RobotError, match="the <inertial> of link 'arm' has a mass of -2 kg"):
        MassMatrix(chain(BODY.format(mass=-2.0, ixx=0.01)))


def test_what_a_torque_takes_off_is_the_largest_over_the_range_of_positions():
    robot = Robot.load("reacher2")
    mass = MassMatrix(robot)
    gains = np.array([0.02, 0.01])
    shares = [
        0.04 * np.linalg.eigvals(np.linalg.solve(mass.at(np.array([0.0, bend])), np.diag(gains)))
        for bend in np.linspace(robot.lower[1], robot.upper[1], 200)
    ]
    assert mass.share(gains, 0.04) == pytest.approx(np.real(shares).max(), rel=0.02)


POINT = """
<robot name="point">
  <link name="base"/><link name="arm"/>
  <joint name="first" type="revolute"><parent link="base"/><child link="arm"/><axis xyz="0 0 1"/>
    <limit effort="5" velocity="4" lower="{lower}" upper="{upper}"/></joint>
  <joint name="second" type="revolute"><parent link="arm"/><child link="hand"/>
    <origin xyz="0.5 0 0"/><axis xyz="0 0 1"/>
    <limit effort="5" velocity="4" lower="-2" upper="2"/></joint>
  <link name="hand"><inertial><origin xyz="0.3 0 0"/><mass value="{mass}"/>
    <inertia ixx="0" iyy="0" izz="0" ixy="0" ixz="0" iyz="0"/></inertial></link>
</robot>"""


@pytest.fixture
def point(tmp_path):
    """Return a function that loads two joints that carry one point mass."""

    def load(mass=1.0, lower=-2.0, upper=2.0):
        file = tmp_path / "point.urdf"
        file.write_text(POINT.format(mass=mass, lower=lower, upper=upper))
        return Robot.load(str(file))

    return load


@pytest.mark.parametrize("bend", [0.0, 1e-9, 0.5])
def test_an_arm_whose_mass_matrix_has_no_inverse_at_a_position_is_guarded_there_too(point, bend):
    robot = point()
    guard = Guard.of(robot, Config())
    fast = np.array([6.0, 6.0])
    for torque in (np.array([5.0, 5.0]), np.array([-5.0, 5.0])):
        for _ in range(3):
            assert np.isfinite(guard.damp(np.array([0.0, bend]), fast, 0.04)).all()
            sent = guard.apply(torque, np.array([0.0, bend]), fast, 0.04)
            assert np.isfinite(sent).all() and (sent <= 1e-9).all()  # both are too fast


def test_masses_beyond_all_size_are_refused(point):
    with pytest.raises(RobotError, match=r"above 1e\+09 kg·m²"):
        MassMatrix(point(mass=1e308))


def test_a_payload_beyond_all_size_is_named(point):
    with pytest.raises(RobotError, match=r"its links with 2 kg at 0 1e\+09 0 m: the mass matrix"):
        MassMatrix(point(), Payload(2.0, (0.0, 1e9, 0.0)))


def test_limits_of_many_turns_are_looked_at_over_one(point):
    assert MassMatrix(point(lower=-1000, upper=1000)).known.all()


CRANE = """<robot name="crane"><link name="base"/><link name="mast"/><link name="load">
<inertial><mass value="2"/><inertia ixx="0" iyy="0" izz="0" ixy="0" ixz="0" iyz="0"/></inertial>
</link><joint name="slew" type="continuous"><parent link="base"/><child link="mast"/>
<axis xyz="0 0 1"/><limit effort="900" velocity="1"/></joint>
<joint name="boom" type="prismatic"><parent link="mast"/><child link="load"/>
<axis xyz="1 0 0"/><limit effort="900" velocity="1" lower="2" upper="12"/></joint></robot>"""


def test_a_joint_that_slides_further_than_a_turn_is_looked_at_over_all_its_way(tmp_path):
    # 2 kg, 2 m to 12 m from the mast: 8 to 288 kg m²; 256 positions come within 2 % of an end.
    (tmp_path / "crane.urdf").write_text(CRANE)
    mass = MassMatrix(Robot.load(str(tmp_path / "crane.urdf")))
    assert 0.96 * 288.0 < mass.heaviest[0] <= 288.0
    assert 8.0 <= mass.lightest()[0] < 9.0
