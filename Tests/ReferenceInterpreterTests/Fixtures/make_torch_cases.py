"""Writes torch_cases.json: graphs in printed form, their inputs, and what PyTorch computes for them in double.

    python make_torch_cases.py

Each case's expected outputs come from the PyTorch function named in it, so that the interpreter is compared with
PyTorch's own meaning of every operation. Numbers are written in shortest form and read back exactly; NaN and
infinities are strings.
"""

import json
import math
import pathlib

import torch
import torch.nn.functional as F

torch.manual_seed(7)
NAN, INF = float("nan"), float("inf")
TYPES = {
    torch.float64: "f64",
    torch.float32: "f32",
    torch.float16: "f16",
    torch.bfloat16: "bf16",
    torch.int64: "i64",
    torch.int32: "i32",
    torch.int16: "i16",
    torch.int8: "i8",
    torch.uint8: "u8",
    torch.bool: "bool",
}
cases = []


def type_text(tensor):
    return f"{TYPES[tensor.dtype]}[{', '.join(map(str, tensor.shape))}]"


def number(value):
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else ("inf" if value > 0 else "-inf")
    return value


def tensor_value(tensor):
    flat = tensor.flatten()
    elements = (flat.double() if flat.dtype.is_floating_point else flat).tolist()
    return {"element": TYPES[tensor.dtype], "shape": list(tensor.shape), "elements": [number(x) for x in elements]}


def case(name, operation, inputs, expected):
    """One node over inputs; `expected` is a tensor or, for a node of several results, a tuple."""
    expected = expected if isinstance(expected, tuple) else (expected,)
    lines = [f'graph "{name}"']
    lines += [f'input "x{i}" {type_text(x)}' for i, x in enumerate(inputs)]
    lines += [f"%{i} = input {i} : {type_text(x)}" for i, x in enumerate(inputs)]
    operands = ", ".join(f"%{i}" for i in range(len(inputs)))
    node = len(inputs)
    lines.append(f"%{node} = {operation} {operands} : {', '.join(type_text(y) for y in expected)}")
    lines += [f'output "y{i}" %{node}' + (f".{i}" if i else "") for i in range(len(expected))]
    cases.append(
        {
            "name": name,
            "graph": "\n".join(lines) + "\n",
            "inputs": [tensor_value(x) for x in inputs],
            "outputs": [tensor_value(y) for y in expected],
        }
    )


def rand(*shape):
    return torch.randn(*shape, dtype=torch.float64)


def ints(low, high, *shape, dtype=torch.int64):
    return torch.randint(low, high, shape).to(dtype)


# Scalar operations.
special = torch.tensor(
    [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -2.5, 1e-300, 1e300, INF, -INF, NAN], dtype=torch.float64
)
wide = torch.cat([special, rand(10) * 3])
unary = {
    "negate": torch.neg,
    "absolute": torch.abs,
    "sign": torch.sign,
    "exp": torch.exp,
    "expm1": torch.expm1,
    "log": torch.log,
    "log1p": torch.log1p,
    "squareRoot": torch.sqrt,
    "reciprocalSquareRoot": torch.rsqrt,
    "sine": torch.sin,
    "cosine": torch.cos,
    "tangent": torch.tan,
    "arcSine": torch.asin,
    "arcCosine": torch.acos,
    "arcTangent": torch.atan,
    "hyperbolicTangent": torch.tanh,
    "errorFunction": torch.erf,
    "logGamma": torch.lgamma,
    "digamma": torch.digamma,
    "floor": torch.floor,
    "ceiling": torch.ceil,
    "truncate": torch.trunc,
    "round": torch.round,
    "isNaN": torch.isnan,
}
for name, function in unary.items():
    case(name, f"map {name}(a0)", [wide], function(wide))
