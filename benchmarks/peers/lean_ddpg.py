"""DDPG in the way of LeanRL's compiled TD3, the third learner of `speed.py`.

LeanRL (https://github.com/meta-pytorch/LeanRL) is scripts, not a library. What makes its TD3 fast
is taken over: a TorchRL replay on the device, one compiled function for the critic and one for the
actor with their Adam inside, on CUDA each replayed as a graph, target networks that are
`tensordict` copies moved by one `lerp_`. What TD3 has beyond DDPG is left out: the second critic,
the noise on the target's action, the delay. Gradients are cleared after the losses, not before:
torch 2.13 compiles nothing of a function that begins by that.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from tensordict import TensorDict, from_module
from tensordict.nn import CudaGraphModule
from torch import Tensor, nn
from torchrl.data import LazyTensorStorage, ReplayBuffer

_GAMMA, _TAU, _LEARNING_RATE = 0.99, 0.005, 1e-3
_GRAPH_WARM_UPS = 5
WARM_UPS = _GRAPH_WARM_UPS + 3
"""Updates after which all is compiled and captured."""

Step = Callable[[TensorDict], TensorDict]


def _mlp(sizes: Sequence[int], device: str) -> nn.Sequential:
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(sizes):
        layers += [nn.Linear(inputs, outputs, device=device), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def _with(parameters: TensorDict, sizes: Sequence[int]) -> nn.Sequential:
    """Return a network on memory that is another's, its parameters without a gradient."""
    network = _mlp(sizes, "meta")
    parameters.to_module(network, preserve_module_state=False)
    return network


class LeanDdpg:
    """A learner with a filled replay."""

    def __init__(
        self,
        observation: int,
        action: int,
        hidden: Sequence[int],
        device: str,
        replay: TensorDict,
    ) -> None:
        """Draw networks and store transitions; the first updates compile.

        Args:
            observation: numbers in one.
            action: numbers in one, each in [−1, 1].
            hidden: units of each hidden layer, of both networks.
            device: of networks and replay, `cpu` or `cuda`.
            replay: `observation` and `next_observation`, (n, o), `action`, (n, a), `reward`, (n,),
                and `done`, (n,) of bool.
        """
        actor_sizes = observation, *hidden, action
        critic_sizes = observation + action, *hidden, 1
        self._actor, self._critic = _mlp(actor_sizes, device), _mlp(critic_sizes, device)
        self._actor_parameters = from_module(self._actor).data
        self._critic_parameters = from_module(self._critic).data
        self._target_actor_parameters = self._actor_parameters.clone()
        self._target_critic_parameters = self._critic_parameters.clone()
        self._target_actor = _with(self._target_actor_parameters, actor_sizes)
        self._target_critic = _with(self._target_critic_parameters, critic_sizes)
        self._fixed_critic = _with(self._critic_parameters, critic_sizes)  # without a gradient
        self._critic_adam = torch.optim.Adam(self._critic.parameters(), lr=_LEARNING_RATE)
        self._actor_adam = torch.optim.Adam(self._actor.parameters(), lr=_LEARNING_RATE)
        self._update_critic = _fast(self._critic_step, device)
        self._update_actor = _fast(self._actor_step, device)
        self._replay = ReplayBuffer(storage=LazyTensorStorage(len(replay), device=device))
        self._replay.extend(replay.to(device))

    def train(self, gradient_steps: int, batch_size: int) -> tuple[float, float]:
        """Do so many updates; return the last one's losses, as the other peers look at them."""
        for _ in range(gradient_steps):
            data = self._replay.sample(batch_size)
            critic_loss = self._update_critic(data)
            actor_loss = self._update_actor(data)
            self._target_critic_parameters.lerp_(self._critic_parameters, _TAU)
            self._target_actor_parameters.lerp_(self._actor_parameters, _TAU)
        return float(critic_loss["loss"]), float(actor_loss["loss"])

    def _critic_step(self, data: TensorDict) -> TensorDict:
        with torch.no_grad():
            action = self._target_actor(data["next_observation"]).tanh()
            value = _value(self._target_critic, data["next_observation"], action)
            target = data["reward"] + (~data["done"]).float() * _GAMMA * value
        values = _value(self._critic, data["observation"], data["action"])
        loss = nn.functional.mse_loss(values, target)
        self._critic_adam.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self._critic_adam.step()
        return TensorDict(loss=loss.detach())

    def _actor_step(self, data: TensorDict) -> TensorDict:
        action = self._actor(data["observation"]).tanh()
        loss = -_value(self._fixed_critic, data["observation"], action).mean()
        self._actor_adam.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self._actor_adam.step()
        return TensorDict(loss=loss.detach())


def _fast(step: Step, device: str) -> Step:
    fast: Step = torch.compile(step)
    if device != "cpu":
        fast = CudaGraphModule(fast, in_keys=[], out_keys=[], warmup=_GRAPH_WARM_UPS)
    return fast


def _value(critic: nn.Module, observation: Tensor, action: Tensor) -> Tensor:
    value: Tensor = critic(torch.cat((observation, action), 1)).flatten()
    return value
