extension CPrelude {
    /// Arithmetic in scalar and vector form. Minimum and maximum propagate NaN; remainders follow PyTorch. Integers wrap around, as PyTorch's
    /// do: what C says of unsigned ones. Shifts by 64 or more, or by less than 0, leave nothing but the sign.
    static let arithmetic = """
        FORCE {L} add_l@({L} a, {L} b) { return ({L})(({U})a + ({U})b); }
        FORCE {L} sub_l@({L} a, {L} b) { return ({L})(({U})a - ({U})b); }
        FORCE {L} mul_l@({L} a, {L} b) { return ({L})(({U})a * ({U})b); }
        FORCE {L} neg_l@({L} a) { return ({L})(0 - ({U})a); }
        FORCE {L} shl_l@({L} a, {L} b) {
            return sel_l@({ML}((b >= 0) & (b < 64)), ({L})(({U})a << ({U})(b & 63)), {SL}(0));
        }
        FORCE {L} shr_l@({L} a, {L} b) { return a >> sel_l@({ML}((b >= 0) & (b < 64)), b, {SL}(63)); }
        FORCE {F} min_f@({F} a, {F} b) { return sel_f@((a < b) | (a != a), a, b); }
        FORCE {F} max_f@({F} a, {F} b) { return sel_f@((a > b) | (a != a), a, b); }
        FORCE {D} min_d@({D} a, {D} b) { return sel_d@({ML}((a < b) | (a != a)), a, b); }
        FORCE {D} max_d@({D} a, {D} b) { return sel_d@({ML}((a > b) | (a != a)), a, b); }
        FORCE {L} min_l@({L} a, {L} b) { return sel_l@({ML}(a < b), a, b); }
        FORCE {L} max_l@({L} a, {L} b) { return sel_l@({ML}(a > b), a, b); }
        FORCE {F} abs_f@({F} x) { return unbits_f@(bits_f@(x) & 0x7FFFFFFF); }
        FORCE {D} abs_d@({D} x) { return unbits_d@(bits_d@(x) & INT64_MAX); }
        FORCE {L} abs_l@({L} x) { return sel_l@({ML}(x < 0), neg_l@(x), x); }
        FORCE {F} sign_f@({F} x) { return sel_f@(x > 0.0f, {SF}(1.0f), sel_f@(x < 0.0f, {SF}(-1.0f), {SF}(0.0f))); }
        FORCE {D} sign_d@({D} x) { return sel_d@({ML}(x > 0.0), {SD}(1.0), sel_d@({ML}(x < 0.0), {SD}(-1.0), {SD}(0.0))); }
        FORCE {L} sign_l@({L} x) { return sel_l@({ML}(x > 0), {SL}(1), sel_l@({ML}(x < 0), {SL}(-1), {SL}(0))); }
        FORCE {F} copysign_f@({F} a, {F} b) { return unbits_f@((bits_f@(a) & 0x7FFFFFFF) | (bits_f@(b) & ~0x7FFFFFFF)); }
        FORCE {D} copysign_d@({D} a, {D} b) { return unbits_d@((bits_d@(a) & INT64_MAX) | (bits_d@(b) & INT64_MIN)); }
        FORCE {L} nonzero_l@({L} b) { return sel_l@({ML}((b == 0) | (b == -1)), {SL}(1), b); }
        FORCE {L} tdiv_l@({L} a, {L} b) { return sel_l@({ML}(b == -1), neg_l@(a), a / nonzero_l@(b)); }
        FORCE {L} trem_l@({L} a, {L} b) { return a % nonzero_l@(b); }
        FORCE {L} fdiv_l@({L} a, {L} b) {
            {L} z = nonzero_l@(b);
            return tdiv_l@(a, b) - sel_l@({ML}(a % z != 0) & {ML}((a < 0) ^ (z < 0)), {SL}(1), {SL}(0));
        }
        FORCE {L} rem_l@({L} a, {L} b) { return sub_l@(a, mul_l@(fdiv_l@(a, b), b)); }

        """

