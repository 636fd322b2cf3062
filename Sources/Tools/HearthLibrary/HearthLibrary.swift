// What the shared library holds; how it is linked is said in Package.swift: the standard library inside, the C interface outside.
@_exported import HearthC
