import ModelFiles
import Testing

@Suite struct PickleReaderTests {
    private static func read(_ text: String, _ more: [UInt8] = []) -> Result<PickleValue, PickleError> {
        let bytes = text.unicodeScalars.map { UInt8($0.value) } + more
        do {
            return .success(try PickleReader(stackLimit: 50, objectLimit: 200, depthLimit: 5).read(bytes.span.bytes))
        } catch {
            return .failure(error)
        }
    }

    /// Instructions as Latin-1 text; `\u{80}\u{02}` begins protocol 2.
    @Test(
        arguments: [
            ("\u{80}\u{02}N.", PickleValue.none), ("\u{88}.", .bool(true)), ("\u{89}.", .bool(false)),
            ("K\u{FF}.", .int(255)),
            ("M\u{00}\u{01}.", .int(256)), ("J\u{FE}\u{FF}\u{FF}\u{FF}.", .int(-2)), ("\u{8A}\u{00}.", .int(0)),
            ("\u{8A}\u{01}\u{FF}.", .int(-1)), ("\u{8A}\u{02}\u{FF}\u{00}.", .int(255)),
            ("\u{8A}\u{08}\u{00}\u{00}\u{00}\u{00}\u{00}\u{00}\u{00}\u{80}.", .int(.min)),
            ("G\u{3F}\u{F8}\u{00}\u{00}\u{00}\u{00}\u{00}\u{00}.", .float(1.5)),
            ("X\u{02}\u{00}\u{00}\u{00}hi.", .string("hi")),
            ("\u{8C}\u{01}a\u{94}0h\u{00}.", .string("a")), ("C\u{02}\u{01}\u{02}.", .bytes([1, 2])),
            ("]q\u{00}(K\u{01}K\u{02}e.", .list([.int(1), .int(2)])),
            ("K\u{01}K\u{02}\u{86}.", .tuple([.int(1), .int(2)])), ("(K\u{01}t.", .tuple([.int(1)])),
            ("}(K\u{01}K\u{02}u.", .dictionary([PickleEntry(key: .int(1), value: .int(2))])),
            ("ccollections\nOrderedDict\n)R.", .dictionary([])), ("ctorch\nfloat16\n.", .scalarType(.float16)),
            ("ctorch\nSize\nK\u{02}K\u{03}\u{86}\u{85}R.", .tuple([.int(2), .int(3)])),
            ("cbuiltins\ncomplex\nK\u{01}K\u{02}\u{86}R.", .complex(real: 1, imaginary: 2)),
            ("c_codecs\nencode\n\u{8C}\u{02}\u{C3}\u{BF}\u{8C}\u{06}latin1\u{86}R.", .bytes([255])),
            ("ctorch\ndevice\n\u{8C}\u{04}cudaK\u{01}\u{86}R.", .device("cuda:1")),
        ] as [(String, PickleValue)])
    func reads(text: String, value: PickleValue) throws {
        #expect(Self.read(text) == .success(value))
    }

