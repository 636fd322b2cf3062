"""Runs KernelBench.

    python Benchmarks/kernelbench sample  --problems CHECKOUT --seed N         draws the sample (once)
    python Benchmarks/kernelbench import  --problems CHECKOUT --out FOLDER     exports all, and says what does not import
    python Benchmarks/kernelbench judge   --problems CHECKOUT --out FOLDER     builds what imports, and checks it
    python Benchmarks/kernelbench measure --problems CHECKOUT --out FOLDER     times the sample beside PyTorch, and checks it
    python Benchmarks/kernelbench report  --problems CHECKOUT --out FOLDER     what was found, as Markdown

CHECKOUT is one of github.com/ScalingIntelligence/KernelBench; nothing of it is kept here. Every step goes on where it
was ended; FOLDER holds a line for each problem in `import.MODE.jsonl`, `judge.MODE.jsonl` and `measure.MODE.jsonl`.
`import` and `judge` make problems smaller that this machine cannot hold (`--full` does not), `measure` never does.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import shutil
import sys
import warnings
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent / "python")]

from children import Lines, over, steps, torch_threads  # noqa: E402
from problems import LEVELS, SAMPLE, Problem, chosen, drawn, problems, sampled  # noqa: E402


def one(step: str, path: str, options: dict[str, Any]) -> None:
    """A step of one problem, in this process; its result is the last line that is printed."""
    warnings.filterwarnings("ignore")
    torch_threads(options)
    file = Path(path)
    problem = Problem(int(file.parent.name.removeprefix("level")), int(file.name.split("_")[0]), file)
    print("\n" + json.dumps(steps()[step](problem, options)), flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=("sample", "import", "judge", "measure", "report"))
    parser.add_argument("--problems", type=Path, required=True, metavar="CHECKOUT")
    parser.add_argument("--out", type=Path, metavar="FOLDER")
    parser.add_argument("--only", nargs="*", help="problems by key (1-019), level (1) or part of the title")
    parser.add_argument("--mode", choices=("train", "eval"), default="train", help="KernelBench's own is train")
    parser.add_argument("--full", action="store_true", help="import at the sizes of the problems")
    parser.add_argument("--limit", type=float, default=300, help="seconds for one problem (default 300)")
    parser.add_argument("--memory", type=float, default=0, help="gigabytes for one process (default: no limit)")
    parser.add_argument("--threads", type=int, default=0, help="of each side (default: one per core)")
    parser.add_argument("--again", nargs="*", default=[], help="do those of these statuses again")
    parser.add_argument("--keep", action="store_true", help="keep exported programs after they are judged")
    parser.add_argument("--device", default="cpu", help="cpu or cuda (default cpu)")
    parser.add_argument("--precision", default="", help="measure: as hearth optimize, where a model has such products")
    parser.add_argument("--optimize", default="", help="further options of hearth optimize")
    measure = parser.add_argument_group("measure")
    measure.add_argument("--against", default="", help="PyTorch's modes (default: all that mean something)")
    measure.add_argument("--build-device", help="of packages: cuda:sm_90 builds ahead of time, without a GPU")
    measure.add_argument("--small", action="store_true", help="at the sizes that import found: a rehearsal, no result")
    measure.add_argument("--trials", type=int, default=0, help="of hearth's search (default 0: default schedules)")
    measure.add_argument("--seconds", type=float, default=520, help="the shard ends then (default 520)")
    measure.add_argument("--rounds", type=int, default=100, help="timed calls of each side at most (default 100)")
    measure.add_argument(
        "--time", type=float, default=20, help="seconds of timed calls of a problem at most (default 20)"
    )
    measure.add_argument("--ahead", type=int, default=2, help="packages that are made while others are measured")
    measure.add_argument("--all", action="store_true", help="measure all problems, not the sample")
    parser.add_argument("--seed", type=int, help="sample: of the draw")
    return parser.parse_args()


def main() -> int:
    """Runs the command line."""
    if sys.argv[1:2] == ["one"]:
        one(sys.argv[2], sys.argv[3], json.loads(sys.argv[4]))
        return 0
    options = arguments()
    found = problems(options.problems)
    if not found:
        print(f"'{options.problems}' holds no KernelBench/level1 … level{LEVELS[-1]}", file=sys.stderr)
        return 1
    if options.step == "sample":
        sample = {"seed": options.seed, "each": 20, "levels": drawn(found, options.seed, 20)}
        SAMPLE.write_text(json.dumps(sample) + "\n")
        return 0
    out = options.out
    out.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("HEARTH_ARCHIVE", str(out / "archive.sqlite"))
    common = {"work": str(out / "work"), "mode": options.mode, "threads": options.threads, "full": options.full}
    common |= {"device": options.device, "optimize": options.optimize.split(), "precision": options.precision}
    imported, judged = (Lines(out / f"{step}.{options.mode}.jsonl") for step in ("import", "judge"))
    limits = (options.limit, options.memory, options.again)
    if options.step == "import":
        over("import", chosen(found, options.only), imported, lambda _: common, *limits)
    elif options.step == "judge":
        for problem in chosen(found, options.only):
            row = imported.rows.get(problem.key, {})
            if row.get("status") != "imports":
                continue
            over("judge", [problem], judged, lambda _, row=row: common | {"sizes": row["sizes"]}, *limits)
            if not options.keep and judged.rows[problem.key]["status"] == "correct":
                shutil.rmtree(out / "work" / f"{problem.key}.{options.mode}", ignore_errors=True)
    elif options.step == "measure":
        import shards

        wanted = list(chosen(found if options.all else sampled(found), options.only))
        # Levels take turns, so that what a shard leaves out is of all of them.
        turns = [[one for one in wanted if one.level == level] for level in LEVELS]
        order = [one for turn in itertools.zip_longest(*turns) for one in turn if one is not None]
        shards.shard(order, out, common, options)
    else:
        import reporting

        print(reporting.page(found, out, options.mode))
    return 0


if __name__ == "__main__":
    sys.exit(main())
