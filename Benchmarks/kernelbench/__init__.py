"""Runs KernelBench (github.com/ScalingIntelligence/KernelBench, MIT licence): imports, judges and measures its problems.

    python Benchmarks/kernelbench sample|import|judge|measure|report --problems CHECKOUT --out FOLDER

`__main__.py` says what each step does.
"""