    /// Rounding to whole numbers: one instruction where the compiler has elementwise builtins (clang) or vectorises the lane
    /// loop (gcc).
    static let rounding = """
        #if defined(__has_builtin)
        #if __has_builtin(__builtin_elementwise_trunc)
        #define HAS_ELEMENTWISE 1
        #endif
        #endif
        #ifdef HAS_ELEMENTWISE
        #define ROUNDING(NAME, BUILTIN, ELEMENTWISE) \\
        FORCE vf NAME##_fv(vf x) { return ELEMENTWISE(x); } \\
        FORCE vd NAME##_dv(vd x) { return ELEMENTWISE(x); }
        #else
        #define ROUNDING(NAME, BUILTIN, ELEMENTWISE) \\
        FORCE vf NAME##_fv(vf x) { vf r; for (int i = 0; i < LANES; ++i) r[i] = BUILTIN##f(x[i]); return r; } \\
        FORCE vd NAME##_dv(vd x) { vd r; for (int i = 0; i < LANES; ++i) r[i] = BUILTIN(x[i]); return r; }
        #endif
        ROUNDING(round, __builtin_rint, __builtin_elementwise_roundeven)
        ROUNDING(trunc, __builtin_trunc, __builtin_elementwise_trunc)
        ROUNDING(floor, __builtin_floor, __builtin_elementwise_floor)
        ROUNDING(ceil, __builtin_ceil, __builtin_elementwise_ceil)
        FORCE float round_fs(float x) { return __builtin_rintf(x); }
        FORCE double round_ds(double x) { return __builtin_rint(x); }
        FORCE float trunc_fs(float x) { return __builtin_truncf(x); }
        FORCE double trunc_ds(double x) { return __builtin_trunc(x); }
        FORCE float floor_fs(float x) { return __builtin_floorf(x); }
        FORCE double floor_ds(double x) { return __builtin_floor(x); }
        FORCE float ceil_fs(float x) { return __builtin_ceilf(x); }
        FORCE double ceil_ds(double x) { return __builtin_ceil(x); }

        """

    /// Conversions between storage and compute types. bf16 and f16 round to nearest even.
    static let conversions = """
        FORCE vf widen_bf16(vh x) { return (vf)(CONVERT(x, vu) << 16); }
        FORCE vf round_bf16v(vf x) {
            vu u = (vu)x; vu r = (u + 0x7FFF + ((u >> 16) & 1)) & 0xFFFF0000u;
            return sel_fv(x != x, x, (vf)r);
        }
        FORCE vh narrow_bf16(vf x) {
            vu u = (vu)x; vu r = (u + 0x7FFF + ((u >> 16) & 1)) >> 16;
            vu n = (u >> 16) | 0x40; vu m = (vu)(x != x);
            return CONVERT((m & n) | (~m & r), vh);
        }
        FORCE float load_bf16(uint16_t x) { return unbits_fs((int32_t)((uint32_t)x << 16)); }
        FORCE uint16_t store_bf16(float x) {
            uint32_t u = (uint32_t)bits_fs(x);
            return x != x ? (uint16_t)((u >> 16) | 0x40) : (uint16_t)((u + 0x7FFF + ((u >> 16) & 1)) >> 16);
        }
        FORCE float round_bf16s(float x) { return load_bf16(store_bf16(x)); }

        """ + scalarBytes + """
            #define BYTES_OF(NAME) \\
            FORCE vf widen_##NAME(vb x) { vf r; for (int i = 0; i < LANES; ++i) r[i] = load_##NAME(x[i]); return r; } \\
            FORCE vb narrow_##NAME(vf x) { vb r; for (int i = 0; i < LANES; ++i) r[i] = store_##NAME(x[i]); return r; } \\
            FORCE vf round_##NAME##v(vf x) { return widen_##NAME(narrow_##NAME(x)); }
            BYTES_OF(f8e4m3)
            BYTES_OF(f8e5m2)
            FORCE float round_f16s(float x) { return (float)(_Float16)x; }
            FORCE vf round_f16v(vf x) { return CONVERT(CONVERT(x, vx), vf); }
            FORCE vf round_f32v(vf x) { return x; }
            FORCE float round_f32s(float x) { return x; }
            FORCE int64_t to_l_fs(float x) { return x != x || x >= 9.2233720e18f || x < -9.2233720e18f ? INT64_MIN : (int64_t)x; }
            FORCE int64_t to_l_ds(double x) { return x != x || x >= 9.2233720368547758e18 || x < -9.2233720368547758e18 ? INT64_MIN : (int64_t)x; }
            FORCE vl to_l_fv(vf x) { vl r; for (int i = 0; i < LANES; ++i) r[i] = to_l_fs(x[i]); return r; }
            FORCE vl to_l_dv(vd x) { vl r; for (int i = 0; i < LANES; ++i) r[i] = to_l_ds(x[i]); return r; }

            """

