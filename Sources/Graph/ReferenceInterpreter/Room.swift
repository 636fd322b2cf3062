// ReferenceInterpreter: not filled yet.
