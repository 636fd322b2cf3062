import Base
import ElementTypes
import Testing

@testable import KernelIR

/// Printed kernels read back to equal values; broken text says where it is broken.
@Suite struct KernelTextTests {
    /// A kernel of every kind, every node and every effect.
    static let texts = [
        """
        kernel "every \\"value\\""
        symbols [s0, s2]
        range s0 from 1 to 64
        range s2 from s0
        parameter read f32[4*s0] constant
        parameter write i64[s0]
        parameter readWrite bf16[4*s0 + s2]
        parameter read i64[s0]
        nest serial slots [f32, i64] rows [f16]
        loop i0 < s0
        step
          loop i1 < 4
          %0 = load p0[4*i0 + i1] where [i1 - 1, -i0 + 3]
          %1 = load p3[i0]
          %2 = load p0[i1 + 4*v1]
          %3 = index (i0 % 2) + min(s0, 4)
          %4 = condition [i0 - 1, i1]
          %5 = real -inf f32
          %6 = real nan(fff8000000000000) f64
          %7 = real 0.1 f32
          %8 = integer -9223372036854775808
          %9 = truth false
          %10 = truth true
          %11 = add %0, %2
          %12 = select %4, %11, %5
          %13 = cast f16 %12
          %14 = exp %13
          %15 = scan sum %14
          %16 = not %9
          reduce sum %15 to 0
          reduce argMaximum %15 at i1 to 1
          keep %13 to 0
        step
          loop i2 < 4
          %0 = row 0
          %1 = slot 0
          %2 = slot 1
          %3 = divide %0, %1
          store %3 to p2[4*i0 + i2] combine sum where [i2 - 1]
          store %2 to p1[i0]

        """,
        """
        kernel "product"
        symbols []
        parameter read f32[12]
        parameter read f32[20] constant
        parameter write f32[15]
        contraction bf16
        batch i4 < 1
        row i0 < 3
        column i1 < 5
        tap i2 < 1
        depth i3 < 4
        left
          %0 = load p0[4*i0 + i3]
          result %0
        right
          %0 = load p1[4*i1 + i3]
          result %0
        epilogue
          %0 = accumulator
          %1 = hyperbolicTangent %0
          store %1 to p2[5*i0 + i1]

        """,
        """
        kernel "attention"
        symbols [s0]
        parameter read f32[64*s0]
        parameter read bool[s0]
        parameter write f32[64*s0]
        attention f32 causal scale 0.125
        batch i0 < 1
        keyHeads i1 < 1
        group i2 < 1
        queries i3 < s0
        keys i4 < s0
        depth i5 < 64
        valueDepth i6 < 64
        query
          %0 = load p0[64*i3 + i5]
          result %0
        key
          %0 = load p0[64*i4 + i5]
          result %0
        value
          %0 = load p0[64*i4 + i6]
          result %0
        mask
          %0 = load p1[i4]
          result %0
        epilogue
          %0 = accumulator
          store %0 to p2[64*i3 + i6]

        """,
        """
        kernel "cell"
        symbols []
        parameter read f32[320]
        parameter read f32[256]
        parameter write f32[80]
        parameter write f32[8]
        recurrence lstm reverse
        time i0 < 10
        batch i1 < 1
        hidden i2 < 8
        gate i3 < 4
        depth i4 < 8
        projected
          %0 = load p0[32*i0 + i2 + 8*i3]
          result %0
        recurrent
          %0 = load p1[8*i2 + 64*i3 + i4]
          result %0
        recurrentBias
          %0 = real 0.5 f32
          result %0
        initialHidden
          %0 = real 0.0 f32
          result %0
        initialCell
          %0 = real 1.0 f32
          result %0
        outputs p2[8*i0 + i2]
        lastCell p3[i2]

        """,
        """
        kernel "sorted"
        symbols []
        parameter read i64[12]
        parameter write i64[6]
        sort descending limit 2
        loop i0 < 3
        along i1 < 4
        value
          %0 = load p0[4*i0 + i1]
          result %0
        positions p1[2*i0 + i1]

        """,
    ]

    @Test(arguments: texts) func everyKindReadsBackAndIsRight(_ text: String) throws {
        let kernel = try Kernel(parsing: text)
        #expect(kernel.description == text)
        #expect(try Kernel(parsing: kernel.description) == kernel)
        try KernelChecker.check(kernel)
    }

    @Test func everyKindIsListed() throws {
        let kinds = try Self.texts.map { text in
            switch try Kernel(parsing: text).body {
            case .nest: 0
            case .contraction: 1
            case .attention: 2
            case .recurrence: 3
            case .sort: 4
            }
        }
        #expect(kinds == [0, 1, 2, 3, 4])
    }

    @Test func everyScalarOperationReadsBack() throws {
        let leaves = [
            "load", "index", "condition", "real", "integer", "truth", "cast", "slot", "row", "accumulator", "scan",
        ]
        for operation in ScalarOperation.allCases {
            #expect(!leaves.contains(operation.rawValue))
            let operands = (0..<operation.arity).map { "%\($0)" }.joined(separator: ", ")
            let text = Self.texts[1].replacing("hyperbolicTangent %0", with: "\(operation.rawValue) \(operands)")
            #expect(try Kernel(parsing: text).description == text)
        }
    }

    @Test func theNameIsNoPartOfTheCanonicalText() throws {
        var kernel = try Kernel(parsing: Self.texts[0])
        let text = kernel.canonicalText
        kernel.name = "another"
        #expect(kernel.canonicalText == text)
        // Bounds are kept in a dictionary, whose order changes from process to process.
        #expect(text.contains("range s0 from 1 to 64\nrange s2 from s0\n"))
        kernel.parameters[0].isConstant = false
        #expect(kernel.canonicalText != text)
    }

    /// Every prefix and every lost or doubled line is refused or read as something that prints as it stands.
    @Test(arguments: texts) func damagedTextsAreRefusedOrReadBack(_ text: String) {
        var refused = 0
        func read(_ damaged: String) {
            do throws(TextError) {
                let kernel = try Kernel(parsing: damaged)
                #expect((try? Kernel(parsing: kernel.description)) == kernel)
                try? KernelChecker.check(kernel)
            } catch {
                refused += 1
                #expect(error.offset <= damaged.utf8.count && !error.expected.isEmpty)
            }
        }
        for count in 0..<text.count { read(String(text.prefix(count))) }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        for index in lines.indices {
            var fewer = lines
            fewer.remove(at: index)
            read(fewer.joined(separator: "\n"))
            var more = lines
            more.insert(lines[index], at: index)
            read(more.joined(separator: "\n"))
        }
        #expect(refused > text.count / 2)
    }

    @Test(arguments: [
        ("kernel x", 7, "'\"'"), ("kernel \"x\"\nsymbols [q]", 20, "a variable"),
        ("kernel \"x\"\nsymbols []\nfrob\n", 22, "a parameter or a kind of kernel"),
        ("kernel \"x\"\nsymbols []\nparameter read f33[1]\n", 37, "an element type"),
        ("kernel \"x\"\nsymbols []\nnest slots [] rows []\nstep\n  %1 = truth true\n", 51, "value %0"),
        ("kernel \"x\"\nsymbols []\nnest slots [] rows []\nstep\n  %0 = frob %1\n", 56, "a known operation"),
    ])
    func errorsSayWhere(_ text: String, _ offset: Int, _ expected: String) throws {
        do throws(TextError) {
            _ = try Kernel(parsing: text)
            Issue.record("'\(text)' was read")
        } catch {
            #expect(error == TextError(offset: offset, expected: expected))
        }
    }
}
