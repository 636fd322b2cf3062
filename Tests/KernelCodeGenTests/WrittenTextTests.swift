import Base
import ElementTypes
import KernelIR
import Testing

@testable import KernelCodeGen

/// What C that somebody else wrote may hold.
@Suite struct WrittenTextRuleTests {
    private static let head =
        "int32_t candidate(void *const *buffers, const int64_t *dims, void *workspace, int32_t part, int32_t parts)"
    private static let rules = WrittenTextRules(
        symbols: ["candidate", "candidate_pack"], shown: "CONVERT",
        prelude: """
            #define CONVERT(x, T) x
            #define ROUNDING(x, y) x
            #define LANES 16
            FORCE float exp_fs(float x) { return x; } __asm__ __builtin_ia32_known __builtin_ia32_ldmxcsr
            """)
    private static let pack = head.replacing("candidate", with: "candidate_pack") + " { return 0; }\n"

    private static func whole(_ before: String = "", _ body: String = "") -> String {
        "\(before)\n\(pack)\(head) {\n\(body)\nreturn 0; }\n"
    }

    @Test(arguments: [
        whole(),
        whole("", "for (int i = 0; i < 4; ++i) ((float *)buffers[1])[i] = exp_fs(((const float *)buffers[0])[i]);"),
        whole("static inline float twice(float x) { return x + x; }"),
        whole("FORCE float twice(float x) { return x + x; }"),
        whole("static const float table[3] = {1, 2, 3};\ntypedef float v4 __attribute__((vector_size(16)));"),
        whole("typedef struct { int a; } pair;\n\(head);"), whole("_Static_assert(sizeof(float) == 4);;"),
        whole("// 2 × 2 tiles, \u{e9}\n/* and\ns\u{301}s */"),
        whole("", "#pragma clang loop unroll_count(4)\nfor (int i = 0; i < 4; ++i) {}"),
        whole("", "# pragma GCC unroll 4\nfor (;;) break;"), whole("", "#pragma unroll 4 // four\nfor (;;) break;"),
        whole("", "(void)__builtin_fmaf(1, 2, 3); (void)__builtin_ia32_known; __builtin_prefetch(buffers[0]);"),
        whole("", "(void)_mm_known;"), whole("", "int a = 8 / 2, b = a / *dims; (void)b;"),
        whole("static int f(int (*g)(int)) { return g(3); }"),
    ])
    func whatComputesIsTaken(_ text: String) {
        #expect(Self.rules.fault(text)?.description == nil)
    }

