// PackageRuntime: not filled yet.
