"""Sizes that a model returns: expressions of the sizes of its inputs, as text that holds no code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["Unknown", "evaluated", "written"]


class Unknown(Exception):
    """An expression of a kind that is not known here."""


OPERATIONS: dict[str, Callable[[list[int]], int]] = {
    "Add": sum,
    "Mul": lambda values: product(values),
    "Pow": lambda values: values[0] ** values[1],
    "FloorDiv": lambda values: values[0] // values[1],
    "CleanDiv": lambda values: values[0] // values[1],
    "Mod": lambda values: values[0] % values[1],
    "PythonMod": lambda values: values[0] % values[1],
    "Max": max,
    "Min": min,
}
"""By the names of sympy's and PyTorch's classes; all of integers."""


def product(values: list[int]) -> int:
    """The product of whole numbers."""
    result = 1
    for value in values:
        result *= value
    return result


def written(expression: Any) -> Any:
    """A sympy expression as numbers, names of symbols and lists of an operation with its operands. Throws `Unknown`."""
    if isinstance(expression, int):
        return expression
    if expression.is_Integer:
        return int(expression)
    if expression.is_Symbol:
        return expression.name
    kind = type(expression).__name__
    if kind not in OPERATIONS:
        raise Unknown(f"a size is computed by {kind}")
    return [kind, *(written(operand) for operand in expression.args)]


def evaluated(expression: Any, symbols: Mapping[str, int]) -> int:
    """The value of what `written` wrote."""
    if isinstance(expression, int):
        return expression
    if isinstance(expression, str):
        return symbols[expression]
    kind, *operands = expression
    return int(OPERATIONS[kind]([evaluated(operand, symbols) for operand in operands]))