    @Test(arguments: [
        ("", "pickle: ends early, at byte 0"), ("N", "pickle: ends early, at byte 1"),
        ("X\u{FF}\u{FF}\u{FF}\u{FF}a.", "pickle: ends early, at byte 7"),
        ("\u{8E}\u{FF}\u{FF}\u{FF}\u{FF}\u{FF}\u{FF}\u{FF}\u{FF}.", "pickle: ends early, at byte 10"),
        ("\u{80}\u{06}N.", "pickle: protocol 6 is not known, at byte 0"),
        ("\u{80}\u{02}I1\n.", "pickle: instruction 0x49 is not supported, at byte 2"),
        (
            "cos\nsystem\n\u{8C}\u{02}ls\u{85}R.",
            "pickle: refuses to load 'os.system', which is not on the list of harmless types, at byte 0"
        ),
        (
            "\u{8C}\u{08}builtins\u{8C}\u{04}eval\u{93}.",
            "pickle: refuses to load 'builtins.eval', which is not on the list of harmless types, at byte 16"
        ),
        (
            "ctorch\nunknown\n.",
            "pickle: refuses to load 'torch.unknown', which is not on the list of harmless types, at byte 0"
        ),
        (".", "pickle: a value missing on the stack, at byte 0"),
        ("(.", "pickle: a value missing on the stack, at byte 1"),
        ("t.", "pickle: a mark missing on the stack, at byte 0"),
        ("K\u{01}\u{86}.", "pickle: a value missing on the stack, at byte 2"),
        ("NNa.", "pickle: a list missing on the stack, at byte 2"),
        ("](NNu.", "pickle: a dictionary missing on the stack, at byte 4"),
        ("}(Nu.", "pickle: a value to each key missing on the stack, at byte 3"),
        ("NNR.", "pickle: a known function and its arguments missing on the stack, at byte 2"),
        ("h\u{05}.", "pickle: memo entry 5 was never stored, at byte 0"),
        ("\u{8C}\u{01}\u{FF}.", "pickle: text is not valid, at byte 2"),
        ("\u{8A}\u{09}123456789.", "pickle: an integer does not fit 64 bits, at byte 0"),
        ("NN.N", "pickle: 1 bytes after its end, at byte 3"),
        ("]q\u{00}h\u{00}a.", "pickle: values contain themselves or nest deeper than 5 levels"),
        ("N\u{85}\u{85}\u{85}\u{85}\u{85}\u{85}.", "pickle: values contain themselves or nest deeper than 5 levels"),
        (String(repeating: "N", count: 51) + ".", "pickle: more than 50 stack entries, at byte 50"),
        (String(repeating: "(", count: 51) + ".", "pickle: more than 50 marks, at byte 50"),
        (String(repeating: "N0", count: 201) + "N.", "pickle: more than 200 objects, at byte 400"),
        ("NNb.", "pickle: a dictionary or tensor that takes state missing on the stack, at byte 2"),
        ("ctorch\nSize\n.", "pickle: a value (a bare class is not one) missing on the stack, at byte 12"),
        ("ctorch\nSize\nK\u{02}\u{85}R.", "pickle: 'torch.Size' with unexpected arguments, at byte 15"),
        (
            "ctorch._utils\n_rebuild_tensor_v2\n)R.",
            "pickle: 'torch._utils._rebuild_tensor_v2' with unexpected arguments, at byte 34"
        ),
        ("N\u{85}Q.", "pickle: 'persistent id of a storage' with unexpected arguments, at byte 2"),
    ])
    func refuses(text: String, message: String) {
        #expect(throws: PickleError.self) { try Self.read(text).get() }
        if case .failure(let error) = Self.read(text) { #expect(error.description == message) }
    }

    /// Lists of shared lists: a few bytes that would make a tree of any size.
    @Test func boundsSharedValues() {
        let forty = "]q\u{00}(" + String(repeating: "N", count: 40) + "e"
        let fortyForties = forty + "(" + String(repeating: "h\u{00}", count: 40) + "t."
        guard case .failure(.overLimit("values in the result", 200, _)) = Self.read(fortyForties) else {
            Issue.record("forty lists of forty are over two hundred values")
            return
        }
    }

    /// A few bytes that ask for the same copy again and again.
    @Test func boundsCopies() {
        let text = "\u{8C}\u{F0}" + String(repeating: "x", count: 240)
        let copies = String(repeating: "c_codecs\nencode\nh\u{00}h\u{01}\u{86}R0", count: 20)
        guard
            case .failure(.overLimit("copied elements", 3200, _)) = Self.read(
                text + "\u{94}\u{8C}\u{06}latin1\u{94}" + copies + "N.")
        else {
            Issue.record("twenty copies of 240 characters are over 3200 elements")
            return
        }
    }
}