    @Test(arguments: [
        (String(repeating: " ", count: 65_537), "more than 65536 bytes"),
        (whole("", #"__asm__("syscall");"#), "a text literal"), (whole("#define candidate_x \\\n 1"), "a backslash"),
        // A backslash is one also under an accent, and two lines are one after it.
        (whole("// \\\u{301}\n"), "a backslash"), (whole("// a \\\n int x;"), "a backslash"),
        (whole("// ??/\n int x;"), "'??'"),
        (whole("", "char c = 'a';"), "a character literal"), (whole("%:include <stdio.h>"), "'%:'"),
        (whole("", "int a<:2:>;"), "'<:'"), (whole("int f(void) <% return 0; %>"), "'<%'"),
        (whole("\r"), "a control character"), (whole("\0"), "a control character"),
        (whole("/* no end"), "a comment has no end"), (whole("/*/"), "a comment has no end"),
        (whole("", "int \u{e9} = 1;"), "beyond ASCII outside of comments"),
        (whole("#include <stdio.h>"), "the line '# include < stdio . h >' is not allowed"),
        (whole("/* a\nb */ #include <stdio.h>"), "no directives"), (whole("#define static"), "no directives"),
        (whole("#pragma weak candidate"), "no directives"), (whole("#pragma clang attribute push(x)"), "no directives"),
        (whole("#pragma unroll asm"), "no directives"), (whole("#pragma GCC visibility push(hidden)"), "no directives"),
        (whole("", "x # y"), "no directives"),
        (whole("", "__asm__ volatile (0);"), "the name '__asm__'"), (whole("", "asm(0);"), "the name 'asm'"),
        (whole("", "__builtin_ia32_rdtsc();"), "the name '__builtin_ia32_rdtsc'"),
        (whole("", "__builtin_ia32_ldmxcsr(0);"), "the name '__builtin_ia32_ldmxcsr'"),
        (whole("", "__builtin_readcyclecounter();"), "is not allowed"),
        (whole("", "__builtin_alloca(9);"), "is not allowed"),
        (whole("", "__builtin_return_address(0);"), "is not allowed"), (whole("", "_mm_clflush(0);"), "is not allowed"),
        (whole("", "_mm512_stream_ps(0, x);"), "is not allowed"), (whole("", "_mm_setcsr(0);"), "is not allowed"),
        (whole("", "__other();"), "is not allowed"),
        (whole("", "__TIME__;"), "the name '__TIME__'"), (whole("extern int x;"), "the name 'extern'"),
        (whole("static$t;"), "'$'"), (whole("", "int a[2:>;"), "':>'"),
        (whole("static ROUNDING(a, {)"), "the name 'ROUNDING'"),
        (whole("", "_mm_maskmoveu_si128(a, b, c);"), "is not allowed"),
        (whole("", "int system(const char *) __attribute__((weak));"), "the attribute 'weak'"),
        (whole("__attribute__((candidate(1))) float helper(float x) { return x; }"), "the attribute 'candidate'"),
        (whole("", "*(int __attribute__((address_space(257))) *)16;"), "the attribute 'address_space'"),
        (whole("[[gnu::constructor]] void f(void) {}"), "'[['"),
        (whole("const int32_t kept[2] = {1, 2}, candidate(int);"), "other parameters"),
        (whole("int32_t candidate(int);"), "other parameters"),
        (whole("void candidate_pack(void) {}"), "other parameters"),
        (whole("int kept;"), "what begins with 'int kept ;' must be static"),
        (whole("float other(float x) { return x; }"), "what begins with 'float other (' must be static"),
        (whole("struct { int a; } kept;"), "must be static"),
        (whole("__attribute__((constructor)) void f(void) {}"), "the attribute 'constructor'"),
        (whole("}"), "a bracket is closed"), (whole("", "}"), "must be static"),
        (whole("static int f(void) {"), "the end is missing"),
        (head + " { return 0; }", "it does not define the function 'candidate_pack'"),
        ("", "it does not define the function"),
        (pack + head + ";", "it does not define the function 'candidate'"),
    ])
    func whatDoesMoreIsNot(_ text: String, _ reason: String) {
        let fault = Self.rules.fault(text)?.description
        #expect(fault?.contains(reason) == true && fault?.contains("\n") == false, "\(fault ?? "taken")")
    }

    /// Whatever stands there, there is an answer; and what is taken has nothing of what is kept out.
    @Test func anyBytesHaveAnAnswer() {
        let seed = Array(
            Self.whole("static int f(int a) { return a; } // é\n/* x */", "#pragma unroll 4\nfor (;;) break;").utf8)
        let pieces = [
            "/*", "*/", "//", "\\", "\"", "#", "{", "}", "(", ")", ";", "asm", "static", "\n", "_x", "\u{301}", "\u{0}",
        ]
        .map { Array($0.utf8) }
        var random = SeededRandom(seed: 9)
        var taken = 0
        for _ in 0..<3000 {
            var bytes = seed
            for _ in 0..<(1 + random.index(below: 3)) {
                let place = random.index(below: bytes.count)
                let end = min(bytes.count, place + random.index(below: 3))
                bytes.replaceSubrange(place..<end, with: pieces[random.index(below: pieces.count)])
            }
            let text = String(decoding: bytes, as: UTF8.self)
            guard Self.rules.fault(text) == nil else { continue }
            taken += 1
            #expect(
                !text.utf8.contains(UInt8(ascii: "\\")) && !text.utf8.contains(UInt8(ascii: "\""))
                    && !text.contains("include"))
        }
        #expect(taken > 20 && taken < 2900)
    }
}

/// Texts in place of generated kernels.
@Suite struct WrittenTextTests {
    private static let kernel = SortCase(count: 7, limit: 3, isDescending: false, element: .f32).kernel
    private static let generator = CodeGenerator(KernelEmitter(TestTarget.portable.target))

