import ElementTypes
import Foundation

@testable import KernelCodeGen

/// C or C++ text compiled and loaded.
final class HostLibrary {
    private let handle: UnsafeMutableRawPointer

    init(_ text: String, isCPlusPlus: Bool = false) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "hearth-host-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let code = folder.appending(path: isCPlusPlus ? "text.cpp" : "text.c")
        let object = folder.appending(path: "text.so")
        let errors = folder.appending(path: "errors.txt")
        try Data(text.utf8).write(to: code)
        try Data().write(to: errors)
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments =
            (isCPlusPlus ? ["clang++", "-std=c++17", "-mf16c", "-mfma"] : ["clang"])
            + ["-O1", "-w", "-shared", "-fPIC", "-o", object.path, code.path]
        process.standardError = try FileHandle(forWritingTo: errors)
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0, let handle = dlopen(object.path, RTLD_NOW) else {
            let message = (try? String(contentsOf: errors, encoding: .utf8)) ?? ""
            throw CompiledKernel.Failure(description: "the text does not compile: \(message.prefix(2000))")
        }
        self.handle = handle
    }

    deinit { dlclose(handle) }

    func symbol(_ name: String) throws -> UnsafeMutableRawPointer {
        guard let symbol = dlsym(handle, name) else {
            throw CompiledKernel.Failure(description: "no function \(name)")
        }
        return symbol
    }

    /// What a kernel for a device asks the host to pack.
    static func pack(_ emitted: EmittedKernel, _ buffers: [[UInt8]], _ dimensions: [Int64]) throws -> [[UInt8]] {
        if emitted.packings.isEmpty { return [] }
        let library = try HostLibrary(KernelEmitter(TestTarget.portable.target).prelude + emitted.packingSource)
        return try emitted.packings.map { packing in
            let function = unsafeBitCast(try library.symbol(packing.symbol), to: CompiledKernel.Function.self)
            var pointers: [UnsafeMutableRawPointer?] = []
            defer { for pointer in pointers { pointer?.deallocate() } }
            for source in packing.sources.map({ buffers[$0] }) {
                let copy = UnsafeMutableRawPointer.allocate(byteCount: source.count + 64, alignment: 64)
                copy.copyMemory(from: source, byteCount: source.count)
                pointers.append(copy)
            }
            let size = packing.count * packing.element.byteCount
            let result = UnsafeMutableRawPointer.allocate(byteCount: size + 64, alignment: 64)
            result.initializeMemory(as: UInt8.self, repeating: 0xA5, count: size)
            pointers.append(result)
            for part in 0..<Int32(3) { _ = function(pointers, dimensions, nil, part, 3) }
            return Array(UnsafeRawBufferPointer(start: result, count: size))
        }
    }
}