unit = torch.cat(
    [torch.tensor([0, 1, -1, 1.5, NAN, 1 - 1e-12, -0.9999, 1e-9, 1e-300], dtype=torch.float64), rand(9).clamp(-1, 1)]
)
case("errorFunctionInverse", "map errorFunctionInverse(a0)", [unit], torch.erfinv(unit))
gammas = torch.tensor([-3.5, -0.001, -20.25, 0.001, 1.4616321449683622, 9.99, 10.0, 1e6, -7.0], dtype=torch.float64)
case("digammaNegative", "map digamma(a0)", [gammas], torch.digamma(gammas))
case("logGammaNegative", "map logGamma(a0)", [gammas], torch.lgamma(gammas))
corner = torch.tensor([5.0, -5.0, 0.0, -0.0, INF, -INF, NAN, 0.3, -1.0, 7.5], dtype=torch.float64)
left, right = [x.flatten().contiguous() for x in torch.meshgrid(corner, corner, indexing="ij")]
binary = {
    "add": torch.add,
    "subtract": torch.sub,
    "multiply": torch.mul,
    "divide": torch.div,
    "floorDivide": torch.floor_divide,
    "remainder": torch.remainder,
    "truncateRemainder": torch.fmod,
    "minimum": torch.minimum,
    "maximum": torch.maximum,
    "power": torch.pow,
    "arcTangent2": torch.atan2,
    "less": torch.lt,
    "lessOrEqual": torch.le,
    "equal": torch.eq,
    "notEqual": torch.ne,
}
for name, function in binary.items():
    case(name, f"map {name}(a0, a1)", [left, right], function(left, right))
a = torch.tensor([7, -7, 7, -7, 2**62, -(2**63), 0, 5], dtype=torch.int64)
b = torch.tensor([2, 2, -2, -2, 3, -7, 4, 63], dtype=torch.int64)
integer = {
    "add": torch.add,
    "subtract": torch.sub,
    "multiply": torch.mul,
    "floorDivide": torch.floor_divide,
    "remainder": torch.remainder,
    "truncateRemainder": torch.fmod,
    "minimum": torch.minimum,
    "maximum": torch.maximum,
    "power": torch.pow,
    "and": torch.bitwise_and,
    "or": torch.bitwise_or,
    "exclusiveOr": torch.bitwise_xor,
    "less": torch.lt,
    "equal": torch.eq,
    "shiftLeft": torch.bitwise_left_shift,
    "shiftRight": torch.bitwise_right_shift,
}
for name, function in integer.items():
    case(name + "Integer", f"map {name}(a0, a1)", [a, b], function(a, b))
case("truncateDivideInteger", "map truncateDivide(a0, a1)", [a, b], torch.div(a, b, rounding_mode="trunc"))
for name, function in {
    "negate": torch.neg,
    "absolute": torch.abs,
    "sign": torch.sign,
    "not": torch.bitwise_not,
}.items():
    case(name + "Integer", f"map {name}(a0)", [a], function(a))
p, q = torch.tensor([True, True, False, False]), torch.tensor([True, False, True, False])
for name, function in {"and": torch.logical_and, "or": torch.logical_or, "exclusiveOr": torch.logical_xor}.items():
    case(name + "Bool", f"map {name}(a0, a1)", [p, q], function(p, q))
case("notBool", "map not(a0)", [p], torch.logical_not(p))
x, y = rand(4), rand(4)
case("select", "map select(a0, a1, a2)", [p, x, y], torch.where(p, x, y))

# Casts between all types; values that every integer type holds, so that PyTorch defines the result.
for source in TYPES:
    x = torch.tensor([0, 1, 2, 3.75, 100.5, 127]).to(source)
    for target in TYPES:
        if source != target:
            case(f"cast {TYPES[source]} {TYPES[target]}", f"map {TYPES[target]}(a0)", [x], x.to(target))
x = ints(-(2**40), 2**40, 12)
for target in (torch.int32, torch.int16, torch.int8, torch.uint8):
    case(f"wrap {TYPES[target]}", f"map {TYPES[target]}(a0)", [x], x.to(target))

# Reductions and scans.
x = rand(3, 4, 5)
case("sum", "reduce.sum axes [0, 2]", [x], x.sum((0, 2)))
case("product", "reduce.product axes [1]", [x], x.prod(1))
nans = x.clone()
nans[1, 2, 3], nans[0, 0, 0], nans[0, 2, 0] = NAN, INF, NAN
for name, function in {"minimum": torch.amin, "maximum": torch.amax}.items():
    case(name, f"reduce.{name} axes [1, 2]", [nans], function(nans, (1, 2)))
