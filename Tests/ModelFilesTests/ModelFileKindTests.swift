import FileFuzzing
import ModelFiles
import Testing

@Suite struct ModelFileKindTests {
    @Test(arguments: [
        ("checkpoint.pt", ModelFileKind.checkpoint), ("legacy.pt", .legacyCheckpoint), ("script.pt", .torchScript),
        ("make_fixtures.py", .text),
    ])
    func recognisesFiles(name: String, kind: ModelFileKind) throws {
        #expect(Fixture.message(try Fixture.bytes(name)) == kind.advice)
    }

    @Test(
        arguments: [
            (Array("GGUF\u{03}\u{00}".utf8), ModelFileKind.gguf), ([8, 0, 0, 0, 0, 0, 0, 0, 0x7B], .safetensors),
            ([0x80, 4, 0x95, 0], .pickle), ([0x89] + Array("HDF\r\n\u{1A}\n".utf8), .hdf5),
            ([0x93] + Array("NUMPY".utf8), .numpy),
            ([28, 0, 0, 0] + Array("TFL3".utf8), .tensorFlowLite), ([8, 8, 0x12, 7] + Array("pytorch".utf8), .onnx),
            (Array("version https://git-lfs.github.com/spec/v1\n".utf8), .gitLFSPointer),
            ([0x1F, 0x8B, 8], .compressed),
            (Array("def model():\n".utf8), .text), ([0, 1, 2, 3], .unknown), ([], .unknown),
        ] as [([UInt8], ModelFileKind)])
    func recognisesLeadingBytes(bytes: [UInt8], kind: ModelFileKind) {
        #expect(Fixture.message(bytes) == kind.advice)
    }

    @Test(arguments: [
        (["m/data/aotinductor/model/a.so", "m/archive_format"], ModelFileKind.aotInductor),
        (["m/code/__torch__.py", "m/constants.pkl", "m/data.pkl"], .torchScript),
        (["m/data.pkl", "m/version"], .checkpoint),
        (["p/.data/extern_modules", "p/data.pkl"], .torchPackage), (["word/document.xml"], .otherZip), ([], .otherZip),
    ])
    func recognisesArchives(names: [String], kind: ModelFileKind) {
        #expect(Fixture.message(StoredZip.encode(names.map { ($0, [1]) })) == kind.advice)
    }

    @Test(arguments: ModelFileKind.allCases)
    func advisesInOneLine(kind: ModelFileKind) {
        #expect(kind.advice.hasPrefix("is ") && !kind.advice.contains("\n"))
    }
}
