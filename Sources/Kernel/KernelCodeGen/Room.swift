// KernelCodeGen: not filled yet.
