// KernelJudge: not filled yet.
