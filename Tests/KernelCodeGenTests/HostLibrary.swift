import ElementTypes
import Foundation
import Processes

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
        try Data(text.utf8).write(to: code)
        try Self.compile(
            (isCPlusPlus ? ["clang++", "-std=c++17", "-mf16c", "-mfma"] : ["clang"])
                + ["-O1", "-w", "-shared", "-fPIC", "-o", object.path, code.path])
        guard let handle = dlopen(object.path, RTLD_NOW) else {
            throw CompiledKernel.Failure(description: "the object does not load")
        }
        self.handle = handle
    }

    deinit { dlclose(handle) }

    /// Runs a compiler to its end. Not through Foundation, which waits forever for children whose descriptors a process that
    /// was started meanwhile has inherited.
    static func compile(_ command: [String]) throws {
        let child = try ChildProcess(executable: "/usr/bin/env", arguments: command, output: .null)
        let answer = try child.collect(timeLimit: 300)
        guard answer.end == .exited(code: 0) else {
            let message = String(decoding: answer.errors.prefix(2000), as: UTF8.self)
            throw CompiledKernel.Failure(description: "\(answer.end): \(message)")
        }
    }

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