ties = ints(0, 3, 4, 6)
for name, function in {"argMinimum": torch.argmin, "argMaximum": torch.argmax}.items():
    case(name, f"reduce.{name} axes [1]", [nans], function(nans, 1))
    case(
        name + "Single",
        f"reduce.{name} axes [0]",
        [torch.tensor([3.0, 5.0, 5.0, 3.0])],
        function(torch.tensor([3.0, 5.0, 5.0, 3.0]), 0),
    )
case("sumInteger", "reduce.sum axes [0]", [ties], ties.sum(0))
case("maximumInteger", "reduce.maximum axes [1]", [ties], ties.amax(1))
flags = rand(3, 4) > 0.8
case("any", "reduce.any axes [1]", [flags], flags.any(1))
case("all", "reduce.all axes [0]", [flags | True], (flags | True).all(0))
case("sumEmpty", "reduce.sum axes [1]", [rand(2, 0)], torch.zeros(2, dtype=torch.float64))
case("scanSum", "scan.sum axis 1", [x], x.cumsum(1))
case("scanProduct", "scan.product axis 2", [x], x.cumprod(2))
case("scanMaximum", "scan.maximum axis 2", [nans], nans.cummax(2).values)
case("scanMinimum", "scan.minimum axis 0", [nans], nans.cummin(0).values)
low = torch.tensor([-INF, -INF, 1.0, 800.0, -3.0, INF, 2.0], dtype=torch.float64)
case("scanLogSumExp", "scan.logSumExp axis 0", [low], low.logcumsumexp(0))
case("scanSumInteger", "scan.sum axis 0", [ties], ties.cumsum(0))

# Views.
case("reshape", "view.reshape [5, 12]", [x], x.reshape(5, 12))
case("permute", "view.permute [2, 0, 1]", [x], x.permute(2, 0, 1))
small = rand(3, 1)
case("expand", "view.expand [2, 3, 4]", [small], small.expand(2, 3, 4))
case("slice", "view.slice axis 1 start [1] count [2] step 2", [x], x[:, 1:4:2])
case("flip", "view.flip [0, 2]", [x], x.flip(0, 2))
case("pad", "view.pad low [0, 1, 2] high [0, 3, 0] value -inf", [x], F.pad(x, (2, 0, 1, 3), value=-INF))
case("padInteger", "view.pad low [1, 0] high [0, 2] value 7.0", [ties], F.pad(ties, (0, 2, 1, 0), value=7))
case("unfold", "view.unfold axis 1 size 2 step 2", [x], x.unfold(1, 2, 2))
other = rand(3, 2, 5)
case("concatenate", "concatenate axis 1", [x, other], torch.cat([x, other], 1))

# Gathers and scatters.
rows, columns = ints(0, 3, 2, 2), ints(0, 5, 2, 2)
case("gather", "gather axes [1] at 1", [x, rows], x[:, rows])
case("gatherPair", "gather axes [0, 2] at 0", [x, rows, columns], x[rows, :, columns])
case("gatherInteger", "gather axes [0] at 0", [ties, rows], ties[rows])
base, positions = rand(4, 3), torch.tensor([0, 2, 0, 2, 2])
updates = rand(5, 3)
case("scatterAdd", "scatter.add axes [0] at 0", [base, updates, positions], base.index_add(0, positions, updates))
wanted = {"multiply": "prod", "minimum": "amin", "maximum": "amax"}
nan_updates = updates.clone()
nan_updates[2, 1] = NAN
for name, mode in wanted.items():
    case(
        "scatter" + name,
        f"scatter.{name} axes [0] at 0",
        [base, nan_updates, positions],
        base.index_reduce(0, positions, nan_updates, mode),
    )
case(
    "scatterSet", "scatter.set axes [0] at 0", [base, updates, positions], base.clone().index_put((positions,), updates)
)


# Contractions and convolutions.
def contract(name, equation, left, right):
    labels = {c: i for i, c in enumerate(sorted(set(equation) - set(",->")))}
    operands, result = equation.split("->")
    one, two = operands.split(",")
    text = " ".join(str([labels[c] for c in part]) for part in (one, two, result))
    case(name, f"contract {text}", [left, right], torch.einsum(equation, left, right))


