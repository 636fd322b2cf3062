import ElementTypes
import Foundation
import KernelIR
import Testing

@testable import KernelCodeGen

/// Processors to generate for; those that this machine is not are only compiled.
enum TestTarget: String, CaseIterable, Sendable {
    case portable, avx2, avx512, avx512BF16, amx, avxVNNI, avx512VNNI, amxInt8

    var target: CPUTarget {
        func target(
            _ bytes: Int, _ registers: Int, _ flags: [String], bf16: Bool = false, amx: Bool = false, int8: Bool = false
        ) -> CPUTarget {
            CPUTarget(
                vectorBytes: bytes, vectorRegisters: registers, hasFMA: bytes > 16, hasF16Conversion: bytes > 16,
                hasBF16Dot: bf16, hasAMXBF16: amx, hasInt8Dot: int8, cacheBytes: [32768, 1 << 20, 32 << 20],
                threads: 2, compilerFlags: flags)
        }
        let wide = ["-mavx512f", "-mavx512bw", "-mavx512vl", "-mavx512dq", "-mfma", "-mf16c"]
        switch self {
        case .portable: return target(16, 16, [])
        case .avx2: return target(32, 16, ["-mavx2", "-mfma", "-mf16c"])
        case .avx512: return target(64, 32, wide)
        case .avx512BF16: return target(64, 32, wide + ["-mavx512bf16"], bf16: true)
        case .amx: return target(64, 32, wide + ["-mavx512bf16", "-mamx-tile", "-mamx-bf16"], bf16: true, amx: true)
        case .avxVNNI: return target(32, 16, ["-mavx2", "-mfma", "-mf16c", "-mavxvnni"], int8: true)
        case .avx512VNNI: return target(64, 32, wide + ["-mavx512vnni"], int8: true)
        case .amxInt8:
            var tiles = target(64, 32, wide + ["-mavx512vnni", "-mamx-tile", "-mamx-int8"], int8: true)
            tiles.hasAMXInt8 = true
            return tiles
        }
    }

    /// Whether this machine runs the code; tiles can be imitated.
    var runs: Bool {
        switch self {
        case .amx: Self.avx512BF16.isHere
        case .amxInt8: Self.avx512VNNI.isHere
        case .portable, .avx2, .avx512, .avx512BF16, .avxVNNI, .avx512VNNI: isHere
        }
    }

    /// Whether this machine has all the instructions.
    var isHere: Bool {
        let flags = Self.flags
        switch self {
        case .portable: return true
        case .avx2: return flags.contains("avx2") && flags.contains("fma")
        case .avx512: return flags.contains("avx512f") && flags.contains("avx512bw")
        case .avx512BF16: return flags.contains("avx512_bf16")
        case .amx: return flags.contains("amx_bf16") && Self.asksForTiles
        case .avxVNNI: return flags.contains("avx_vnni")
        case .avx512VNNI: return flags.contains("avx512_vnni") && flags.contains("avx512bw")
        case .amxInt8: return flags.contains("amx_int8") && Self.asksForTiles
        }
    }

    private static let flags: Set<Substring> = {
        let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("flags") } ?? ""
        return Set(line.split(separator: " "))
    }()

    /// Linux gives a process the tile registers only on request (arch_prctl 0x1023, feature 18).
    private static let asksForTiles: Bool = {
        // Swift does not import variadic functions.
        guard let symbol = dlsym(dlopen(nil, RTLD_NOW), "syscall") else { return false }
        let call = unsafeBitCast(symbol, to: (@convention(c) (Int, Int, Int) -> Int).self)
        return call(158, 0x1023, 18) == 0
    }()
}

/// A kernel compiled for some device that is here.
protocol RunnableKernel {
    /// Runs the kernel on buffers in the order of its parameters; `parts` is for devices that hand out parts.
    func run(_ buffers: inout [[UInt8]], dimensions: [Int64], parts: Int32) throws
}