    private static func opened() -> (WrittenTexts, CodeGenerator) {
        let texts = WrittenTexts()
        var generator = Self.generator
        generator.texts = texts
        texts.open("key", kernel, generator)
        return (texts, generator)
    }

    @Test func aTextTakesThePlaceOfTheKernelItWasWrittenFor() throws {
        let (texts, generator) = Self.opened()
        let base = Schedule()
        let shown = try #require(texts.source("key", base))
        let written = "// candidate_x, candidates, mycandidate\n" + shown
        #expect(try texts.add("key", for: base, written, by: "me").get() == 1)
        let schedule = Schedule([WrittenTexts.choiceName: 1])
        let emitted = try generator.emit(Self.kernel, symbol: "k12", schedule)
        let plain = try generator.emit(Self.kernel, symbol: "k12", base)
        #expect(emitted.source == "// k12_x, candidates, mycandidate\n" + plain.source)
        #expect(emitted.arguments == plain.arguments && emitted.parts == plain.parts && emitted.symbol == "k12")
        #expect(emitted.author == "written by me, in place of \(base)" && emitted.note == plain.note)
        #expect(texts.author(Self.kernel, schedule) == "me" && texts.author(Self.kernel, base) == nil)
        // The next one is written for this one, and called as that which this one was written for.
        #expect(texts.source("key", schedule) == written)
        #expect(try texts.add("key", for: schedule, written + "\n", by: "me").get() == 2)
    }

