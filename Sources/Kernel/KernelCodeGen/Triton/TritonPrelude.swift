/// What stands before kernels in Triton: imports, and functions that the language has no words for.
package enum TritonPrelude {
    /// The text, whose functions are called by what `TritonScalarTable` writes.
    package static let text = "import triton\nimport triton.language as tl\n" + functions

    private static let functions = """
        from triton.language.extra.cuda import gdc_launch_dependents, gdc_wait


        @triton.jit
        def floor_divide(a, b):
            # The language's own quotient rounds towards zero.
            quotient = a // b
            return tl.where((quotient * b != a) & ((a < 0) != (b < 0)), quotient - 1, quotient)


        @triton.jit
        def floor_remainder(a, b):
            return a - floor_divide(a, b) * b


        @triton.jit
        def round_to_even(x):
            return tl.where(tl.abs(x) < 4194304.0, (x + 12582912.0) - 12582912.0, x)


        @triton.jit
        def hyperbolic_tangent(x):
            # Cephes' tanhf: a polynomial near zero, where the difference below would cancel.
            square = x * x
            near = -5.70498872745e-3 * square + 2.06390887954e-2
            near = near * square - 5.37397155531e-2
            near = near * square + 1.33314422036e-1
            near = near * square - 3.33332819422e-1
            near = near * square * x + x
            far = 1.0 - 2.0 / (tl.exp(2.0 * tl.abs(x)) + 1.0)
            return tl.where(tl.abs(x) < 0.625, near, tl.where(x < 0.0, -far, far))


        """
}