contract("matrix", "mk,kn->mn", rand(5, 9), rand(9, 3))
contract("matrixTransposed", "mk,nk->nm", rand(5, 9), rand(3, 9))
contract("batch", "bmk,bkn->bmn", rand(2, 9, 5), rand(2, 5, 7))
contract("outer", "a,b->ba", rand(3), rand(4))
contract("dot", "k,k->", rand(11), rand(11))
contract("loneLabels", "abk,kc->ac", rand(3, 4, 5), rand(5, 2))
contract("permuted", "bhqd,bhkd->hbkq", rand(2, 3, 4, 6), rand(2, 3, 5, 6))
contract("integers", "mk,kn->mn", ints(-9, 9, 3, 4), ints(-9, 9, 4, 2))


def convolve(name, x, w, stride, padding, dilation, groups, transposed=False, output=None):
    rank = len(stride)
    output = output or [0] * rank
    y = torch.ops.aten.convolution(x, w, None, stride, padding, dilation, transposed, output, groups)
    text = f"convolve stride {stride} low {padding} high {padding} dilation {dilation} groups {groups}"
    text += " transposed" if transposed else ""
    text += f" output {output}" if any(output) else ""
    case(name, text, [x, w], y)


convolve("convolve1", rand(2, 3, 11), rand(4, 3, 3), [2], [1], [1], 1)
convolve("convolve2", rand(2, 4, 7, 6), rand(6, 2, 3, 2), [1, 2], [1, 0], [2, 1], 2)
convolve("depthwise", rand(1, 4, 6, 6), rand(4, 1, 3, 3), [2, 2], [1, 1], [1, 1], 4)
convolve("convolve3", rand(1, 2, 4, 5, 4), rand(3, 2, 2, 2, 3), [1, 1, 1], [0, 1, 1], [1, 1, 1], 1)
convolve("transposed1", rand(2, 4, 5), rand(4, 3, 3), [2], [1], [1], 1, True, [1])
convolve("transposed2", rand(1, 4, 3, 4), rand(4, 2, 3, 2), [2, 3], [1, 0], [2, 1], 2, True, [1, 2])
x = rand(1, 2, 5)
w = rand(3, 2, 3)
case(
    "asymmetricPadding",
    "convolve stride [1] low [2] high [0] dilation [1] groups 1",
    [x, w],
    F.conv1d(F.pad(x, (2, 0)), w),
)


# Attention.
def attend(name, q, k, v, mask=None, causal=False, scale=None, groups=False):
    scale_text = scale if scale is not None else 1 / math.sqrt(q.shape[-1])
    y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=causal, scale=scale, enable_gqa=groups)
    text = "attend" + (" mask" if mask is not None else "") + (" causal" if causal else "") + f" scale {scale_text!r}"
    full = [] if mask is None else [mask.expand(q.shape[0], q.shape[1], q.shape[2], k.shape[2]).contiguous()]
    case(name, text, [q, k, v] + full, y)


q, k, v = rand(2, 4, 3, 8), rand(2, 4, 5, 8), rand(2, 4, 5, 6)
attend("attend", q, k, v)
attend("attendScale", q, k, v, scale=0.25)
attend("attendCausal", q, k, v, causal=True)
attend("attendGroups", q, k[:, :2], v[:, :2], groups=True)
mask = rand(2, 1, 3, 5) > 0
mask[0, 0, 1] = False
attend("attendBool", q, k, v, mask=mask)
attend(
    "attendFloat",
    q,
    k,
    v,
    mask=torch.zeros(2, 1, 3, 5, dtype=torch.float64).masked_fill(~mask, -INF) + rand(2, 1, 3, 5),
)

# Recurrence.
for cell, module in {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "tanh": torch.nn.RNN, "relu": torch.nn.RNN}.items():
    for bias in (True, False):
        for reverse in (True, False):
            extra = {"nonlinearity": cell} if module is torch.nn.RNN else {}
            net = module(3, 4, bias=bias, **extra).double()
            x, state = rand(5, 2, 3), rand(2, 4)
            memory = rand(2, 4)
            first = (state[None], memory[None]) if cell == "lstm" else state[None]
            with torch.no_grad():
                y, last = net(x.flip(0) if reverse else x, first)
            y = y.flip(0) if reverse else y
            lasts = tuple(t[0] for t in last) if cell == "lstm" else (last[0],)
            weights = [net.weight_ih_l0, net.weight_hh_l0] + ([net.bias_ih_l0, net.bias_hh_l0] if bias else [])
            text = f"recur.{cell}" + (" bias" if bias else "") + (" reverse" if reverse else "")
            states = [state] + ([memory] if cell == "lstm" else [])
            case(text, text, [x] + states + [t.detach() for t in weights], (y,) + lasts)

