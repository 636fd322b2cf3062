// ModelPackage: not filled yet.