/// A kernel compiled with clang or gcc and loaded.
final class CompiledKernel: RunnableKernel {
    struct Failure: Error, CustomStringConvertible { var description: String }
    typealias Function =
        @convention(c) (
            UnsafePointer<UnsafeMutableRawPointer?>, UnsafePointer<Int64>, UnsafeMutableRawPointer?, Int32, Int32
        ) -> Int32

    let kernel: Kernel
    let emitted: EmittedKernel
    private let handle: UnsafeMutableRawPointer?

    init(
        _ kernel: Kernel, _ target: TestTarget, _ schedule: Schedule = Schedule(), compiler: String = "clang",
        loads: Bool = true, imitates: Bool = true, flags: [String] = []
    ) throws {
        self.kernel = kernel
        let emitter = KernelEmitter(target.target)
        emitted = try emitter.emit(kernel, symbol: "tested", schedule)
        let folder = FileManager.default.temporaryDirectory.appending(path: "hearth-codegen-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let code = folder.appending(path: "kernel.c")
        let object = folder.appending(path: "kernel.so")
        var text = emitter.prelude + emitted.source
        // The tile instructions are few; where they are missing, their description in C runs instead.
        if imitates, !target.isHere, text.contains("_tile_dpb") {
            text = text.replacingOccurrences(of: "#include <immintrin.h>", with: ImitatedTiles.text)
        }
        try Data(text.utf8).write(to: code)
        try HostLibrary.compile(
            [compiler] + Self.flags(emitter, target, imitates) + flags + [
                "-shared", "-fPIC", "-o", object.path, code.path,
            ])
        handle = loads ? dlopen(object.path, RTLD_NOW) : nil
        if loads, handle == nil { throw Failure(description: "the object does not load") }
    }

    private static func flags(_ emitter: KernelEmitter, _ target: TestTarget, _ imitates: Bool) -> [String] {
        emitter.compilerFlags.map { $0 == "-O3" ? "-O1" : $0 }.filter {
            target.isHere || !imitates || !$0.hasPrefix("-mamx-")
        }
    }

    deinit { if let handle { dlclose(handle) } }

    private func function(_ name: String) throws -> Function {
        guard let symbol = dlsym(handle, name) else { throw Failure(description: "no symbol \(name)") }
        return unsafeBitCast(symbol, to: Function.self)
    }

    /// Packs what wants packing, then runs all parts one after another. Guards of 64 bytes stand after every buffer.
    func run(_ buffers: inout [[UInt8]], dimensions: [Int64] = [0], parts: Int32) throws {
        var pointers: [UnsafeMutableRawPointer] = []
        defer { for pointer in pointers { pointer.deallocate() } }
        func allocate(_ bytes: [UInt8]) -> UnsafeMutableRawPointer {
            let pointer = UnsafeMutableRawPointer.allocate(byteCount: bytes.count + 64, alignment: 64)
            pointer.copyMemory(from: bytes, byteCount: bytes.count)
            (pointer + bytes.count).initializeMemory(as: UInt8.self, repeating: 0xA5, count: 64)
            pointers.append(pointer)
            return pointer
        }
        let given = buffers.map(allocate)
        var packed: [UnsafeMutableRawPointer] = []
        func isWhole(after pointer: UnsafeMutableRawPointer, _ size: Int) -> Bool {
            UnsafeRawBufferPointer(start: pointer + size, count: 64).allSatisfy { $0 == 0xA5 }
        }
        for packing in emitted.packings {
            let target = allocate([UInt8](repeating: 0xA5, count: packing.count * packing.element.byteCount))
            let arguments = packing.sources.map { Optional(given[$0]) } + [target]
            for part in 0..<Int32(3) { _ = try function(packing.symbol)(arguments, dimensions, nil, part, 3) }
            #expect(isWhole(after: target, packing.count * packing.element.byteCount), "\(packing.symbol) overruns")
            packed.append(target)
        }
        let symbols = kernel.symbols
        func value(_ expression: IntegerExpression) -> Int {
            expression.evaluate { variable in symbols.firstIndex(of: variable).map { Int(dimensions[$0]) } ?? 0 } ?? 0
        }
        var arguments = emitted.arguments.map { argument -> UnsafeMutableRawPointer? in
            switch argument {
            case .parameter(let number): given[number]
            case .packed(let number): packed[number]
            // Targets of these tests have no libraries.
            case .library: nil
            case .shared(let bytes): allocate([UInt8](repeating: 0xFF, count: value(bytes)))
            }
        }
        let size = value(emitted.workspaceBytes)
        // Workspace starts as NaN of every type, which nothing may take for a value.
        var workspaces = [allocate([UInt8](repeating: 0xFF, count: size))]
        switch emitted.parts {
        case .count:
            for part in 0..<parts {
                let code = try function(emitted.symbol)(arguments, dimensions, workspaces[0], part, parts)
                #expect(code == 0)
            }
        case .grid: preconditionFailure("generated for the host")
        case .gang:
            arguments.append(allocate([UInt8](repeating: 0, count: 4096)))
            for _ in 1..<parts { workspaces.append(allocate([UInt8](repeating: 0xFF, count: size))) }
            try runGang(try function(emitted.symbol), arguments, dimensions, workspaces)
        }
        for (number, pointer) in given.enumerated() {
            let count = buffers[number].count
            #expect(isWhole(after: pointer, count), "buffer \(number) is overrun")
            buffers[number] = Array(UnsafeRawBufferPointer(start: pointer, count: count))
        }
        for workspace in workspaces {
            #expect(isWhole(after: workspace, size), "the workspace is overrun")
        }
    }

    /// Runs one part on each of as many threads as there are workspaces.
    private func runGang(
        _ function: @escaping Function, _ arguments: [UnsafeMutableRawPointer?], _ dimensions: [Int64],
        _ workspaces: [UnsafeMutableRawPointer]
    ) throws {
        // Safety: the threads only pass the pointers on, and end before this function does.
        struct Call: @unchecked Sendable {
            var function: Function
            var arguments: [UnsafeMutableRawPointer?]
            var dimensions: [Int64]
            var workspaces: [UnsafeMutableRawPointer]
        }
        let call = Call(
            function: function, arguments: arguments, dimensions: dimensions, workspaces: workspaces)
        let group = DispatchGroup()
        for part in workspaces.indices {
            group.enter()
            let thread = Thread {
                _ = call.function(
                    call.arguments, call.dimensions, call.workspaces[part], Int32(part), Int32(call.workspaces.count))
                group.leave()
            }
            thread.start()
        }
        guard group.wait(timeout: .now() + 60) == .success else {
            fatalError("the parts of a gang wait for each other forever")
        }
    }
}

/// Numbers in memory.
enum Memory {
    static func bytes(_ values: [Float], _ element: ElementType) -> [UInt8] {
        values.flatMap { value -> [UInt8] in
            switch element {
            case .bf16: withUnsafeBytes(of: UInt16(truncatingIfNeeded: rounded(value).bitPattern >> 16)) { Array($0) }
            case .f16: withUnsafeBytes(of: Float16(value)) { Array($0) }
            default: withUnsafeBytes(of: value) { Array($0) }
            }
        }
    }

    static func floats(_ bytes: [UInt8], _ element: ElementType) -> [Float] {
        bytes.withUnsafeBytes { raw in
            switch element {
            case .bf16: raw.bindMemory(to: UInt16.self).map { Float(bitPattern: UInt32($0) << 16) }
            case .f16: raw.bindMemory(to: Float16.self).map { Float($0) }
            default: Array(raw.bindMemory(to: Float.self))
            }
        }
    }

    /// To bf16 and back, halves to even.
    static func rounded(_ value: Float) -> Float {
        let bits = value.bitPattern
        return Float(bitPattern: (bits &+ 0x7FFF &+ ((bits >> 16) & 1)) & 0xFFFF_0000)
    }
}
