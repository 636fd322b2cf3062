import KernelWorker

// The judge's worker as a program of its own, so that tests need not build the whole command line.
WorkerLoop.run(threads: 2)
