"""Writes OperatorSchemas.swift: the schemas, as the installed torch registers them, of every operator that has a rule.

The operators are those that the files of ../Operators register. Run with the project's Python environment:
    python Sources/Import/ModelImport/Generated/generate_schemas.py
"""

import pathlib
import re

import torch

HERE = pathlib.Path(__file__).resolve().parent


def registered():
    """Base names that the operator files register."""
    names = set()
    for path in sorted((HERE.parent / "Operators").glob("*.swift")):
        text = path.read_text()
        for call in re.finditer(r'table\.\w+\(\s*((?:"[^"]+",?\s*)+)', text):
            names.update(re.findall(r'"([^"]+)"', call.group(1)))
        for row in re.finditer(r'^\s*\(?row\("([^"]+)"', text, re.M):
            names.add(row.group(1))
        for block in re.finditer(r'\[String\] = \[(.*?)\]', text, re.S):
            names.update(re.findall(r'"([^"]+)"', block.group(1)))
    return names


def default(value):
    """A default in the notation that OperatorSchema reads, or None where it cannot be written."""
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


def main():
    names = registered()
    wanted = names | {f"{n}_" for n in names}
    wanted |= {"__i" + n[2:] for n in names if n.startswith("__") and n.endswith("__")}
    lines = []
    for schema in torch._C._jit_get_all_schemas():
        space, base = schema.name.split("::")
        if space != "aten":
            continue
        overload = schema.overload_name or "default"
        arguments = schema.arguments
        if any(a.is_out for a in arguments) or any("Dimname" in str(a.type) for a in arguments):
            continue
        if any("complex" in str(a.type) for a in arguments) or "dimname" in overload:
            continue
        fields = []
        for a in arguments:
            fields.append(f"{a.name}={default(a.default_value)}" if a.has_default_value() else a.name)
        lines.append(" ".join([f"aten.{base}.{overload}"] + fields))
    lines = sorted(set(l for l in lines if re.search(r"^\S+ .*\b\w", l) or l.count(" ") == 0))
    # Schemas that only TorchScript has (lists of numbers, text, tuples) take no tensor.
    keep = []
    tensors = {}
    for schema in torch._C._jit_get_all_schemas():
        key = "aten." + schema.name.split("::")[1] + "." + (schema.overload_name or "default")
        returns = [str(r.type) for r in schema.returns]
        tensors[key] = any("Tensor" in r for r in returns) or not returns
    for line in lines:
        if tensors.get(line.split(" ")[0]) or line.startswith(("aten.item", "aten._local", "aten.sym")):
            keep.append(line)
    text = "// Written by generate_schemas.py; do not edit.\n\n"
    text += "/// One operator a line: qualified name, then arguments with their defaults.\n"
    text += 'let operatorSchemaText = #"""\n' + "".join(f"    {l}\n" for l in keep) + '    """#\n'
    (HERE / "OperatorSchemas.swift").write_text(text)
    print(len(keep), "schemas of", len(names), "operators")
    known = {l.split(" ")[0].split(".")[1] for l in keep}
    print("no schema:", sorted(n for n in names if n not in known))


main()
