"""Writes OperatorSchemas.swift: the schemas, as the installed torch registers them, of every operator that has a rule.

    python Sources/Import/ModelImport/Generated/generate_schemas.py [HEARTH]

HEARTH is the built command (default .build/release/hearth); it names the operators. After a rule for a new operator was
added: build, run this, build again.
"""

import pathlib
import subprocess
import sys

import torch

HERE = pathlib.Path(__file__).resolve().parent

# Operators that give an element of a tensor as a number.
ELEMENTS = {"aten::item", "aten::_local_scalar_dense"}


def default(value):
    """A default in the notation that OperatorSchema reads."""
    if value is None:
        return "n"
    if isinstance(value, bool):
        return f"b{int(value)}"
    if isinstance(value, int):
        return f"i{value}"
    if isinstance(value, float):
        return f"f{value!r}"
    if isinstance(value, str):
        return f"s{value}"
    if isinstance(value, (list, tuple)):
        if any(isinstance(v, float) for v in value):
            return "F" + ",".join(repr(v) for v in value)
        return "I" + ",".join(str(int(v)) for v in value)
    return "n"


def takes_part(schema):
    """Whether an exported program can contain the overload: it gives tensors, nothing, or an element of a tensor, names
    no dimensions, and writes no `out` argument. TorchScript's forms for lists and text are left out."""
    if any(a.is_out or "Dimname" in str(a.type) for a in schema.arguments):
        return False
    returns = [str(r.type) for r in schema.returns]
    return any("Tensor" in r for r in returns) or not returns or schema.name in ELEMENTS


def lines(names):
    """One line an overload, sorted, of the operators in `names` and their in-place forms."""
    wanted = names | {f"{n}_" for n in names} | {"__i" + n[2:] for n in names if n[:2] == n[-2:] == "__"}
    found = set()
    for schema in torch._C._jit_get_all_schemas():
        space, base = schema.name.split("::")
        if space != "aten" or base not in wanted or not takes_part(schema):
            continue
        fields = [f"{a.name}={default(a.default_value)}" if a.has_default_value() else a.name for a in schema.arguments]
        found.add(" ".join([f"aten.{base}.{schema.overload_name or 'default'}", *fields]))
    return sorted(found)


def main():
    hearth = sys.argv[1] if len(sys.argv) > 1 else str(HERE.parents[3] / ".build/release/hearth")
    names = set(subprocess.run([hearth, "operators"], capture_output=True, text=True, check=True).stdout.split())
    kept = lines(names)
    text = "// Written by generate_schemas.py; do not edit.\n\n"
    text += "/// One operator a line: qualified name, then arguments with their defaults.\n"
    text += 'let operatorSchemaText = #"""\n' + "".join(f"    {line}\n" for line in kept) + '    """#\n'
    (HERE / "OperatorSchemas.swift").write_text(text)
    known = {line.split(" ")[0].split(".")[1] for line in kept}
    print(f"{len(kept)} schemas of {len(names)} operators")
    print("no schema:", ", ".join(sorted(n for n in names if n not in known)))


main()
