// Base: not filled yet.
