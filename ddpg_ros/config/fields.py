"""What settings are made of: numbers with a range, and the model that holds a section of them."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, ConfigDict, field_validator
from pydantic.fields import FieldInfo

Positive = Annotated[float, Gt(0), Le(1e6)]
Interval = Annotated[float, Ge(1e-6), Le(1e6)]
"""A time by which others are divided [s]: not so short that their number is none."""

NonNegative = Annotated[float, Ge(0), Le(1e6)]
Count = Annotated[int, Ge(0), Le(1_000_000_000)]
PositiveCount = Annotated[int, Gt(0), Le(1_000_000_000)]
Fraction = Annotated[float, Ge(0), Le(1)]


class Section(BaseModel):
    """Settings under one name; unknown names and numbers that are not finite are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*")
    @classmethod
    def _fits_a_parameter(cls, value: Any) -> Any:
        for number in value if isinstance(value, list) else [value]:
            if isinstance(number, int) and not -(2**63) <= number < 2**63:
                raise ValueError("expected a whole number of at most 64 bits")
        return value


def kind_of(field: FieldInfo) -> tuple[type, bool]:
    """Return what a setting holds, bool, int, float or str, and whether it is a list of those."""
    kind: Any = field.annotation
    is_list = get_origin(kind) is list
    if is_list:
        kind = get_args(kind)[0]
    if get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    if get_origin(kind) is Literal:
        kind = type(get_args(kind)[0])
    return kind, is_list


def bounds_of(field: FieldInfo) -> tuple[float, float] | None:
    """Return the least and the largest value of a number with both bounds, else None.

    An open lower bound of an integer is returned as the least integer above it.
    """
    found: Mapping[type, Any] = {type(bound): bound for bound in field.metadata}
    low: Any = found[Ge].ge if Ge in found else found[Gt].gt if Gt in found else None
    high: Any = found[Le].le if Le in found else found[Lt].lt if Lt in found else None
    if low is None or high is None or field.annotation not in (int, float):
        return None
    if field.annotation is int:
        return low + (Gt in found), high - (Lt in found and Le not in found)
    return low, high
