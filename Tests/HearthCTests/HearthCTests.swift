import CHearth
import Foundation
import HearthC
import TestSupport
import Testing

/// The C interface as a C program meets it, on the hand-written package `x: f32[n, 4]` → `y = x · w + 1`, `sum`.
@Suite struct HearthCTests {
    /// What functions fill that this suite calls through.
    private final class Opened {
        var package: OpaquePointer?
        var session: OpaquePointer?

        init(_ path: String) {
            #expect(hearth_open(path, "cpu", 2, 0, &package) == HEARTH_OK, "\(error)")
            #expect(hearth_session_open(package, &session) == HEARTH_OK, "\(error)")
        }

        deinit {
            hearth_session_close(session)
            hearth_close(package)
        }

        var error: String { String(cString: hearth_error()) }

        func bind(_ rows: Int64, type: Int = HEARTH_F32, columns: Int64 = 4, strides: [Int64]? = nil) -> Int32 {
            [rows, columns].withUnsafeBufferPointer { extents in
                (strides ?? [columns, 1]).withUnsafeBufferPointer { given in
                    var input = HearthTensor(
                        type: Int32(type), rank: 2, extents: extents.baseAddress,
                        strides: strides == nil ? nil : given.baseAddress, value: 0)
                    return hearth_session_bind(session, &input, 1, nil)
                }
            }
        }

        /// Runs on `rows` rows that hold their number; returns the outputs, or what went wrong.
        func run(_ rows: Int) -> (y: [Float], sum: [Float], code: Int32) {
            let x = (0..<rows * 4).map { Float($0 / 4) }
            var (y, sum) = ([Float](repeating: -1, count: rows * 4), [Float](repeating: -1, count: 4))
            let code = x.withUnsafeBytes { x in
                y.withUnsafeMutableBytes { y in
                    sum.withUnsafeMutableBytes { sum in
                        hearth_session_run(session, [x.baseAddress], [y.baseAddress, sum.baseAddress], 0, nil)
                    }
                }
            }
            return (y, sum, code)
        }
    }

