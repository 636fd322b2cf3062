// GraphIR: not filled yet.
