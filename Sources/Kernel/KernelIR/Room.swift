// KernelIR: not filled yet.