    private static func withPackage(
        counted: Bool = false, _ body: (String) throws -> Void
    ) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "hearth-tests-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appending(path: "m.hearth").path
        if counted { try HandWritten.writeCounted(to: path) } else { try HandWritten.write(to: path) }
        try body(path)
    }

    @Test func describesItsPorts() throws {
        try Self.withPackage { path in
            let opened = Opened(path)
            var about = HearthDescription()
            #expect(hearth_describe(opened.package, &about) == HEARTH_OK)
            #expect(String(cString: about.name) == "hand-written" && String(cString: about.device) == "cpu")
            #expect(about.inputs == 1 && about.outputs == 2 && about.symbols == 1)
            #expect(about.has_state == 1 && about.in_host_memory == 1 && about.is_tuned == 0)
            var port = HearthPort()
            #expect(hearth_input(opened.package, 0, &port) == HEARTH_OK)
            #expect(String(cString: port.name) == "x" && port.type == Int32(HEARTH_F32) && port.rank == 2)
            #expect(port.extents[0] == -1 && port.extents[1] == 4 && port.value_symbol == -1)
            let expression = try #require(port.expressions[0])
            #expect(String(cString: expression) == "s0")
            #expect(hearth_output(opened.package, 1, &port) == HEARTH_OK)
            #expect(String(cString: port.name) == "sum" && port.rank == 1 && port.extents[0] == 4)
            var symbol = HearthSymbol()
            #expect(hearth_symbol(opened.package, 0, &symbol) == HEARTH_OK)
            #expect(String(cString: symbol.name) == "rows")
            #expect(symbol.minimum == 0 && symbol.maximum == 1000 && symbol.typical == 2)
            #expect(hearth_output(opened.package, 2, &port) == HEARTH_BAD_INPUT)
            #expect(opened.error == "there is no number 2 among the package's 2 outputs")
        }
    }

    @Test func runsWithDynamicDimensionsAndState() throws {
        try Self.withPackage { path in
            let opened = Opened(path)
            var total: [Float] = [100, 0, 0, 0]
            for rows in [3, 3, 50, 0, 20] {
                #expect(opened.bind(Int64(rows)) == HEARTH_OK, "\(opened.error)")
                let found = opened.run(rows)
                #expect(found.code == HEARTH_OK, "\(opened.error)")
                for j in 0..<4 { total[j] += Float((0..<rows).reduce(0, +) * (j + 1)) }
                let expected = (0..<rows * 4).map { (index: Int) -> Float in Float(index / 4 * (index % 4 + 1) + 1) }
                #expect(found.y == expected)
                #expect(found.sum == total)
            }
            var state = [Float](repeating: 0, count: 4)
            #expect(hearth_session_state(opened.session, "total", &state, 16) == HEARTH_OK && state == total)
            #expect(hearth_session_state(opened.session, "total", &state, 8) == HEARTH_BAD_INPUT)
            #expect(hearth_session_state(opened.session, "none", &state, 16) == HEARTH_BAD_INPUT)
            #expect(opened.error == "the model has no state 'none' that a run reads or changes")
            #expect(hearth_session_reset(opened.session) == HEARTH_OK)
            #expect(opened.bind(0) == HEARTH_OK && opened.run(0).sum == [100, 0, 0, 0])
        }
    }

    @Test func resultsMayLieInTheSession() throws {
        try Self.withPackage { path in
            let opened = Opened(path)
            #expect(opened.bind(2) == HEARTH_OK)
            let x: [Float] = [1, 1, 1, 1, 2, 2, 2, 2]
            var addresses: [UnsafeMutableRawPointer?] = [nil, nil]
            for _ in 0..<2 {
                let code = x.withUnsafeBytes { hearth_session_run(opened.session, [$0.baseAddress], nil, 0, nil) }
                #expect(code == HEARTH_OK, "\(opened.error)")
                let before = addresses
                #expect(hearth_session_results(opened.session, 0, &addresses) == HEARTH_OK)
                #expect(before[0] == nil || before == addresses, "they stay where they are")
            }
            let y = try #require(addresses[0]).assumingMemoryBound(to: Float.self)
            #expect((0..<8).map { y[$0] } == [2, 3, 4, 5, 3, 5, 7, 9])
            // Other extents, other memory.
            #expect(opened.bind(100) == HEARTH_OK && hearth_session_results(opened.session, 0, &addresses) == HEARTH_OK)
        }
    }

    @Test func sessionsOutliveTheirPackage() throws {
        try Self.withPackage { path in
            let opened = Opened(path)
            hearth_close(opened.package)
            opened.package = nil
            #expect(opened.bind(1) == HEARTH_OK && opened.run(1).y == [1, 1, 1, 1])
        }
    }

    @Test func theDeviceSaysItsTime() throws {
        try Self.withPackage { path in
            let opened = Opened(path)
            #expect(opened.bind(1) == HEARTH_OK)
            var times = [UInt64](repeating: 0, count: 4)
            let (x, y) = (
                [Float](repeating: 1, count: 4), UnsafeMutableRawPointer.allocate(byteCount: 128, alignment: 64)
            )
            defer { y.deallocate() }
            let code = x.withUnsafeBytes {
                hearth_session_time(opened.session, [$0.baseAddress], [y, y + 64], 0, 3, 5, &times)
            }
            #expect(code == HEARTH_OK && times[0] > 0 && times[3] == 0, "\(opened.error) \(times)")
            #expect(hearth_session_time(opened.session, nil, nil, 0, 0, 1, &times) == HEARTH_BAD_INPUT)
            #expect(opened.error == "samples and inner should be at least 1")
        }
    }

    /// Each is one line that names what is wrong.
    @Test func badShapesAreRefused() throws {
        try Self.withPackage { path in
            let opened = Opened(path)
            let cases: [(Int32, String)] = [
                (opened.bind(3, columns: 5), "input 'x' should be f32[s0, 4], but is f32[3, 5]"),
                (opened.bind(3, type: HEARTH_F64), "input 'x' should be f32[s0, 4], but is f64[3, 4]"),
            ]
            for (code, _) in cases { #expect(code == HEARTH_BAD_INPUT) }
            #expect(opened.bind(3, columns: 5) == HEARTH_BAD_INPUT && opened.error == cases[0].1)
            #expect(opened.bind(3, type: HEARTH_F64) == HEARTH_BAD_INPUT && opened.error == cases[1].1)
            #expect(opened.bind(3, type: 77) == HEARTH_BAD_INPUT)
            #expect(opened.error == "'x' has an unknown element type, number 77")
            #expect(opened.bind(3, strides: [1, 3]) == HEARTH_BAD_INPUT)
            #expect(opened.error == "'x' is not contiguous; make a contiguous copy of it")
            #expect(opened.bind(3, strides: [4, 1]) == HEARTH_OK)
            #expect(opened.bind(1001) == HEARTH_BAD_INPUT)
            #expect(opened.error.contains("dimension 0 ('rows') is 1001, but the model takes 0 to 1000"))
            #expect(opened.bind(7) == HEARTH_BAD_INPUT && opened.error.contains("the inputs must satisfy s0 != 7"))
            #expect(
                opened.run(7).code == HEARTH_BAD_INPUT && opened.error == "the shapes of the inputs are not bound yet")
            #expect(opened.bind(-1) == HEARTH_BAD_INPUT && opened.error.contains("negative extent"))
        }
    }

    @Test func badMemoryIsRefused() throws {
        try Self.withPackage { path in
            let opened = Opened(path)
            #expect(opened.bind(2) == HEARTH_OK)
            let memory = UnsafeMutableRawPointer.allocate(byteCount: 256, alignment: 64)
            defer { memory.deallocate() }
            memory.initializeMemory(as: UInt8.self, repeating: 0, count: 256)
            func run(_ x: Int?, _ y: Int?, _ sum: Int?, _ flags: Int = 0) -> String {
                let outputs = [y.map { memory + $0 }, sum.map { memory + $0 }]
                let code = hearth_session_run(
                    opened.session, [x.map { UnsafeRawPointer(memory + $0) }], outputs, UInt32(flags), nil)
                return code == HEARTH_OK ? "" : opened.error
            }
            #expect(run(0, 64, 128) == "")
            #expect(run(nil, 64, 128) == "'x' is at NULL")
            #expect(run(0, nil, 128) == "'y' is at NULL")
            #expect(run(1, 64, 128) == "'x' is not aligned to its elements of 4 bytes")
            #expect(run(0, 28, 128) == "'y' overlaps 'x' in memory")
            #expect(run(0, 64, 92) == "'sum' overlaps 'y' in memory")
            #expect(run(0, 64, 128, HEARTH_IN_STREAM) == "a run in a stream takes memory of a device with streams")
            #expect(run(0, 32, 64) == "")
            #expect(run(0, 32, 64, HEARTH_ON_DEVICE) == "", "the processor works in the host's memory")
            #expect(hearth_session_run(opened.session, nil, nil, 0, nil) == HEARTH_BAD_INPUT)
            #expect(opened.error == "inputs is NULL")
        }
    }

    @Test func valuesThatAreDimensionsMustStayAsBound() throws {
        try Self.withPackage(counted: true) { path in
            let opened = Opened(path)
            let extents: [Int64] = [10, 4]
            var outputs = [HearthTensor()]
            let x = [Float](repeating: 1, count: 40)
            var y = [Float](repeating: 0, count: 40)
            for count in [3, 5] as [Int64] {
                let code = extents.withUnsafeBufferPointer { extents in
                    hearth_session_bind(
                        opened.session,
                        [
                            HearthTensor(
                                type: Int32(HEARTH_F32), rank: 2, extents: extents.baseAddress, strides: nil, value: 0),
                            HearthTensor(type: Int32(HEARTH_I64), rank: 0, extents: nil, strides: nil, value: count),
                        ], 2, &outputs)
                }
                #expect(code == HEARTH_OK, "\(opened.error)")
                #expect(outputs[0].rank == 2 && outputs[0].extents[0] == count && outputs[0].extents[1] == 4)
                for given in [count, 4] {
                    let n = [given]
                    let code = x.withUnsafeBytes { x in
                        n.withUnsafeBytes { n in
                            y.withUnsafeMutableBytes { y in
                                hearth_session_run(
                                    opened.session, [x.baseAddress, n.baseAddress], [y.baseAddress], 0, nil)
                            }
                        }
                    }
                    #expect(code == (given == count ? HEARTH_OK : HEARTH_BAD_INPUT))
                    if given != count { #expect(opened.error == "'n' is 4, but \(count) was bound; bind again") }
                }
            }
            #expect(y.prefix(20).allSatisfy { $0 == 2 } && y[20] == 0)
        }
    }

    @Test(arguments: [
        ("/nonexistent.hearth", "cpu", HEARTH_BAD_INPUT, "package '/nonexistent.hearth' not found"),
        (
            "/nonexistent.hearth", "gpu", HEARTH_UNAVAILABLE,
            "no device 'gpu': devices are cpu, cuda, cuda:N, opencl and opencl:N"
        ),
        (
            "/nonexistent.hearth", "cuda:x", HEARTH_UNAVAILABLE,
            "no device 'cuda:x': a device's number follows the colon, such as cuda:1"
        ),
    ]) func whatCannotBeOpenedIsOneLine(_ path: String, _ device: String, _ code: Int, _ line: String) {
        var package: OpaquePointer? = OpaquePointer(bitPattern: 64)
        #expect(hearth_open(path, device, 0, 0, &package) == Int32(code))
        #expect(package == nil && String(cString: hearth_error()) == line)
    }

    @Test func nullHandlesAreErrors() {
        var session: OpaquePointer?
        #expect(hearth_abi_version() == HEARTH_ABI_VERSION)
        #expect(
            hearth_open(nil, nil, 0, 0, &session) == HEARTH_BAD_INPUT
                && String(cString: hearth_error()) == "path is NULL")
        #expect(hearth_session_open(nil, &session) == HEARTH_BAD_INPUT)
        #expect(hearth_session_run(nil, nil, nil, 0, nil) == HEARTH_BAD_INPUT)
        #expect(String(cString: hearth_error()) == "session is NULL")
        hearth_close(nil)
        hearth_session_close(nil)
    }

    @Test func errorsBelongToTheirThread() throws {
        #expect(hearth_session_wait(nil) == HEARTH_BAD_INPUT)
        let other = Thread { _ = hearth_open(nil, nil, 0, 0, nil) }
        other.start()
        while !other.isFinished { usleep(100) }
        #expect(String(cString: hearth_error()) == "session is NULL")
    }

    @Test func theProcessorHasNoUseForLentMemory() throws {
        try Self.withPackage { path in
            let opened = Opened(path)
            #expect(opened.bind(3) == HEARTH_OK)
            var memory = [Float](repeating: 0, count: 12)
            var imported: Int32 = 7
            #expect(hearth_session_import(opened.session, &memory, 48, 0, &imported) == HEARTH_OK && imported == 0)
            #expect(opened.error == "this device does not support memory that the host has already")
            #expect(hearth_session_end_import(opened.session, &memory) == HEARTH_OK)
            #expect(hearth_session_import(opened.session, nil, 48, 0, &imported) == HEARTH_BAD_INPUT)
            #expect(opened.error == "memory is NULL")
            #expect(opened.run(3).code == HEARTH_OK)
            var (direct, staged): (UInt64, UInt64) = (7, 7)
            #expect(hearth_session_traffic(opened.session, &direct, &staged) == HEARTH_OK)
            #expect(direct == 0 && staged == 0)
        }
    }
}
