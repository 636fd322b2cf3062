import ElementTypes
import Foundation
import KernelIR

@testable import KernelCodeGen

/// A kernel in CUDA C++, run on the host by `CUDAOnHost`.
final class EmulatedKernel: RunnableKernel {
    typealias Failure = CompiledKernel.Failure
    private typealias Function = @convention(c) (UnsafePointer<UnsafeMutableRawPointer?>, Int, Int, Int) -> Void

    let kernel: Kernel
    let emitted: EmittedKernel
    private let library: HostLibrary

    init(_ kernel: Kernel, _ schedule: Schedule, multiprocessors: Int? = nil) throws {
        self.kernel = kernel
        var target = CubinTarget.target("sm_90a")
        if let multiprocessors { target.multiprocessors = multiprocessors }
        target.hasProductLibrary = true
        target.hasConvolutionLibrary = true
        let emitter = SIMTEmitter(target)
        emitted = try emitter.emit(kernel, symbol: "tested", schedule)
        let prelude = emitter.prelude.replacingOccurrences(of: SIMTPrelude.cuda, with: CUDAOnHost.head)
        guard !prelude.contains("asm volatile") else {
            throw Failure(description: "instructions of a GPU in the prelude")
        }
        let source = [128, 1024].reduce(emitted.source) {
            $0.replacingOccurrences(of: "extern __shared__ __align__(\($1)) unsigned char arena[];", with: "")
        }
        library = try HostLibrary(prelude + source + CUDAOnHost.tail, isCPlusPlus: true)
    }

    func run(_ buffers: inout [[UInt8]], dimensions: [Int64], parts: Int32 = 1) throws {
        guard case .grid(let grid) = emitted.parts else { throw Failure(description: "no grid") }
        let symbols = kernel.symbols
        func value(_ expression: IntegerExpression) -> Int {
            expression.evaluate { variable in symbols.firstIndex(of: variable).map { Int(dimensions[$0]) } ?? 0 } ?? 0
        }
        var pointers: [UnsafeMutableRawPointer] = []
        defer { for pointer in pointers { pointer.deallocate() } }
        func place(_ bytes: [UInt8]) -> UnsafeMutableRawPointer {
            let pointer = UnsafeMutableRawPointer.allocate(byteCount: bytes.count + 64, alignment: 256)
            pointer.copyMemory(from: bytes, byteCount: bytes.count)
            (pointer + bytes.count).initializeMemory(as: UInt8.self, repeating: 0xA5, count: 64)
            pointers.append(pointer)
            return pointer
        }
        let given = buffers.map(place)
        let packed = try HostLibrary.pack(emitted, buffers, dimensions).map(place)
        var arguments: [UnsafeMutableRawPointer?] = try emitted.arguments.map { argument in
            switch argument {
            case .parameter(let number): given[number]
            case .packed(let number): packed[number]
            case .library: throw Failure(description: "a library on a device of blocks")
            case .shared(let bytes): place([UInt8](repeating: 0xFF, count: value(bytes)))
            }
        }
        if grid.counters > 0 { arguments.append(place([UInt8](repeating: 0, count: 4 * grid.counters))) }
        let counters = arguments.last ?? nil
        for index in symbols.indices { arguments.append(place(withUnsafeBytes(of: dimensions[index]) { Array($0) })) }
        arguments.append(place([0, 0, 0, 0]))
        let function = unsafeBitCast(try library.symbol("emulate_tested"), to: Function.self)
        let cluster = [2, 4, 8].first { emitted.source.contains("__cluster_dims__(\($0),") } ?? 1
        for _ in 0..<2 {
            switch grid.call {
            case .product(let product)?: product.compute(arguments)
            case .convolution(let convolution)?: convolution.compute(arguments)
            case nil: break
            }
            if value(grid.blocks) > 0 { function(arguments, value(grid.blocks), grid.threads, cluster) }
        }
        for (number, pointer) in given.enumerated() {
            let count = buffers[number].count
            guard UnsafeRawBufferPointer(start: pointer + count, count: 64).allSatisfy({ $0 == 0xA5 }) else {
                throw Failure(description: "buffer \(number) is overrun")
            }
            buffers[number] = Array(UnsafeRawBufferPointer(start: pointer, count: count))
        }
        if grid.counters > 0, let counters {
            let words = UnsafeRawBufferPointer(start: counters, count: 4 * grid.counters)
            guard words.allSatisfy({ $0 == 0 }) else { throw Failure(description: "counters are not left zero") }
        }
    }
}

/// An element of the host's memory.
private func load(_ memory: UnsafeMutableRawPointer?, _ index: Int, _ type: ElementType) -> Float {
    guard let memory else { return .nan }
    switch type {
    case .f32: return memory.load(fromByteOffset: 4 * index, as: Float.self)
    case .f16: return Float(memory.load(fromByteOffset: 2 * index, as: Float16.self))
    default: return Float(bitPattern: UInt32(memory.load(fromByteOffset: 2 * index, as: UInt16.self)) << 16)
    }
}

/// Writes an element of the host's memory.
private func store(_ value: Float, _ memory: UnsafeMutableRawPointer?, _ index: Int, _ type: ElementType) {
    switch type {
    case .f32: memory?.storeBytes(of: value, toByteOffset: 4 * index, as: Float.self)
    case .f16: memory?.storeBytes(of: Float16(value), toByteOffset: 2 * index, as: Float16.self)
    default:
        let bits = UInt16(truncatingIfNeeded: Memory.rounded(value).bitPattern >> 16)
        memory?.storeBytes(of: bits, toByteOffset: 2 * index, as: UInt16.self)
    }
}

extension MatrixProduct {
    /// Computes the product on memory of the host, as a vendor's library would.
    fileprivate func compute(_ operands: [UnsafeMutableRawPointer?]) {
        precondition(fault(operands: operands.count) == nil)
        for batch in 0..<batches {
            for m in 0..<rows {
                for n in 0..<columns {
                    let place = result.offset + batch * result.batch + m * result.line + n
                    var sum = bias.map { load(operands[$0.operand], $0.offset + n, resultElement) } ?? 0
                    if let addend { sum += load(operands[addend], place, resultElement) }
                    for k in 0..<depth {
                        let x = left.offset + batch * left.batch + m * left.line + k * left.step
                        let y = right.offset + batch * right.batch + n * right.line + k * right.step
                        sum += load(operands[left.operand], x, element) * load(operands[right.operand], y, element)
                    }
                    store(sum, operands[result.operand], place, resultElement)
                }
            }
        }
    }
}

extension ImageConvolution {
    /// Computes the convolution on memory of the host, as a vendor's library would.
    fileprivate func compute(_ operands: [UnsafeMutableRawPointer?]) {
        precondition(fault(operands: operands.count) == nil)
        func at(_ place: Place, _ index: Int, _ type: ElementType) -> Float {
            load(operands[place.operand], place.offset + index, type)
        }
        for index in 0..<resultCount {
            let f = index % filters
            let taps = window.reduce(1, *)
            var sum: Float = 0
            for tap in 0..<taps {
                guard let pixel = source(ofPixel: index / filters, tap: tap) else { continue }
                for c in 0..<channels {
                    sum +=
                        at(image, pixel * channels + c, element) * at(filter, (f * taps + tap) * channels + c, element)
                }
            }
            if let factor { sum *= at(factor, f, .f32) }
            if let bias { sum += at(bias, f, biasElement) }
            if let residual { sum += at(residual, index, resultElement) }
            store(isRectified ? max(sum, 0) : sum, operands[result.operand], result.offset + index, resultElement)
        }
    }
}