    @Test func whatIsNotTakenSaysWhy() throws {
        let (texts, generator) = Self.opened()
        let shown = try #require(texts.source("key", Schedule()))
        func reason(_ key: String, _ text: String, _ schedule: Schedule = Schedule()) -> String? {
            guard case .failure(let fault) = texts.add(key, for: schedule, text, by: "me") else { return nil }
            return fault.description
        }
        #expect(reason("key", shown + "int x;")?.contains("must be static") == true)
        #expect(
            reason("other", shown) == "no text is taken for this kernel" && texts.source("other", Schedule()) == nil)
        #expect(reason("key", shown, Schedule([WrittenTexts.choiceName: 3])) == "no text is taken for this kernel")
        for number in 1...WrittenTexts.most { #expect(reason("key", shown + "// \(number)\n") == nil) }
        // The same again is the same.
        #expect(try texts.add("key", for: Schedule(), shown + "// 1\n", by: "you").get() == 1)
        #expect(reason("key", shown)?.contains("which is all that are taken") == true)
        #expect(throws: EmissionError.self) {
            try generator.emit(Self.kernel, symbol: "k", Schedule([WrittenTexts.choiceName: 17]))
        }
        #expect(throws: EmissionError.self) {
            try Self.generator.emit(Self.kernel, symbol: "k", Schedule([WrittenTexts.choiceName: 1]))
        }
    }

    /// What somebody is shown keeps the rules, so that what is left as it was is taken; and comes back as it was. In all templates.
    @Test(arguments: ["avx512", "avx512BF16", "amx", "avx512VNNI", "portable", "cuda", "opencl"])
    func whatIsShownIsTaken(_ name: String) throws {
        let device: SIMTEmitter? =
            switch name {
            case "cuda": SIMTEmitter(CubinTarget.target("sm_90a"))
            case "opencl": SIMTEmitter(BlockKernel.target)
            default: nil
            }
        let plain = CodeGenerator(KernelEmitter((TestTarget(rawValue: name) ?? .portable).target), device: device)
        var taken = 0
        for one in CubinCase.all {
            let schedule = plain.device == nil ? Schedule() : one.schedule
            guard let emitted = try? plain.emit(one.kernel, symbol: "k7", schedule) else { continue }
            let texts = WrittenTexts()
            var generator = plain
            generator.texts = texts
            texts.open("key", one.kernel, generator)
            let shown = texts.source("key", schedule)
            // Parts that wait for each other do so in assembly.
            #expect((shown == nil) == (emitted.parts == .gang), "\(one.name)")
            guard let shown else { continue }
            #expect(shown.hasPrefix("// KERNEL is launched in ") == (plain.device != nil))
            let added = texts.add("key", for: schedule, shown, by: "me")
            guard case .success(let number) = added else {
                Issue.record("\(one.name): \(added)")
                continue
            }
            taken += 1
            let again = try generator.emit(one.kernel, symbol: "k7", Schedule([WrittenTexts.choiceName: number]))
            #expect(again.author != nil && again.source.hasSuffix(emitted.source), "\(one.name)")
            if let device = plain.device { #expect(!SIMTJoint.takes(again, device.target)) }
        }
        #expect(taken > 20, "\(taken)")
    }

    private static func deviceText(
        _ before: String = "", _ kernel: String = "KERNEL(float *p, int *status)", _ body: String = ""
    ) -> String {
        "\(before)\n\(kernel) {\n\(body)\n}\n"
    }

    private static let rules = WrittenTextRules(
        deviceText: deviceText(), prelude: "FORCE KERNEL THREAD BLOCK SHARED __shared__ __device__ asm")

    @Test(arguments: [
        (deviceText(), ""), (deviceText("FORCE float candidate_f(float x) { return __fmaf_rn(x, x, x); }"), ""),
        (
            deviceText(
                "typedef float candidate_pair[2];", "KERNEL(float*p,int*status)",
                "__syncthreads(); p[THREAD] = static_cast<float>(1);"), ""
        ),
        (deviceText("static int f() { return 1; }"), "the name 'static'"),
        (deviceText("__device__ int kept;"), "the name '__device__'"),
        (deviceText("int kept;"), "what begins with 'int kept ;' must be FORCE"),
        (deviceText("extern int f();"), "the name 'extern'"),
        (deviceText("", "KERNEL(float *p, int *status)", "extern SHARED float all[]; p[0] = all[THREAD];"), ""),
        (deviceText("__global__ void other() {}"), "the name '__global__'"),
        (deviceText("", "", "static int kept;"), "the name 'static'"),
        (deviceText("", "KERNEL(float *p, int *status)", "p[0] = clock64();"), "the name 'clock64'"),
        (deviceText("", "KERNEL(float *p, int *status)", "printf(0);"), "the name 'printf'"),
        (deviceText("", "KERNEL(float *p)"), "'KERNEL' stands once"),
        (deviceText("", "KERNEL(float *p, int *status, int more)"), "'KERNEL' stands once"),
        (deviceText("FORCE float gelu(float x) { return x; }"), "the name 'gelu' should begin with 'candidate_'"),
        (deviceText("typedef float pair[2];"), "the name 'pair' should begin with"),
        (deviceText("FORCE int kept;"), "should begin with"),
        (deviceText() + deviceText(), "'KERNEL' stands once"),
        ("FORCE void candidate_f() {}", "it does not define the function 'KERNEL'"),
        (deviceText("", "KERNEL(float *p, int *status);"), "'KERNEL' stands once"),
        (deviceText("", "void candidate(float *p, int *status)"), "must be FORCE"),
    ])
    func deviceTextsKeepNothing(_ text: String, _ reason: String) {
        let fault = Self.rules.fault(text)?.description ?? ""
        #expect(reason.isEmpty ? fault.isEmpty : fault.contains(reason), "\(fault)")
    }

    /// What the rules may miss, the cubin tells.
    @Test(.enabled(if: CubinTarget.toolchain != nil, "NVRTC is not there"))
    func variablesOfTheDeviceAreSeen() async throws {
        let toolchain = try #require(CubinTarget.toolchain)
        for (before, bytes) in [("", 0), ("__device__ int kept;", 4), ("__device__ int kept[3] = {1, 2, 3};", 12)] {
            let body = before.isEmpty ? "p[0] = 1;" : "p[0] = *(volatile int *)&kept; *(volatile int *)&kept = p[1];"
            let image = try await toolchain.compile(
                "\(before) extern \"C\" __global__ void tested(int *p) { \(body) }", architecture: "sm_90a")
            #expect(CubinFacts(image)?.globalBytes == bytes)
        }
    }
}
