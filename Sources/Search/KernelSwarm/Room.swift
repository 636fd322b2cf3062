// KernelSwarm: not filled yet.
