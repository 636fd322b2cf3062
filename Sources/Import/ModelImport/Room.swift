// ModelImport: not filled yet.
