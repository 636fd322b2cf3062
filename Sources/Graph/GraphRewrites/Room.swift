// GraphRewrites: not filled yet.
