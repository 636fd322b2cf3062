extension CPrelude {
    /// NaN flows through by itself: `select(x is NaN, x, copysign(y, x))` is miscompiled by clang 21 for AVX-512 (a select of
    /// a bit operation and one of its own operands becomes a masked `vpternlogd` with its operands in the wrong order).
    ///
    /// Elementary functions in f32, scalar and vector alike. Polynomials are minimax fits made for this project (Lawson
    /// weights on Chebyshev nodes); range reductions follow Cody and Waite (1980). Errors are below 2 units in the last place.
    static let elementary = """
        FORCE {F} scale_f@({F} x, {I} n) {
            {I} h = n >> 1; {I} k = n - h;
            return x * unbits_f@((h + 127) << 23) * unbits_f@((k + 127) << 23);
        }
        FORCE {F} exp_f@({F} x) {
            {F} c = sel_f@(x > 89.0f, {SF}(89.0f), sel_f@(x < -104.0f, {SF}(-104.0f), x));
            c = sel_f@(x != x, {SF}(0.0f), c);
            {F} n = (c * 0x1.715476p+0f + 12582912.0f) - 12582912.0f;
            {F} r = fma_f@(n, {SF}(-0x1.62e400p-1f), c); r = fma_f@(n, {SF}(-0x1.7f7d1cp-20f), r);
            {F} p = {SF}(0x1.6dbc64p-10f);
            p = fma_f@(p, r, {SF}(0x1.124148p-7f)); p = fma_f@(p, r, {SF}(0x1.555454p-5f));
            p = fma_f@(p, r, {SF}(0x1.555486p-3f)); p = fma_f@(p, r, {SF}(0.5f));
            {F} y = fma_f@(p, r * r, r) + 1.0f;
            return sel_f@(x != x, x, scale_f@(y, toint_f@(n)));
        }
        FORCE {F} expm1_f@({F} x) {
            {F} p = {SF}(0x1.a329bep-16f);
            p = fma_f@(p, x, {SF}(0x1.a31d0ep-13f)); p = fma_f@(p, x, {SF}(0x1.6c140ap-10f));
            p = fma_f@(p, x, {SF}(0x1.110f2ep-7f)); p = fma_f@(p, x, {SF}(0x1.555558p-5f));
            p = fma_f@(p, x, {SF}(0x1.555556p-3f)); p = fma_f@(p, x, {SF}(0.5f));
            return sel_f@(abs_f@(x) < 0.5f, fma_f@(p, x * x, x), exp_f@(x) - 1.0f);
        }
        FORCE {F} log_f@({F} x) {
            {B} tiny = x < 0x1p-126f;
            {F} z = sel_f@(tiny, x * 0x1p+25f, x);
            // Without the sign, whose results are replaced below, and by a product, nothing overflows whatever x is.
            {I} i = bits_f@(z) & 0x7FFFFFFF; {I} e = (i - 0x3F3504F3) >> 23;
            {F} f = unbits_f@(i - e * 8388608) - 1.0f;
            {F} k = tofloat_i@(e) - sel_f@(tiny, {SF}(25.0f), {SF}(0.0f));
            {F} p = {SF}(0x1.1b3e5ap-4f);
            p = fma_f@(p, f, {SF}(-0x1.e2e7cep-4f)); p = fma_f@(p, f, {SF}(0x1.e651a4p-4f));
            p = fma_f@(p, f, {SF}(-0x1.fb438ep-4f)); p = fma_f@(p, f, {SF}(0x1.2332b4p-3f));
            p = fma_f@(p, f, {SF}(-0x1.5562e0p-3f)); p = fma_f@(p, f, {SF}(0x1.99a546p-3f));
            p = fma_f@(p, f, {SF}(-0x1.ffffeep-3f)); p = fma_f@(p, f, {SF}(0x1.555546p-2f));
            {F} s = f * f;
            {F} y = fma_f@(p * f, s, k * -0x1.bd0106p-13f);
            y = fma_f@(s, {SF}(-0.5f), y) + f;
            y = fma_f@(k, {SF}(0x1.63p-1f), y);
            y = sel_f@(x == 0.0f, {SF}(-__builtin_inff()), y);
            y = sel_f@(x == __builtin_inff(), x, y);
            return sel_f@((x < 0.0f) | (x != x), {SF}(__builtin_nanf("")), y);
        }
        FORCE {F} log1p_f@({F} x) {
            {F} u = x + 1.0f; {F} d = u - 1.0f;
            {F} y = log_f@(u) * (x / sel_f@(d == 0.0f, {SF}(1.0f), d));
            y = sel_f@(x == __builtin_inff(), x, y);
            return sel_f@(d == 0.0f, x, y);
        }
        FORCE {F} tanh_f@({F} x) {
            {F} s = x * x;
            {F} p = {SF}(0x1.197b62p-9f);
            p = fma_f@(p, s, {SF}(-0x1.0c213ep-7f)); p = fma_f@(p, s, {SF}(0x1.6394d8p-6f));
            p = fma_f@(p, s, {SF}(-0x1.b9ef7cp-5f)); p = fma_f@(p, s, {SF}(0x1.11106cp-3f));
            p = fma_f@(p, s, {SF}(-0x1.555554p-2f));
            {F} a = abs_f@(x);
            {F} big = copysign_f@(1.0f - div_f@({SF}(2.0f), exp_f@(a + a) + 1.0f), x);
            return sel_f@(a < 0.625f, fma_f@(p * s, x, x), big);
        }
        FORCE {F} erf_f@({F} x) {
            {F} s = x * x;
            {F} p = {SF}(0x1.5e062cp-14f);
            p = fma_f@(p, s, {SF}(-0x1.aaa2d6p-11f)); p = fma_f@(p, s, {SF}(0x1.54d42ap-8f));
            p = fma_f@(p, s, {SF}(-0x1.b80ff2p-6f)); p = fma_f@(p, s, {SF}(0x1.ce2e1cp-4f));
            p = fma_f@(p, s, {SF}(-0x1.812744p-2f)); p = fma_f@(p, s, {SF}(0x1.06eba8p-3f));
            {F} t = abs_f@(x); {F} c = sel_f@(t > 4.0f, {SF}(4.0f), t);
            {F} q = {SF}(0x1.63d8fap-21f);
            q = fma_f@(q, c, {SF}(0x1.9db946p-17f)); q = fma_f@(q, c, {SF}(-0x1.9379fep-12f));
            q = fma_f@(q, c, {SF}(0x1.07059cp-8f)); q = fma_f@(q, c, {SF}(-0x1.968866p-6f));
            q = fma_f@(q, c, {SF}(0x1.b9fb54p-4f)); q = fma_f@(q, c, {SF}(0x1.446accp-1f));
            q = fma_f@(q, c, {SF}(0x1.21202ap+0f)); q = fma_f@(q, c, {SF}(-0x1.41aa80p-13f));
            {F} big = copysign_f@(1.0f - exp_f@(-q), x);
            return sel_f@(t < 0.9375f, fma_f@(p, x, x), big);
        }
        FORCE {F} sincos_f@({F} x, int quarter) {
            {D} w = todouble_f@(x);
            {D} n = round_d@(w * 0.63661977236758134);
            {F} r = tofloat_d@((w - n * 1.5707963267948966) - n * 6.123233995736766e-17);
            {L} k = toint_d@(n) + quarter;
            {F} s = r * r;
            {F} a = {SF}(0x1.6cbecep-19f);
            a = fma_f@(a, s, {SF}(-0x1.a00f32p-13f)); a = fma_f@(a, s, {SF}(0x1.111108p-7f));
            a = fma_f@(a, s, {SF}(-0x1.555556p-3f)); a = fma_f@(a * s, r, r);
            {F} b = {SF}(-0x1.2417dep-22f);
            b = fma_f@(b, s, {SF}(0x1.a010c4p-16f)); b = fma_f@(b, s, {SF}(-0x1.6c16b8p-10f));
            b = fma_f@(b, s, {SF}(0x1.555556p-5f)); b = fma_f@(b, s * s, 1.0f - s * 0.5f);
            {F} y = sel_f@({ML}((k & 1) != 0), b, a);
            y = sel_f@({ML}((k & 2) != 0), -y, y);
            return sel_f@(abs_f@(x) < 1e9f, y, x - x);
        }
        FORCE {F} sin_f@({F} x) { return sincos_f@(x, 0); }
        FORCE {F} cos_f@({F} x) { return sincos_f@(x, 1); }
        FORCE {D} scale_d@({D} x, {L} n) {
            {L} h = n >> 1; {L} k = n - h;
            return x * unbits_d@((h + 1023) << 52) * unbits_d@((k + 1023) << 52);
        }
        FORCE {D} exp_d@({D} x) {
            {D} c = sel_d@({ML}(x > 710.0), {SD}(710.0), sel_d@({ML}(x < -746.0), {SD}(-746.0), x));
            c = sel_d@({ML}(x != x), {SD}(0.0), c);
            {D} n = round_d@(c * 0x1.71547652b82fep+0);
            {D} r = fma_d@(n, {SD}(-0x1.62e42fefa0000p-1), c); r = fma_d@(n, {SD}(-0x1.cf79abc9e3b3ap-40), r);
            {D} p = {SD}(0x1.6e1c2b5890000p-31);
            p = fma_d@(p, r, {SD}(0x1.acf87cc45f400p-26)); p = fma_d@(p, r, {SD}(0x1.287d0c9247400p-22));
            p = fma_d@(p, r, {SD}(0x1.71df88a30efe0p-19)); p = fma_d@(p, r, {SD}(0x1.a019a6a3e2100p-16));
            p = fma_d@(p, r, {SD}(0x1.a01a00f3d53c4p-13)); p = fma_d@(p, r, {SD}(0x1.6c16c1861cf60p-10));
            p = fma_d@(p, r, {SD}(0x1.1111111134dd1p-7)); p = fma_d@(p, r, {SD}(0x1.555555554e468p-5));
            p = fma_d@(p, r, {SD}(0x1.55555555554b2p-3)); p = fma_d@(p, r, {SD}(0x1.0000000000016p-1));
            {D} y = fma_d@(p, r * r, r) + 1.0;
            return sel_d@({ML}(x != x), x, scale_d@(y, toint_d@(n)));
        }
        FORCE {D} log_d@({D} x) {
            {L} small = x < 0x1p-1022; {B} tiny = {ML}(small);
            {D} z = sel_d@(tiny, x * 0x1p+54, x);
            {L} i = bits_d@(z); {L} e = (i - 0x3FE6A09E667F3BCDll) >> 52;
            {D} m = unbits_d@(i - (e << 52));
            {D} k = todouble_l@(e) - sel_d@(tiny, {SD}(54.0), {SD}(0.0));
            {D} f = (m - 1.0) / (m + 1.0); {D} s = f * f;
            {D} p = {SD}(0x1.1324c02fcdb42p-7);
            p = fma_d@(p, s, {SD}(0x1.2c16fa6d18951p-4)); p = fma_d@(p, s, {SD}(0x1.39b8c4fdee672p-4));
            p = fma_d@(p, s, {SD}(0x1.7465f2acd607dp-4)); p = fma_d@(p, s, {SD}(0x1.c71c526a58211p-4));
            p = fma_d@(p, s, {SD}(0x1.24924941ac882p-3)); p = fma_d@(p, s, {SD}(0x1.999999998107cp-3));
            p = fma_d@(p, s, {SD}(0x1.5555555555586p-2));
            {D} y = 2.0 * fma_d@(p * s, f, f);
            y = fma_d@(k, {SD}(0x1.62e42fefa39efp-1), y);
            y = sel_d@({ML}(x == 0.0), {SD}(-__builtin_inf()), y);
            y = sel_d@({ML}(x == __builtin_inf()), x, y);
            return sel_d@({ML}((x < 0.0) | (x != x)), {SD}(__builtin_nan("")), y);
        }
        FORCE {D} powers_d@({D} a, {D} b) {
            {D} y = exp_d@(b * log_d@(abs_d@(a)));
            {D} whole = trunc_d@(b); {D} even = trunc_d@(b * 0.5) * 2.0;
            {L} negative = (a < 0.0) | ((a == 0.0) & (bits_d@(a) < 0));
            {L} odd = (whole == b) & (even != whole) & (abs_d@(b) < 0x1p53);
            y = sel_d@({ML}(negative & odd), -y, y);
            y = sel_d@({ML}((a < 0.0) & (whole != b) & (abs_d@(a) < __builtin_inf())), {SD}(__builtin_nan("")), y);
            y = sel_d@({ML}((abs_d@(a) == 1.0) & ((a > 0.0) | (abs_d@(b) == __builtin_inf()))), {SD}(1.0), y);
            return sel_d@({ML}(b == 0.0), {SD}(1.0), y);
        }
        FORCE {F} pow_f@({F} a, {F} b) { return tofloat_d@(powers_d@(todouble_f@(a), todouble_f@(b))); }
        FORCE {L} pow_l@({L} a, {L} b) {
            {L} y = {SL}(1);
            for (int i = 0; i < 63; ++i) { y = sel_l@({ML}((b & 1) != 0), mul_l@(y, a), y); a = mul_l@(a, a); b = b >> 1; }
            return y;
        }
        FORCE {F} logaddexp_f@({F} a, {F} b) {
            {F} m = max_f@(a, b); {F} d = abs_f@(a - b);
            {F} y = m + log1p_f@(exp_f@(-d));
            return sel_f@((d != d) & (a == b), a, y);
        }
        FORCE {D} logaddexp_d@({D} a, {D} b) {
            {D} m = max_d@(a, b); {D} d = abs_d@(a - b);
            {D} y = m + log_d@(1.0 + exp_d@(-d));
            return sel_d@({ML}((d != d) & (a == b)), a, y);
        }
        FORCE {F} rsqrt_f@({F} x) { return div_f@({SF}(1.0f), sqrt_f@(x)); }
        FORCE {D} rsqrt_d@({D} x) { return 1.0 / sqrt_d@(x); }
        FORCE {F} rem_f@({F} a, {F} b) {
            {D} x = todouble_f@(a), y = todouble_f@(b); {D} r = x - trunc_d@(x / y) * y;
            {F} t = tofloat_d@(r); t = sel_f@((abs_f@(b) == __builtin_inff()) & (abs_f@(a) < __builtin_inff()), a, t);
            return sel_f@((t != 0.0f) & ((t < 0.0f) ^ (b < 0.0f)), t + b, t);
        }
        FORCE {F} trem_f@({F} a, {F} b) {
            {D} x = todouble_f@(a), y = todouble_f@(b); {F} t = tofloat_d@(x - trunc_d@(x / y) * y);
            return sel_f@((abs_f@(b) == __builtin_inff()) & (abs_f@(a) < __builtin_inff()), a, t);
        }
        FORCE {F} fdiv_f@({F} a, {F} b) {
            {F} m = trem_f@(a, b); {F} d = (a - m) / b;
            d = d - sel_f@((m != 0.0f) & ((b < 0.0f) ^ (m < 0.0f)), {SF}(1.0f), {SF}(0.0f));
            {F} w = floor_f@(d); w = w + sel_f@(d - w > 0.5f, {SF}(1.0f), {SF}(0.0f));
            w = sel_f@(d != 0.0f, w, copysign_f@({SF}(0.0f), a / b));
            return sel_f@(b == 0.0f, a / b, w);
        }
        FORCE {F} tdiv_f@({F} a, {F} b) { return trunc_f@(a / b); }
        FORCE {D} trem_d@({D} a, {D} b) {
            {D} r = fma_d@(-trunc_d@(a / b), b, a);
            r = sel_d@({ML}((r != 0.0) & ((r < 0.0) ^ (a < 0.0))), r + copysign_d@(b, a), r);
            return sel_d@({ML}((abs_d@(b) == __builtin_inf()) & (abs_d@(a) < __builtin_inf())), a, r);
        }
        FORCE {D} rem_d@({D} a, {D} b) {
            {D} r = trem_d@(a, b); return sel_d@({ML}((r != 0.0) & ((r < 0.0) ^ (b < 0.0))), r + b, r);
        }
        FORCE {D} fdiv_d@({D} a, {D} b) {
            {D} w = floor_d@(a / b), r = fma_d@(-w, b, a);
            w = w - sel_d@({ML}((r != 0.0) & ((r < 0.0) ^ (b < 0.0)) & (abs_d@(b) < __builtin_inf())), {SD}(1.0), {SD}(0.0));
            {L} outside = (abs_d@(b) == __builtin_inf()) & (a != 0.0) & (abs_d@(a) < __builtin_inf()) & ((a < 0.0) ^ (b < 0.0));
            w = sel_d@({ML}(outside), {SD}(-1.0), w);
            w = sel_d@({ML}((abs_d@(a) == __builtin_inf()) & (b != 0.0)), {SD}(__builtin_nan("")), w);
            return sel_d@({ML}(b == 0.0), a / b, w);
        }
        FORCE {D} tdiv_d@({D} a, {D} b) { return trunc_d@(a / b); }

        """

    /// Functions that are rare in models and run lane by lane through the C mathematics library, and f64 forms.
    static let elementaryDouble = """
        double expm1(double); double log1p(double); double tanh(double); double erf(double); double sin(double);
        double cos(double); double tan(double); double asin(double); double acos(double); double atan(double);
        double atan2(double, double); double pow(double, double); double lgamma(double);

        """

    /// Functions that are rare in models, in double and scalar, on top of `exp_ds`, `log_ds` and the C mathematics library.
    /// Digamma is by recurrence up to 10, then its asymptotic series (Abramowitz and Stegun 6.3.18).
    private static let rareDouble = """
        FORCE double digamma_of_positive(double x, double r) {
            while (x < 10) { r -= 1 / x; x += 1; }
            double f = 1 / (x * x);
            double s = f * (1.0 / 12 - f * (1.0 / 120 - f * (1.0 / 252 - f * (1.0 / 240 - f * (1.0 / 132
                - f * (691.0 / 32760 - f / 12))))));
            return r + log_ds(x) - 0.5 / x - s;
        }
        FORCE double digamma_of(double x) {
            double r = 0;
            if (x == 0) return -__builtin_copysign(__builtin_inf(), x);
            if (x < 0) {
                if (x == (double)(int64_t)x) return __builtin_nan("");
                double q = x - (double)(int64_t)x;
                return digamma_of_positive(1 - x, 0) - 3.141592653589793 / tan(3.141592653589793 * q);
            }
            return digamma_of_positive(x, r);
        }
        FORCE double erfinv_of(double y) {
            if (y != y || y > 1 || y < -1) return __builtin_nan("");
            if (y == 1 || y == -1) return y * __builtin_inf();
            double w = -log_ds((1 - y) * (1 + y));
            double x = y * __builtin_sqrt(w > 0 ? w : 0);
            double l = 2 / (3.141592653589793 * 0.147) - w / 2;
            double s = __builtin_sqrt(__builtin_sqrt(l * l + w / 0.147) - l);
            x = y < 0 ? -s : s;
            for (int i = 0; i < 4; ++i) x -= (erf(x) - y) / (1.1283791670955126 * exp_ds(-x * x));
            return x;
        }

        """

    /// Names of the rare functions and what computes them in double.
    private static let rareFunctions = [
        ("tan", "tan"), ("asin", "asin"), ("acos", "acos"), ("atan", "atan"), ("lgamma", "lgamma"),
        ("digamma", "digamma_of"), ("erfinv", "erfinv_of"),
    ]

    /// The rare functions in scalar form.
    static var rareScalars: String {
        rareDouble
            + rareFunctions.map { name, call in
                "FORCE float \(name)_fs(float x) { return (float)\(call)((double)x); }\n"
                    + "FORCE double \(name)_ds(double x) { return \(call)(x); }\n"
            }.joined()
    }

    /// The rare functions in both forms, and the wrappers of double functions over lanes.
    static var laneByLane: String {
        func lanes(_ name: String, _ call: String, _ letter: String, _ scalar: String, _ vector: String) -> String {
            """
            FORCE \(vector) \(name)_\(letter)v(\(vector) x) {
                \(vector) r; for (int i = 0; i < LANES; ++i) r[i] = (\(scalar))\(call)(x[i]); return r;
            }

            """
        }
        var text = rareScalars
        for (name, call) in rareFunctions {
            text += lanes(name, call, "f", "float", "vf") + lanes(name, call, "d", "double", "vd")
        }
        for name in ["expm1", "log1p", "tanh", "erf", "sin", "cos"] {
            text +=
                "FORCE double \(name)_ds(double x) { return \(name)(x); }\n" + lanes(name, name, "d", "double", "vd")
        }
        text += """
            FORCE float atan2_fs(float a, float b) { return (float)atan2(a, b); }
            FORCE double atan2_ds(double a, double b) { return atan2(a, b); }
            FORCE double pow_ds(double a, double b) { return pow(a, b); }
            FORCE vd pow_dv(vd a, vd b) { vd r; for (int i = 0; i < LANES; ++i) r[i] = pow(a[i], b[i]); return r; }
            FORCE vf atan2_fv(vf a, vf b) { vf r; for (int i = 0; i < LANES; ++i) r[i] = atan2_fs(a[i], b[i]); return r; }
            FORCE vd atan2_dv(vd a, vd b) { vd r; for (int i = 0; i < LANES; ++i) r[i] = atan2(a[i], b[i]); return r; }

            """
        return text
    }
}