    /// The 8-bit formats of reals, as PyTorch converts them: halves to even, what is too large to the greatest number
    /// (e4m3) or an infinity (e5m2).
    static let scalarBytes = """
        FORCE float load_f8e4m3(uint8_t x) {
            const uint32_t s = (uint32_t)(x & 0x80) << 24, m = x & 0x7f;
            const float small = (float)(int32_t)m * 0x1p-9f;
            const uint32_t u = m < 8 ? (uint32_t)bits_fs(small) : m == 0x7f ? 0x7fc00000u : (m << 20) + 0x3c000000u;
            return unbits_fs((int32_t)(u | s));
        }
        FORCE uint8_t store_f8e4m3(float x) {
            const uint32_t u = (uint32_t)bits_fs(x), s = u >> 24 & 0x80, a = u & 0x7fffffff;
            if (a > 0x7f800000) return (uint8_t)(s | 0x7f);
            if (a >= 0x43e00000) return (uint8_t)(s | 0x7e);
            if (a < 0x3c800000) return (uint8_t)(s | (uint32_t)(int32_t)round_fs(unbits_fs((int32_t)a) * 0x1p9f));
            return (uint8_t)(s | (a - 0x3c000000 + 0x7ffff + (a >> 20 & 1)) >> 20);
        }
        FORCE float round_f8e4m3s(float x) { return load_f8e4m3(store_f8e4m3(x)); }
        FORCE float load_f8e5m2(uint8_t x) {
            const uint32_t s = (uint32_t)(x & 0x80) << 24, m = x & 0x7f;
            const float small = (float)(int32_t)m * 0x1p-16f;
            const uint32_t u = m < 4 ? (uint32_t)bits_fs(small)
                : m > 0x7c ? 0x7fc00000u : m == 0x7c ? 0x7f800000u : (m << 21) + 0x38000000u;
            return unbits_fs((int32_t)(u | s));
        }
        FORCE uint8_t store_f8e5m2(float x) {
            const uint32_t u = (uint32_t)bits_fs(x), s = u >> 24 & 0x80, a = u & 0x7fffffff;
            if (a > 0x7f800000) return (uint8_t)(s | 0x7f);
            if (a >= 0x47800000) return (uint8_t)(s | 0x7c);
            if (a < 0x38800000) return (uint8_t)(s | (uint32_t)(int32_t)round_fs(unbits_fs((int32_t)a) * 0x1p16f));
            return (uint8_t)(s | (a - 0x38000000 + 0xfffff + (a >> 21 & 1)) >> 21);
        }
        FORCE float round_f8e5m2s(float x) { return load_f8e5m2(store_f8e5m2(x)); }

        """

    /// Combining the lanes of a vector.
    static let folds = """
        #define FOLD(NAME, T, V, OP) \\
        FORCE T NAME(V x) { \\
            T a[LANES]; __builtin_memcpy(a, &x, sizeof a); \\
            for (int w = LANES / 2; w > 0; w /= 2) for (int i = 0; i < w; ++i) a[i] = OP; \\
            return a[0]; }
        FOLD(fold_sum_f, float, vf, (a[i] + a[i + w]))
        FOLD(fold_sum_d, double, vd, (a[i] + a[i + w]))
        FOLD(fold_sum_l, int64_t, vl, add_ls(a[i], a[i + w]))
        FOLD(fold_product_f, float, vf, (a[i] * a[i + w]))
        FOLD(fold_product_d, double, vd, (a[i] * a[i + w]))
        FOLD(fold_product_l, int64_t, vl, mul_ls(a[i], a[i + w]))
        FOLD(fold_minimum_f, float, vf, min_fs(a[i], a[i + w]))
        FOLD(fold_minimum_d, double, vd, min_ds(a[i], a[i + w]))
        FOLD(fold_minimum_l, int64_t, vl, min_ls(a[i], a[i + w]))
        FOLD(fold_maximum_f, float, vf, max_fs(a[i], a[i + w]))
        FOLD(fold_maximum_d, double, vd, max_ds(a[i], a[i + w]))
        FOLD(fold_maximum_l, int64_t, vl, max_ls(a[i], a[i + w]))
        FOLD(fold_any_i, int32_t, vi, (a[i] | a[i + w]))
        FOLD(fold_all_i, int32_t, vi, (a[i] & a[i + w]))
        FORCE int fold_any_b(vi x) { return fold_any_i(x) != 0; }
        FORCE int fold_all_b(vi x) { return fold_all_i(x) != 0; }
        FORCE int fold_maximum_b(vi x) { return fold_any_b(x); }
        FORCE int fold_minimum_b(vi x) { return fold_all_b(x); }

        """
}
