import Base
import ElementTypes
import Foundation
import JSON
import MappedFiles
import ModelPackage
import Testing

@Suite struct PackageFormatTests {
    @Test func plansReadBack() throws {
        let plan = SamplePackage.plan
        #expect(try Plan(plan.json) == plan)
        #expect(try Plan(JSONReader().read(plan.text)) == plan)
        try plan.check(serving: SamplePackage.interface)
    }

    @Test func gridsReadBack() throws {
        var plan = SamplePackage.plan
        for index in plan.launches.indices {
            plan.launches[index].runsBeside = false
            plan.launches[index].spread = .grid(
                .init(blocks: SamplePackage.symbol * 3 + 1, threads: 64, sharedBytes: index * 512, overlaps: index == 1)
            )
        }
        #expect(try Plan(JSONReader().read(plan.text)) == plan)
        try plan.check(serving: SamplePackage.interface)
    }

    /// What a library is asked for is written and read, and held to the operands that are there.
    @Test func productsReadBack() throws {
        var plan = SamplePackage.plan
        let product = MatrixProduct(
            element: .f32, resultElement: .f32, rows: 2, columns: 2, depth: 2, left: .init(operand: 0, line: 2),
            right: .init(operand: 0, line: 2), result: .init(operand: 0, line: 2), workspace: 77, workspaceBytes: 0)
        for index in plan.launches.indices {
            plan.launches[index].spread = .grid(.init(blocks: 0, threads: 32, call: .product(product)))
        }
        #expect(try Plan(JSONReader().read(plan.text)) == plan)
        let error = #expect(throws: PackageError.self) { try plan.check(serving: SamplePackage.interface) }
        #expect(error.map { "\($0)" }?.contains("that of launch 0 refers to operand 77") == true, "\(error as Any)")
        let broken = plan.text.replacingOccurrences(of: "\"product\":[1,", with: "\"product\":[1.5,")
        #expect(broken != plan.text)
        #expect(throws: PackageError.self) { try Plan(JSONReader().read(broken)) }
    }

    @Test func manifestsReadBack() throws {
        var manifest = SamplePackage.manifest
        manifest.files = [.init(path: "a/b", byteCount: 5, digest: ContentHash(rawValue: 17))]
        #expect(try Manifest(manifest.json) == manifest)
        #expect(try Manifest(sealed: Array(manifest.sealedText.utf8)) == manifest)
    }

