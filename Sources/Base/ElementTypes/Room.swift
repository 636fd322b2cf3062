// ElementTypes: not filled yet.
