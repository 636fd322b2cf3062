// GraphLowering: not filled yet.
