"""The machine's limit: the matrix products of one update and nothing else.

The last product of a chain cannot begin before the first has ended, so the list is in the order
of an update, each product a `torch.mm` of its own into memory that was reserved before.
"""

import itertools
from collections.abc import Callable
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from benchmarks.speed.conversation import answer, keep_to
from benchmarks.speed.sizes import Size, measuring_parser, parsed_size

Layers = list[tuple[int, int]]  # (inputs, outputs) of each layer


class Product(NamedTuple):
    """(rows, inner) times (inner, columns)."""

    rows: int
    inner: int
    columns: int
    transposed: Literal["none", "left", "right"]  # which factor lies in memory the other way

    @property
    def flops(self) -> int:
        """Multiplications and additions."""
        return 2 * self.rows * self.inner * self.columns


def update_products(size: Size) -> list[Product]:
    """Return the products of one DDPG update: target, critic step, actor step."""
    actor = list(itertools.pairwise((size.observation, *size.hidden, size.action)))
    critic = list(itertools.pairwise((size.observation + size.action, *size.hidden, 1)))
    batch = size.batch
    target = _forward(actor, batch) + _forward(critic, batch)
    critic_step = (
        _forward(critic, batch)
        + _weight_gradients(critic, batch)
        + _input_gradients(critic[1:], batch)
    )
    first = (size.action, critic[0][1])  # of the critic's inputs, the action alone
    actor_step = (
        _forward(actor, batch)
        + _forward(critic, batch)
        + _input_gradients([first, *critic[1:]], batch)
        + _weight_gradients(actor, batch)
        + _input_gradients(actor[1:], batch)
    )
    return target + critic_step + actor_step


def _forward(layers: Layers, batch: int) -> list[Product]:
    return [Product(batch, inputs, outputs, "right") for inputs, outputs in layers]


def _weight_gradients(layers: Layers, batch: int) -> list[Product]:
    return [Product(outputs, batch, inputs, "left") for inputs, outputs in reversed(layers)]


def _input_gradients(layers: Layers, batch: int) -> list[Product]:
    return [Product(batch, outputs, inputs, "none") for inputs, outputs in reversed(layers)]


def _operands(product: Product, device: str, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
    def matrix(rows: int, columns: int) -> Tensor:
        return torch.randn(rows, columns, device=device).to(dtype)

    rows, inner, columns, transposed = product
    left = matrix(inner, rows).T if transposed == "left" else matrix(rows, inner)
    right = matrix(columns, inner).T if transposed == "right" else matrix(inner, columns)
    return left, right, torch.empty(rows, columns, device=device, dtype=dtype)


def _once(size: Size, device: str, dtype: torch.dtype) -> Callable[[], None]:
    operands = [_operands(product, device, dtype) for product in update_products(size)]

    def multiply() -> None:
        for left, right, out in operands:
            torch.mm(left, right, out=out)

    if device == "cpu":
        return multiply
    multiply()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):  # launching each by itself would measure the launches
        multiply()

    def replay() -> None:
        assert operands  # the graph does not keep the memory that it reads
        graph.replay()

    return replay


def main() -> None:
    """Reserve, and answer."""
    arguments = measuring_parser("The matrix products of one update alone.").parse_args()
    keep_to(arguments.threads, arguments.device)
    torch.set_num_threads(arguments.threads)
    dtype = torch.bfloat16 if arguments.precision == "bf16" else torch.float32
    size = parsed_size(arguments)
    once = _once(size, arguments.device, dtype)

    def call(updates: int) -> None:
        for _ in range(updates):
            once()

    on_gpu = arguments.device != "cpu"
    about = {"flops_per_update": sum(product.flops for product in update_products(size))}
    with torch.inference_mode():
        answer(about, call, torch.cuda.synchronize if on_gpu else lambda: None)


if __name__ == "__main__":
    main()
