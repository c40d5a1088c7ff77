"""Which states a session answers, and with what; every sequence of events keeps its episodes."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ddpg_ros.control.episodes import EpisodeState
from ddpg_ros.control.loop import Tick
from ddpg_ros.errors import TaskFailedError
from ddpg_ros.training.session_controller import SessionController
from ddpg_ros.types import Episode, JointState

PERIOD = 0.01  # [s]
STEP = 10_000_000  # [ns], the same
PUSH, REST = [0.5], [0.0]  # [N·m], of the policy and of what stands in for it
GOAL = np.array([0.1, 0.2, 0.3])
EPISODE = Episode(-1.5, 3, True, False, {})


def state(number):
    """The state of a control period, counted from 1."""
    return JointState(number * STEP, np.zeros(1), np.zeros(1))


class Safety:
    """Armed or not, as the test says."""

    def __init__(self):
        self.armed, self.withheld, self.passed_over = True, "", 0

    def rest(self, state, dt):
        return np.array(REST)

    def pass_over(self):
        self.passed_over += 1

    def disarm(self):
        self.armed = False

    def withhold(self, reason):
        self.withheld = reason


class Session:
    """Episodes of three ticks, two of them; writes down what it is asked for."""

    def __init__(self, episodes=2):
        self.config = SimpleNamespace(
            control=SimpleNamespace(period=PERIOD), safety=SimpleNamespace(auto_arm=True)
        )
        self.robot, self.safety, self.goal = None, Safety(), GOAL
        self.goals = SimpleNamespace(numbers=lambda goal: goal)
        self.phase = SimpleNamespace(name="train")
        self.ready, self.trained, self.policy = True, False, True
        self.absent = 0.0
        self.left = episodes
        self.log = []
        self.ticks = 0  # of the open episode

    def next_episode(self, state):
        self.log.append("begin")
        self.ticks = 0
        self.left -= 1
        return self.left >= 0

    def tick(self, state, dt):
        self.log.append((state.stamp // STEP, round(dt, 6)))
        self.ticks += 1
        if self.ticks > 3:
            return Tick(np.zeros(1), True, EPISODE)
        return Tick(np.array(PUSH), False, None)

    def abandon_episode(self):
        self.log.append("abandon")

    def end_training(self):
        self.log.append("end training")
        self.trained = False
        return self.policy

    def check(self):
        self.log.append("check")

    def check_goal(self):
        if not np.isfinite(self.goal).all():
            raise TaskFailedError("a wrong goal")

    def learner_absent_for(self, now):
        return self.absent

    def values(self):
        return {}


class Resets:
    """Counts what is asked for."""

    def __init__(self):
        self.asked = self.cancelled = 0

    def request(self):
        self.asked += 1

    def cancel(self):
        self.cancelled += 1


class Trace:
    """Writes down what it is told: the phase of an episode, or state, torque and goal."""

    def __init__(self):
        self.told, self.lacks = [], ""

    def unheard(self):
        return self.lacks

    def begin(self, phase):
        self.told.append(phase)

    def record(self, state, requested, goal):
        self.told.append((state.stamp // STEP, requested and requested.tolist(), goal.tolist()))


class Run:
    """A controller, its session, and what a node would send."""

    def __init__(self, realtime=False, resets=True, trace=None, **session):
        self.session = Session(**session)
        self.safety = self.session.safety
        self.resets = Resets() if resets else None
        self.told, self.now = [], 50.0
        self.controller = SessionController(
            self.session,
            realtime,
            lambda: self.told.append("arm"),
            self.resets,
            announce=lambda goal: self.told.append(goal.tolist()),
            ended=self.told.append,
            trace=trace,
        )

    def out(self, command):
        """Return the number of the state that is answered, and the torque."""
        phase = self.controller.after_answer()
        answer = command and (command.stamp // STEP, command.torque.tolist())
        return answer, phase

    def see(self, number, after=PERIOD):
        self.now += after
        return self.out(self.controller.on_state(state(number), self.now))

    def see_again(self, number):
        return self.out(self.controller.on_repeated_state(state(number), self.now))

    def place(self, number):
        return self.out(self.controller.on_placed(number * STEP, self.now))


def test_a_goal_that_replaces_the_announced_one_is_announced_once():
    run = Run()
    run.see(1)
    run.session.goal = GOAL + 1.0
    run.see(2)
    run.see(3)
    assert run.told == [GOAL.tolist(), (GOAL + 1.0).tolist()]


def test_a_wrong_goal_of_the_task_is_announced_to_nobody():
    run = Run()
    run.see(1)
    run.session.goal = np.array([0.1, np.nan, 0.3])
    with pytest.raises(TaskFailedError, match="a wrong goal"):
        run.see(2)
    assert run.told == [GOAL.tolist()]


def test_a_goal_that_the_first_state_brings_is_announced_with_it():
    run = Run()
    run.session.goal = None
    run.see(1)
    assert run.told == []
    run.session.goal = GOAL
    run.see(2)
    assert run.told == [GOAL.tolist()]


def test_only_in_lock_step_is_a_recorder_waited_for():
    trace = Trace()
    lockstep, realtime = Run(trace=trace).controller, Run(realtime=True, trace=trace).controller
    assert lockstep.ready_to_arm() == realtime.ready_to_arm() == ""
    trace.lacks = "no recorder hears them yet."
    assert lockstep.ready_to_arm() == trace.lacks
    assert realtime.ready_to_arm() == ""


def test_the_trace_gets_each_step_once_its_torque_is_out_and_an_end_before_the_next_goal():
    trace = Trace()
    run = Run(trace=trace)
    tick, next_episode = run.session.tick, run.session.next_episode

    def asking(state, dt):
        came = tick(state, dt)
        return came if came.over else came._replace(requested=np.array([0.75]))

    def drawing(state):
        run.session.goal = run.session.goal + 1.0
        return next_episode(state)

    run.session.tick, run.session.next_episode = asking, drawing
    run.see(1)
    run.place(2)
    command = run.controller.on_state(state(2), run.now)
    assert trace.told == ["train"]  # not before the torque is out
    run.out(command)
    for number in (3, 4):
        run.see(number)
    run.see_again(4)  # which is no step
    run.see(5)
    first = (GOAL + 1.0).tolist()
    steps = [(number, [0.75], first) for number in (2, 3, 4)]
    assert trace.told == ["train", *steps, (5, None, first), "train"]


def test_in_lock_step_nothing_is_sent_until_the_arm_is_placed():
    run = Run()
    assert run.see(1) == (None, EpisodeState.RESETTING)
    assert run.resets.asked == 1 and run.told == [GOAL.tolist()]
    assert run.see_again(1) == (None, EpisodeState.RESETTING)
    assert run.place(2) == (None, EpisodeState.RESETTING)
    assert run.resets.asked == 1
    assert run.see(2) == ((2, PUSH), EpisodeState.RUNNING)
    assert run.see(3) == ((3, PUSH), EpisodeState.RUNNING)
    assert run.session.log == ["begin", (2, PERIOD), (3, PERIOD)]


def test_the_first_state_is_answered_when_the_word_of_it_comes_later():
    run = Run()
    run.see(1)
    assert run.see(2) == (None, EpisodeState.RESETTING)
    assert run.place(2) == ((2, PUSH), EpisodeState.RUNNING)
    assert run.see(3) == ((3, PUSH), EpisodeState.RUNNING)


def test_the_last_state_of_an_episode_gets_no_answer_in_lock_step_and_asks_for_the_next():
    run = Run()
    run.see(1)
    run.place(2)
    for number in (2, 3, 4):
        run.see(number)
    assert run.see(5) == (None, EpisodeState.RESETTING)
    assert run.told == [GOAL.tolist(), EPISODE, GOAL.tolist()]
    assert run.resets.asked == 2
    run.place(6)
    for number in (6, 7, 8):
        assert run.see(number) == ((number, PUSH), EpisodeState.RUNNING)
    assert run.see(9) == (None, EpisodeState.DONE)
    assert run.resets.asked == 2


def test_in_real_time_every_state_that_is_due_is_answered_and_episodes_follow_at_once():
    run = Run(realtime=True, resets=False)
    run.see(1)
    assert run.see(2, after=0.012) == ((2, PUSH), EpisodeState.RUNNING)
    assert run.see(3) == ((3, PUSH), EpisodeState.RUNNING)
    assert run.session.log == ["begin", (2, 0.012), (3, PERIOD)]
    run.see(4)
    assert run.see(5) == ((5, REST), EpisodeState.RESETTING)
    assert run.see(6) == ((6, PUSH), EpisodeState.RUNNING)


def test_states_between_two_control_periods_are_passed_over():
    run = Run(realtime=True, resets=False)
    run.see(1)
    run.see(2)
    early = JointState(2 * STEP + STEP // 2, np.zeros(1), np.zeros(1))
    assert run.out(run.controller.on_state(early, run.now)) == (None, EpisodeState.RUNNING)
    assert run.safety.passed_over == 1
    assert run.see(3) == ((3, PUSH), EpisodeState.RUNNING)


def test_a_repeated_state_of_a_running_episode_is_left_to_the_node():
    run = Run()
    run.see(1)
    run.place(2)
    run.see(2)
    assert run.see_again(2) == (None, EpisodeState.RUNNING)
    assert len(run.session.log) == 2


def test_a_repeated_state_of_an_episode_that_was_disarmed_gets_what_stands_in_for_the_policy():
    run = Run()
    run.see(1)
    run.place(2)
    run.see(2)
    run.safety.armed = False
    assert run.see_again(2) == ((2, REST), EpisodeState.IDLE)


def test_the_state_with_which_an_episode_is_asked_for_does_not_belong_to_it():
    run = Run(resets=False)
    assert run.see(1) == (None, EpisodeState.RESETTING)
    assert run.see_again(1) == (None, EpisodeState.RESETTING)
    assert run.see(2) == ((2, PUSH), EpisodeState.RUNNING)


def test_the_schedule_begins_anew_with_the_first_state_of_an_episode():
    run = Run(realtime=True)
    run.see(1)
    first = JointState(STEP + STEP // 2, np.zeros(1), np.zeros(1))
    run.now += PERIOD / 2
    assert run.out(run.controller.on_state(first, run.now)) == (None, EpisodeState.RESETTING)
    run.now += 0.002
    command = run.controller.on_placed(first.stamp, run.now)
    assert (command.stamp, command.torque.tolist()) == (first.stamp, PUSH)
    assert run.session.log[-1] == (1, PERIOD)  # it stands for a whole period
    assert run.see(2, after=0.003) == (None, EpisodeState.RUNNING)  # half a period after the first
    late = JointState(2 * STEP + STEP // 2, np.zeros(1), np.zeros(1))
    assert run.controller.on_state(late, run.now) is not None


def test_what_disarms_leaves_the_episode_and_the_next_one_begins_when_it_is_armed_again():
    run = Run()
    run.see(1)
    run.place(2)
    run.see(2)
    run.safety.armed = False
    assert run.see(3) == ((3, REST), EpisodeState.IDLE)
    assert run.session.log[-1] == "abandon" and run.told[-1] == "arm"
    assert run.resets.cancelled == 1
    assert run.see_again(3) == ((3, REST), EpisodeState.IDLE)
    assert run.session.log.count("abandon") == 1
    run.safety.armed = True
    assert run.see(4) == (None, EpisodeState.RESETTING)
    assert run.session.log.count("begin") == 2


def test_a_disarmed_arm_waits_in_lock_step_for_a_learner_without_weights():
    run = Run()
    run.safety.armed = run.session.ready = False
    assert run.see(1) == (None, EpisodeState.IDLE)
    assert "first weights" in run.controller.ready_to_arm()
    run.session.ready = True
    assert run.see_again(1) == ((1, REST), EpisodeState.IDLE)
    assert run.controller.ready_to_arm() == ""


def test_after_a_clock_jump_the_next_state_is_due_whenever_it_comes():
    run = Run(realtime=True, resets=False)
    run.see(1000)
    run.see(1001)
    assert run.controller.leave() == "the open episode is discarded"
    assert run.session.log[-1] == "abandon"
    assert run.see(7) == ((7, REST), EpisodeState.RESETTING)
    assert run.see(8) == ((8, PUSH), EpisodeState.RUNNING)


@pytest.mark.parametrize("policy", [True, False])
def test_in_real_time_the_arm_is_disarmed_while_the_learner_ends(policy):
    run = Run(realtime=True, resets=False)
    run.session.trained, run.session.policy = True, policy
    answer, phase = run.see(1)
    assert answer == (1, REST)  # it is out before the learner is waited for
    assert run.session.log == ["end training"] and not run.safety.armed
    assert phase is (EpisodeState.IDLE if policy else EpisodeState.DONE)


def test_the_policy_is_held_back_after_five_seconds_without_a_learner():
    run = Run()
    run.session.absent = 5.0
    run.controller.on_timer(run.now)
    assert run.safety.withheld == ""
    run.session.absent = 6.0
    run.controller.on_timer(run.now)
    assert run.safety.withheld == "no learner for 6 s"
    assert run.session.log == ["check", "check"]


class AnySequence(RuleBasedStateMachine):
    """States, repeated states, resets, stops and clock jumps, in any order."""

    @initialize(realtime=st.booleans(), resets=st.booleans())
    def begin(self, realtime, resets):
        self.realtime = realtime
        self.run = Run(realtime, resets or not realtime, episodes=1000)
        self.phase, self.number = EpisodeState.IDLE, 1
        self.first = None  # number of the first state that may be of the open episode
        self.ticked = 0

    def judge(self, answer, phase, number):
        """Look at what came of one event."""
        log = self.run.session.log
        ticks = [entry[0] for entry in log if isinstance(entry, tuple)]
        if answer is not None:
            assert answer[0] == number
            assert answer[1] in (PUSH, REST)
            assert answer[1] == REST or self.run.safety.armed
        assert len(ticks) - self.ticked <= 1
        if len(ticks) > self.ticked:  # it was answered for the policy, within an episode
            assert ticks[-1] == number
            assert self.run.safety.armed
            assert self.first is not None and number >= self.first
        self.ticked = len(ticks)
        asked = phase is EpisodeState.RESETTING and self.phase is not EpisodeState.RESETTING
        if asked:
            self.first = None if self.run.resets else number + 1
        self.phase = phase

    @rule(steps=st.integers(1, 3))
    def see(self, steps):
        self.number += steps
        answer, phase = self.run.see(self.number)
        self.judge(answer, phase, self.number)
        assert answer is not None or not self.realtime  # each of these is due

    @rule()
    def see_again(self):
        if not self.realtime:
            self.judge(*self.run.see_again(self.number), self.number)

    @rule(ahead=st.integers(-1, 2))
    def place(self, ahead):
        if self.phase is EpisodeState.RESETTING and self.run.resets and self.number > 1:
            self.first = self.number + ahead
            self.judge(*self.run.place(self.first), self.number)

    @rule(armed=st.booleans())
    def stop_or_arm(self, armed):
        self.run.safety.armed = armed

    @rule()
    def jump(self):
        self.run.controller.leave()
        self.phase = EpisodeState.IDLE

    @invariant()
    def no_episode_is_begun_inside_another(self):
        log = [entry for entry in self.run.session.log if isinstance(entry, str)]
        ended = self.run.told.count(EPISODE) + log.count("abandon")
        open_ = self.phase in (EpisodeState.RESETTING, EpisodeState.RUNNING)
        assert log.count("begin") == ended + open_


AnySequence.TestCase.settings = settings(deadline=None)
TestAnySequence = AnySequence.TestCase
