// PackageBuilder: not filled yet.