    @Test func packagesReadBack() throws {
        try SamplePackage.withFolder { folder in
            let path = folder + "/sample.hearth"
            try SamplePackage.write(to: path)
            let package = try PackageDirectory(path: path)
            #expect(package.manifest.interface == SamplePackage.interface)
            #expect(
                package.manifest.files.map(\.path) == [
                    "kernels/cpu.c", "kernels/cpu.so", "plan.json", "weights.safetensors",
                ])
            #expect(try package.plan(package.manifest.plans[0]) == SamplePackage.plan)
            try package.verify()
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["sample.hearth"])
        }
    }

    @Test func aNewPackageReplacesTheOldOne() throws {
        try SamplePackage.withFolder { folder in
            let path = folder + "/sample.hearth"
            try SamplePackage.write(to: path)
            var renamed = SamplePackage.manifest
            renamed.name = "other"
            try SamplePackage.write(to: path + "/", manifest: renamed)
            #expect(try PackageDirectory(path: path).manifest.name == "other")
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["sample.hearth"])
        }
    }

    /// What a link leads to is replaced; the link stays, and so does everything else that it could have led away.
    @Test func aNewPackageReplacesTheOneThatALinkLeadsTo() throws {
        try SamplePackage.withFolder { folder in
            let (path, link) = (folder + "/sample.hearth", folder + "/link.hearth")
            try SamplePackage.write(to: path)
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "sample.hearth")
            var renamed = SamplePackage.manifest
            renamed.name = "other"
            try SamplePackage.write(to: link, manifest: renamed)
            #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == "sample.hearth")
            let package = try PackageDirectory(path: path)
            #expect(package.manifest.name == "other")
            try package.verify()
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder).count == 2)
        }
    }

    /// A copy is a package of its own: what happens to the other does not reach it.
    @Test func copiesStandAlone() throws {
        try SamplePackage.withFolder { folder in
            let (path, copy) = (folder + "/sample.hearth", folder + "/copy.hearth")
            try SamplePackage.write(to: path)
            try PackageWriter.copy(path, to: copy)
            PackageWriter.remove(path)
            let package = try PackageDirectory(path: copy)
            try package.verify()
            #expect(package.manifest.name == "sample")
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["copy.hearth"])
        }
    }

    /// Files are added and replaced, facts as well, and the rest stays as it was.
    @Test func packagesAreAmended() throws {
        try SamplePackage.withFolder { folder in
            let (path, copy) = (folder + "/sample.hearth", folder + "/copy.hearth")
            try SamplePackage.write(to: path)
            try PackageWriter.copy(path, to: copy)
            let before = try PackageDirectory(path: path).manifest
            try PackageWriter.amend(
                path, files: [("search.jsonl", Array("{}\n".utf8)), ("kernels/cpu.c", Array("int x;".utf8))],
                facts: [.init(name: "gain", value: "none"), .init(name: "model", value: "other.pt2")])
            let package = try PackageDirectory(path: path)
            try package.verify()
            #expect(
                package.manifest.files.map(\.path) == [
                    "kernels/cpu.c", "kernels/cpu.so", "plan.json", "search.jsonl", "weights.safetensors",
                ])
            #expect(package.manifest.provenance.map(\.name) == ["note", "gain", "model"])
            #expect(package.manifest.provenance.last?.value == "other.pt2")
            #expect(
                package.manifest.files.first { $0.path == "plan.json" } == before.files.first { $0.path == "plan.json" }
            )
            #expect(try String(contentsOfFile: path + "/kernels/cpu.c", encoding: .utf8) == "int x;")
            // What shares files with it is as it was.
            try PackageDirectory(path: copy).verify()
            #expect(try PackageDirectory(path: copy).manifest == before)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder).count == 2)
        }
    }

    @Test func packagesMoveOntoPackagesOnly() throws {
        try SamplePackage.withFolder { folder in
            let (new, old) = (folder + "/new.hearth", folder + "/old.hearth")
            try SamplePackage.write(to: old)
            var renamed = SamplePackage.manifest
            renamed.name = "other"
            try SamplePackage.write(to: new, manifest: renamed)
            try FileManager.default.createDirectory(atPath: folder + "/mine", withIntermediateDirectories: false)
            #expect(throws: PackageError.wouldOverwrite(path: folder + "/mine")) {
                try PackageWriter.move(new, to: folder + "/mine")
            }
            try PackageWriter.move(new, to: old)
            #expect(try PackageDirectory(path: old).manifest.name == "other")
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == ["mine", "old.hearth"])
            _ = try PackageWriter.workFolder(beside: old)
            #expect(throws: PackageError.wouldOverwrite(path: folder + "/mine")) {
                _ = try PackageWriter.workFolder(beside: folder + "/mine")
            }
            PackageWriter.remove(folder + "/mine")
            PackageWriter.remove(old)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["mine"])
        }
    }

    @Test func anUnfinishedPackageLeavesNothing() throws {
        struct Stop: Error {}
        try SamplePackage.withFolder { folder in
            let path = folder + "/sample.hearth"
            #expect(
                throws: PackageError.notWritten(path: path, reason: "weights.safetensors, tensor 'w': Stop()")
            ) {
                var writer = try PackageWriter(path: path)
                try writer.add("plan.json", SamplePackage.plan)
                try writer.add(
                    "weights.safetensors",
                    tensors: [.init(name: "w", element: .f32, shape: [4]) { _ in throw Stop() }])
                try writer.finish(SamplePackage.manifest)
            }
            // A manifest that breaks a rule: the plan is not there.
            #expect(throws: PackageError.self) {
                let writer = try PackageWriter(path: path)
                try writer.finish(SamplePackage.manifest)
            }
            let left = try FileManager.default.contentsOfDirectory(atPath: folder)
            #expect(left.isEmpty)
        }
    }

    @Test func otherThingsAreNotOverwritten() throws {
        try SamplePackage.withFolder { folder in
            let path = folder + "/mine"
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
            #expect(throws: PackageError.wouldOverwrite(path: path)) { _ = try PackageWriter(path: path) }
            let missing = folder + "/absent/sample.hearth"
            #expect(
                throws: PackageError.notWritten(
                    path: missing, reason: "could not create a directory beside it: No such file or directory")
            ) { _ = try PackageWriter(path: missing) }
        }
    }

    /// How a package is spoilt, and the line that the user reads.
    struct Damage: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let spoil: @Sendable (String) throws -> Void
        let message: String
    }

    static let damages: [Damage] = [
        Damage(
            testDescription: "no package", spoil: { try FileManager.default.removeItem(atPath: $0) },
            message: "package 'P' not found"),
        Damage(
            testDescription: "a file",
            spoil: {
                try FileManager.default.removeItem(atPath: $0)
                try Data("x".utf8).write(to: URL(filePath: $0))
            },
            message:
                "'P' is a file, but a package is a directory; make one with: hearth optimize MODEL -o NAME.hearth"),
        Damage(
            testDescription: "no manifest",
            spoil: { try FileManager.default.removeItem(atPath: $0 + "/manifest.json") },
            message: "'P' is not a package: it has no manifest.json"),
        Damage(
            testDescription: "missing weights",
            spoil: { try FileManager.default.removeItem(atPath: $0 + "/weights.safetensors") },
            message: "the package is incomplete: 'weights.safetensors' is missing; copy or build it again"),
        Damage(
            testDescription: "cut weights",
            spoil: { try Data("short".utf8).write(to: URL(filePath: $0 + "/weights.safetensors")) },
            message:
                "the package is damaged: 'weights.safetensors' has 5 bytes instead of 515; copy or build it again"),
        Damage(
            testDescription: "empty kernels", spoil: { try Data().write(to: URL(filePath: $0 + "/kernels/cpu.so")) },
            message: "the package is damaged: 'kernels/cpu.so' has 0 bytes instead of 15; copy or build it again"),
        Damage(
            testDescription: "changed kernels",
            spoil: { try Data("not really Code".utf8).write(to: URL(filePath: $0 + "/kernels/cpu.so")) },
            message: "the package is damaged: 'kernels/cpu.so' has hash"),
        Damage(
            testDescription: "a directory for a file",
            spoil: {
                try FileManager.default.removeItem(atPath: $0 + "/plan.json")
                try FileManager.default.createDirectory(atPath: $0 + "/plan.json", withIntermediateDirectories: false)
            }, message: "'plan.json' of the package cannot be read: "),
        Damage(
            testDescription: "a manifest that is no JSON",
            spoil: { try Data("{".utf8).write(to: URL(filePath: $0 + "/manifest.json")) },
            message: "'manifest.json' of the package cannot be read: JSON ends where"),
        Damage(
            testDescription: "another kind of manifest",
            spoil: { try Data("{\"format\": \"zip\"}".utf8).write(to: URL(filePath: $0 + "/manifest.json")) },
            message: "'manifest.json' of the package: format should be \"hearth-package\""),
        Damage(
            testDescription: "a newer version",
            spoil: {
                try Data("{\"format\": \"hearth-package\", \"version\": 3}".utf8).write(
                    to: URL(filePath: $0 + "/manifest.json"))
            },
            message: "the package has format version 3, this program reads 1 to 2; run hearth optimize again with this"),
    ]

    @Test(arguments: damages) func damageIsNamed(_ damage: Damage) throws {
        try SamplePackage.withFolder { folder in
            let path = folder + "/sample.hearth"
            try SamplePackage.write(to: path)
            try damage.spoil(path)
            let error = try #require(throws: PackageError.self) {
                let package = try PackageDirectory(path: path)
                try package.verify()
            }
            let message = error.description.replacing(path, with: "P")
            #expect(message.hasPrefix(damage.message), "\(message)")
            #expect(!message.contains("\n"))
        }
    }

    @Test func everyFlippedByteIsNoticed() throws {
        try SamplePackage.withFolder { folder in
            let path = folder + "/sample.hearth"
            try SamplePackage.write(to: path)
            let package = try PackageDirectory(path: path)
            for file in ["plan.json", "kernels/cpu.so", "kernels/cpu.c", "weights.safetensors"] {
                let place = URL(filePath: "\(path)/\(file)")
                let good = try Data(contentsOf: place)
                for index in good.indices {
                    var bad = good
                    bad[index] ^= 1 << (index % 8)
                    try bad.write(to: place)
                    #expect(throws: PackageError.self, "byte \(index) of \(file)") {
                        _ = try package.map(file).count
                    }
                }
                try good.write(to: place)
            }
            try package.verify()
            var manifest = Array(try Data(contentsOf: URL(filePath: path + "/manifest.json")))
            for index in manifest.indices {
                let byte = manifest[index]
                manifest[index] ^= 1 << (index % 8)
                #expect(throws: PackageError.self, "byte \(index) of the manifest") {
                    try Manifest(sealed: manifest)
                }
                manifest[index] = byte
            }
        }
    }

    /// A change to the sample plan, and the rule that it breaks.
    static let brokenPlans: [(change: @Sendable (inout Plan) -> Void, message: String)] = [
        (
            { $0.launches[0].operands[0].buffer = ID(9) },
            "operands and copies refer to buffers of the plan, but launch 0 refers to buffer 9"
        ),
        (
            { $0.buffers[ID(0)].byteCount = 16 },
            "input buffers stand for inputs and have their size, but buffer 0 for 'x' has 16 bytes, not 32*s0 + 16"
        ),
        (
            { $0.buffers[ID(1)].placement = .output(5) },
            "output buffers stand for outputs and have their size, but buffer 1 stands for number 5"
        ),
        ({ $0.copies = [] }, "every output is written by a launch or a copy, but output 1 is not"),
        (
            { $0.copies.append(.init(output: 2, source: .init(ID(3)))) },
            "copies go to outputs, but one goes to output 2"
        ),
        (
            { $0.launches[0].dimensions[0] = Dimension(Variable(.symbol, 7)) },
            "expressions use only declared symbols, but s7 is not"
        ),
        (
            { $0.launches[0].spread = .parts(0) },
            "constant sizes are not negative and constant parts at least 1, but launch 0 has 0 parts"
        ),
        (
            { $0.launches[0].spread = .grid(.init(blocks: 1, threads: 0)) },
            "grids have sizes that devices may have, but launch 0 has 0 threads a block"
        ),
        (
            {
                $0.launches[0].spread = .grid(
                    .init(
                        blocks: 0, threads: 32,
                        call: .product(
                            .init(
                                element: .f32, resultElement: .f32, rows: 2, columns: 2, depth: 2,
                                left: .init(operand: 0, line: 2), right: .init(operand: 0, line: 2),
                                result: .init(operand: 0, line: 2), workspace: 3, workspaceBytes: 0))))
            },
            "libraries are called for the launch's operands, but that of launch 0 refers to operand 3 of 3"
        ),
        (
            { $0.launches[1].spread = .grid(.init(blocks: 1, threads: 32)) },
            "a plan runs on grids or in parts, not both, but 1 of 3 launches are grids"
        ),
        (
            { $0.buffers[ID(5)].placement = .arena(0...0) },
            "buffers in the arena live while launches use them, but launch 1 uses buffer 5, which lives for 0...0"
        ),
        (
            { $0.buffers[ID(4)].placement = .state(name: "cache", initial: nil) },
            "a state has one buffer, but 'cache' has two"
        ),
        (
            { $0.buffers[ID(4)].byteCount = SamplePackage.symbol },
            "states have constant sizes, but 'zeros' has s0 bytes"
        ),
        ({ $0.launches[2].runsBeside = true }, "gang launches, and the first, run beside nothing, but launch 2 does"),
        (
            { $0.loops = [.init(launches: 1..<2, condition: ID(5))] },
            "loops follow each other and ask a byte in the arena that lasts, but loop 0 asks buffer 5, which is none"
        ),
        ({ $0.launches[1].kernel = "a b" }, "kernels have C names, but 'a b' is none"),
    ]

    @Test(arguments: brokenPlans.indices) func brokenPlansAreRefused(_ index: Int) throws {
        var plan = SamplePackage.plan
        Self.brokenPlans[index].change(&plan)
        #expect(throws: PackageError.invalid(file: "plan.json", rule: Self.brokenPlans[index].message)) {
            try plan.check(serving: SamplePackage.interface)
        }
    }

    /// A loop of the last two launches, its condition and what it breaks.
    private static let loops: [(change: @Sendable (inout Plan) -> Void, message: String?)] = [
        ({ _ in }, nil),
        ({ $0.loops[0].launches = 1..<1 }, "loop 0 has launches 1..<1"),
        ({ $0.loops[0].launches = 1..<4 }, "loop 0 has launches 1..<4"),
        ({ $0.loops.append($0.loops[0]) }, "loop 1 has launches 1..<3"),
        ({ $0.loops[0].condition = ID(99) }, "loop 0 asks buffer 99"),
        ({ $0.loops[0].condition = ID(0) }, "loop 0 asks buffer 0, which is none"),
        ({ $0.loops[0].launches = 0..<3 }, "loop 0 asks buffer 6, which is none"),
        ({ $0.buffers[ID(6)].placement = .arena(0...1) }, "loop 0 asks buffer 6, which is none"),
        ({ $0.buffers[ID(5)].placement = .arena(0...1) }, "buffer 5 ends within loop 0"),
        ({ $0.launches[1].runsBeside = true }, "launch 1 runs beside one on the other side of a border"),
    ]

    @Test(arguments: loops.indices) func loopsReadBackAndAreChecked(_ index: Int) throws {
        var plan = SamplePackage.plan
        plan.launches[1].runsBeside = false
        plan.buffers[ID(5)].placement = .arena(0...2)
        plan.buffers.append(.init(byteCount: 1, placement: .arena(0...2)))
        plan.loops = [.init(launches: 1..<3, condition: ID(6))]
        let (change, message) = Self.loops[index]
        change(&plan)
        if plan.loops.allSatisfy({ !$0.launches.isEmpty }) {
            #expect(try Plan(JSONReader().read(plan.text)) == plan)
        } else {
            #expect(throws: PackageError.self) { try Plan(JSONReader().read(plan.text)) }
        }
        guard let message else { return try plan.check(serving: SamplePackage.interface) }
        #expect(
            throws: PackageError.invalid(
                file: "plan.json",
                rule: "loops follow each other and ask a byte in the arena that lasts, but \(message)")
        ) {
            try plan.check(serving: SamplePackage.interface)
        }
    }

    @Test func everyRuleOfPlansIsTested() { #expect(Plan.checks.count == Self.brokenPlans.count) }

    /// A change to the sample manifest, and the rule that it breaks.
    static let brokenManifests: [(change: @Sendable (inout Manifest) -> Void, message: String)] = [
        (
            { $0.files.append(.init(path: "../etc", byteCount: 1, digest: ContentHash(rawValue: 0))) },
            "files are listed once and lie inside the package, but '../etc' is not"
        ),
        ({ $0.weights = "absent" }, "plans, programs and weights are listed files, but 'absent' is not"),
        ({ $0.plans = [] }, "there is a plan, but there is none"),
        ({ $0.interface.inputs[1].name = "x" }, "inputs have names of their own, but 'x' occurs twice"),
        ({ $0.interface.outputs[1].name = "y" }, "outputs have names of their own, but 'y' occurs twice"),
        (
            { $0.interface.outputs[1].type.shape = [Dimension(Variable(.axis, 0))] },
            "dimensions and guards use only declared symbols, but i0 is not"
        ),
        (
            { $0.interface.symbols[0].source = .extent(input: 0, axis: 1) },
            "a symbol's value can be found at its source, but that of s0 cannot"
        ),
        (
            { $0.interface.independentRows = 0 },
            "inputs and outputs begin with the extent of independent rows, but 'x' begins with another"
        ),
        ({ $0.interface.symbols[1].symbol.maximum = -1 }, "a symbol's range is not empty, but that of s1 is"),
    ]

    @Test(arguments: brokenManifests.indices) func brokenManifestsAreRefused(_ index: Int) throws {
        var manifest = SamplePackage.manifest
        manifest.files = ["plan.json", "kernels/cpu.so", "weights.safetensors"].map {
            .init(path: $0, byteCount: 1, digest: ContentHash(rawValue: 0))
        }
        try Check.run(Manifest.checks, on: manifest, file: "m")
        Self.brokenManifests[index].change(&manifest)
        #expect(throws: PackageError.invalid(file: "m", rule: Self.brokenManifests[index].message)) {
            try Check.run(Manifest.checks, on: manifest, file: "m")
        }
    }

    @Test func everyRuleOfManifestsIsTested() { #expect(Manifest.checks.count == Self.brokenManifests.count) }

    @Test func malformedValuesAreLocated() throws {
        let cases: [(String, String)] = [
            ("[]", "'plan.json' of the package: the value should be an object"),
            ("{}", "'plan.json' of the package: buffers should be a list"),
            (
                "{\"buffers\": [{\"bytes\": \"2*\", \"input\": 0}], \"launches\": []}",
                "'plan.json' of the package: buffers[0].bytes should be an expression such as 2*s0 + 3"
            ),
            (
                "{\"buffers\": [{\"bytes\": 8}], \"launches\": []}",
                "'plan.json' of the package: buffers[0].arena should be two rising launch numbers"
            ),
            (
                "{\"buffers\": [], \"launches\": [{\"kernel\": \"k\", \"operands\": [true], \"parts\": 1}]}",
                "'plan.json' of the package: launches[0].operands[0] should be an object"
            ),
            (
                "{\"buffers\": [], \"launches\": [{\"kernel\": \"k\", \"operands\": [], \"spread\": \"wide\"}]}",
                "'plan.json' of the package: launches[0].spread should be threads, gang or grid"
            ),
            (
                "{\"buffers\": [], \"launches\": [{\"kernel\": \"k\", \"operands\": [], \"spread\": \"grid\"}]}",
                "'plan.json' of the package: launches[0].blocks should be an integer or an expression"
            ),
        ]
        for (text, message) in cases {
            let json = try JSONReader().read(text)
            let error = try #require(throws: PackageError.self) { _ = try Plan(json) }
            #expect(error.description.hasPrefix(message), "\(error)")
        }
    }

    @Test func digestsOfLargeFilesAreThoseOfTheirChunks() {
        var bytes = [UInt8](repeating: 7, count: (9 << 20) + 5)
        for index in stride(from: 0, to: bytes.count, by: 4099) { bytes[index] = UInt8(truncatingIfNeeded: index) }
        let chunks = stride(from: 0, to: bytes.count, by: 1 << 20).map {
            ContentHash.of(Array(bytes[$0..<min($0 + (1 << 20), bytes.count)])).rawValue.littleEndian
        }
        let expected = chunks.withUnsafeBytes { ContentHash.of($0) }
        let digest = bytes.withUnsafeBytes { FileDigest.of($0) }
        #expect(digest == expected)
    }
}
