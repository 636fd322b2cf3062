// ModelFiles: not filled yet.
