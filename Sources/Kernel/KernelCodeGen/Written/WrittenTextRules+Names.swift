/// The names of the rules.
extension WrittenTextRules {
    /// Attributes that say how something lies in memory or is compiled.
    static let attributes: Set<Substring> = [
        "aligned", "vector_size", "ext_vector_type", "may_alias", "always_inline", "noinline", "unused", "packed",
        "const", "pure", "hot", "cold",
        "flatten", "opencl_unroll_hint", "__aligned__", "__vector_size__", "__may_alias__", "__always_inline__",
        "__noinline__", "__unused__",
        "__packed__",
    ]

    /// What a text may not hold anywhere, and its name.
    static let marks = [
        ("\\", "a backslash"), ("\"", "a text literal"), ("'", "a character literal"), ("??", "'??'"), ("%:", "'%:'"),
        ("<:", "'<:'"), ("<%", "'<%'"), (":>", "':>'"), ("%>", "'%>'"), ("$", "'$'"),
    ]

    /// Pragmas that say how a loop is compiled.
    static let pragmas: [[Substring]] = [
        ["clang", "loop"], ["GCC", "unroll"], ["GCC", "ivdep"], ["unroll"], ["nounroll"],
    ]

    /// Parts of names that are kept out wherever they stand: assembly, clocks, random numbers, registers that outlive a call, jumps out of it.
    static let denied = [
        "asm", "rdtsc", "rdpmc", "rdrand", "rdseed", "rdpid", "csr", "syscall", "longjmp", "setjmp", "xbegin", "fsbase",
        "gsbase",
        "readcyclecounter", "readsteadycounter", "thread_pointer", "return_address", "frame_address",
    ]

    /// Builtins of compilers that compute, by their beginning.
    static let builtins = [
        "elementwise_", "reduce_", "convertvector", "shufflevector", "shuffle", "expect", "assume", "prefetch",
        "memcpy", "memset",
        "memmove", "fma", "sqrt", "fabs", "exp", "log", "inf", "huge_val", "floor", "ceil", "trunc", "rint",
        "copysign", "popcount",
        "clz", "ctz", "isnan", "isinf",
    ]

    /// Reserved names of the language that declare.
    static let reserved: Set<Substring> = [
        "_Bool", "_Float16", "_Alignas", "_Static_assert", "__restrict", "__restrict__", "__attribute__", "__bf16",
        "__inline", "__inline__",
        "__typeof__", "__extension__",
    ]

    /// Intel's names of vectors and of what computes on them, where the header is there.
    static let vectorTypes = ["_mm_", "_mm256_", "_mm512_", "__m128", "__m256", "__m512", "__mmask"]

    /// What of it does more: writes past caches, which other threads see late, flushes them, asks for memory, waits.
    static let deniedVectorParts = [
        "stream", "flush", "clwb", "demote", "fence", "monitor", "mwait", "malloc", "free", "pause", "maskmove",
    ]

    /// What outlives a launch there, or makes a kernel of its own.
    static let deniedOnDevices: Set<Substring> = [
        "static", "__device__", "__global__", "__constant__", "__constant", "__managed__", "__host__", "new", "delete",
        "template", "operator",
    ]

    /// Parts of names that are kept out on devices: clocks, memory, output, traps.
    static let deniedPartsOnDevices = [
        "clock", "timer", "nanosleep", "printf", "malloc", "alloca", "assert", "trap", "brkpt",
    ]

    /// CUDA's functions of arithmetic, of warps and of reads through a cache, by their beginning.
    static let intrinsics = [
        "__shfl_", "__syncthreads", "__syncwarp", "__ballot_sync", "__any_sync", "__all_sync", "__activemask",
        "__reduce_", "__match_", "__ldg",
        "__ldc", "__stc", "__fadd", "__fmul", "__fma", "__frcp", "__fsqrt", "__frsqrt", "__fdiv", "__exp", "__log",
        "__sin", "__cos", "__pow",
        "__float", "__int", "__uint", "__half", "__low", "__high", "__bfloat", "__h", "__popc", "__clz", "__ffs",
        "__brev", "__byte_perm", "__dp",
        "__mul", "__umul", "__vadd", "__vsub", "__vmax", "__vmin", "__align__", "__restrict", "__shared__",
        "__forceinline__", "__saturatef",
    ]
}