# Pooling.
x = rand(2, 3, 7, 6)
nan_image = x.clone()
nan_image[0, 1, 2, 2] = nan_image[0, 1, 2, 3] = NAN
for size, stride, padding, dilation, ceiling in [
    ([3, 2], [2, 2], [1, 1], [1, 1], False),
    ([3, 3], [2, 2], [1, 1], [1, 1], True),
    ([2, 2], [3, 2], [0, 1], [2, 1], True),
]:
    text = f"size {size} stride {stride} padding {padding} dilation {dilation}" + (" ceiling" if ceiling else "")
    y, index = F.max_pool2d(nan_image, size, stride, padding, dilation, ceiling, return_indices=True)
    case(f"windowMaximum {text}", f"window.maximum {text}", [nan_image], y)
    case(f"windowArgMaximum {text}", f"window.argMaximum {text}", [nan_image], index)
    if dilation == [1, 1]:
        for counts in (True, False):
            y = F.avg_pool2d(x, size, stride, padding, ceiling, counts)
            case(f"windowAverage {text} {counts}", "window.average" + (" padded " if counts else " ") + text, [x], y)
        y = F.avg_pool2d(x, size, stride, padding, ceiling, True, 5)
        case(f"windowDivisor {text}", f"window.average padded divisor 5 {text}", [x], y)
line = rand(1, 2, 6)
case(
    "windowLine",
    "window.average padded size [3] stride [2] padding [1] dilation [1] ceiling",
    [line],
    F.avg_pool1d(line, 3, 2, 1, ceil_mode=True),
)

# Sorting.
x = torch.tensor([[1.0, NAN, 3.0, NAN, -INF, 3.0, 2.0], [0.0, 0.0, -0.0, 5.0, INF, 5.0, 0.0]], dtype=torch.float64)
for descending in (False, True):
    y = torch.sort(x, dim=1, descending=descending, stable=True)
    case(f"sort {descending}", "sort axis 1" + (" descending" if descending else ""), [x], (y.values, y.indices))
    z = torch.sort(ties, dim=0, descending=descending, stable=True)
    case(
        f"sortInteger {descending}",
        "sort axis 0" + (" descending" if descending else ""),
        [ties],
        (z.values, z.indices),
    )
distinct = torch.stack([torch.randperm(9) for _ in range(3)]).double()
for largest in (True, False):
    y = torch.topk(distinct, 4, dim=1, largest=largest)
    case(
        f"top {largest}",
        "sort axis 1" + (" descending" if largest else "") + " limit 4",
        [distinct],
        (y.values, y.indices),
    )

# Whole numbers: averages are rounded toward zero, convolutions are exact.
whole = torch.randint(-9, 10, (1, 2, 5, 6))
for text, counts, divisor in [(" padded", True, None), ("", False, None), (" padded divisor 4", True, 4)]:
    y = F.avg_pool2d(whole, [3, 2], [2, 2], [1, 1], True, counts, divisor)
    case(
        f"windowInteger{text}",
        f"window.average{text} size [3, 2] stride [2, 2] padding [1, 1] dilation [1, 1] ceiling",
        [whole],
        y,
    )
weights = torch.randint(-9, 10, (4, 2, 3, 2))
convolve("convolveInteger", torch.randint(-9, 10, (1, 4, 3, 4)), weights, [2, 3], [1, 0], [2, 1], 2)
convolve("transposedInteger", torch.randint(-9, 10, (1, 4, 3, 4)), weights, [2, 3], [1, 0], [2, 1], 2, True, [1, 2])

path = pathlib.Path(__file__).with_name("torch_cases.json")
path.write_text("[\n" + ",\n".join(json.dumps(c, allow_nan=False) for c in cases) + "\n]\n")
print(len(cases), "cases,", path.stat().st_size, "bytes")
