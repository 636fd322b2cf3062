import Base
import ElementTypes
import ElementTypes
import MappedFiles
import PackageRuntime
import Safetensors

extension TensorMemory {
    /// Fills with random numbers: about normal for floating point, bits for bool, 0 and 1 for integers, which are in
    /// range for whatever they index.
    func randomise(_ random: inout SeededRandom) {
        for index in 0..<bytes.count / type.element.byteCount {
            switch type.element {
            case .bool, .u8, .i8: bytes.storeBytes(of: UInt8(random.next() & 1), toByteOffset: index, as: UInt8.self)
            case .i16: store(Int16(random.next() & 1), index)
            case .i32: store(Int32(random.next() & 1), index)
            case .i64: store(Int64(random.next() & 1), index)
            case .f64: store(Self.normal(&random), index)
            case .f32: store(Float(Self.normal(&random)), index)
            case .f16: store(Float16(Self.normal(&random)), index)
            case .f8e4m3: store(Float8.e4m3.bits(Self.normal(&random)), index)
            case .f8e5m2: store(Float8.e5m2.bits(Self.normal(&random)), index)
            case .bf16: store(UInt16(Float(Self.normal(&random)).bitPattern >> 16), index)
            }
        }
    }

    /// An element as a double.
    func value(_ index: Int) -> Double {
        switch type.element {
        case .f64: load(index, Double.self)
        case .f32: Double(load(index, Float.self))
        case .f16: Double(load(index, Float16.self))
        case .bf16: Double(Float(bitPattern: UInt32(load(index, UInt16.self)) << 16))
        case .f8e4m3: Float8.e4m3.value(load(index, UInt8.self))
        case .f8e5m2: Float8.e5m2.value(load(index, UInt8.self))
        case .i64: Double(load(index, Int64.self))
        case .i32: Double(load(index, Int32.self))
        case .i16: Double(load(index, Int16.self))
        case .i8: Double(load(index, Int8.self))
        case .u8, .bool: Double(load(index, UInt8.self))
        }
    }

    private func store<Value: BitwiseCopyable>(_ value: Value, _ index: Int) {
        bytes.storeBytes(of: value, toByteOffset: index * MemoryLayout<Value>.stride, as: Value.self)
    }

    private func load<Value: BitwiseCopyable>(_ index: Int, _ type: Value.Type) -> Value {
        bytes.load(fromByteOffset: index * MemoryLayout<Value>.stride, as: type)
    }

    /// The sum of four uniform numbers, scaled to variance 1.
    private static func normal(_ random: inout SeededRandom) -> Double {
        (random.uniform() + random.uniform() + random.uniform() + random.uniform() - 2) * 1.7320508075688772
    }
}

/// Named tensors in a safetensors file, used where they are mapped.
final class TensorFile {
    private let file: MappedFile
    let header: SafetensorsFile

    init(path: String) throws {
        file = try MappedFile(path: path)
        do {
            header = try file.withBytes { bytes throws(SafetensorsError) in try SafetensorsFile(bytes) }
        } catch {
            throw BadInput("'\(path)': \(error)")
        }
    }

    /// Type of a tensor, when this project computes with its element type.
    func type(_ tensor: SafetensorsFile.Tensor) throws -> TensorDescription {
        guard let element = tensor.type.elementType else {
            throw BadInput("tensor '\(tensor.name)' has element type \(tensor.type.rawValue), which is not supported")
        }
        return TensorDescription(element, tensor.shape)
    }

    /// Address of a tensor's bytes in the mapping; valid while this object lives.
    func address(_ tensor: SafetensorsFile.Tensor) -> UnsafeRawPointer {
        // Safety: a mapped file is not empty, and the header's ranges were checked against its length.
        file.withUnsafeBytes { $0.baseAddress! + tensor.range.lowerBound }
    }
}
