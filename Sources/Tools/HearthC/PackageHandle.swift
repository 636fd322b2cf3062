import Base
import CHearth
import DeviceAPI
import DeviceCatalogue
import ElementTypes
import ModelPackage
import PackageRuntime
import Synchronization

/// What a `HearthPackage` points to: a loaded package, and texts and numbers about it in memory that C can read.
final class PackageHandle: Sendable {
    let package: LoadedPackage
    // Safety: written once, in `init`, and read by callers as long as this object lives.
    nonisolated(unsafe) let inputs: [HearthPort]
    nonisolated(unsafe) let outputs: [HearthPort]
    nonisolated(unsafe) let symbols: [HearthSymbol]
    nonisolated(unsafe) let description: HearthDescription
    private let memory: CMemory

    /// Opens a package; `device` nil is what it was made for.
    init(path: String, device name: String?, threads: Int?, verified: Bool) throws(InterfaceError) {
        let device: any Device
        if let name {
            device = try SharedDevices.open(name, threads: threads)
        } else {
            let plans: [Manifest.PlanEntry]
            do { plans = try PackageDirectory(path: path).manifest.plans } catch { throw .runtime(.package(error)) }
            device = try SharedDevices.open(plans.first?.device ?? "cpu", threads: threads)
        }
        let selection = device.selection()
        defer { device.select(selection) }
        do { package = try LoadedPackage(path: path, device: device, verified: verified) } catch {
            throw .runtime(error)
        }
        let memory = CMemory()
        let interface = package.interface
        var values: [Int: Int] = [:]
        for (index, binding) in interface.symbols.enumerated() {
            if case .value(let input) = binding.source { values[input] = index }
        }
        inputs = interface.inputs.enumerated().map { Self.port($1, symbol: values[$0], memory) }
        outputs = interface.outputs.map { Self.port($0, symbol: nil, memory) }
        symbols = interface.symbols.map { binding in
            HearthSymbol(
                name: memory.text(binding.symbol.name), minimum: Int64(binding.symbol.minimum),
                maximum: Int64(binding.symbol.maximum ?? -1), typical: Int64(binding.symbol.hint))
        }
        let limits = device.limits
        let states = package.plan.buffers.rows.compactMap {
            if case .state(let name, _) = $0.placement { name } else { nil }
        }
        description = HearthDescription(
            name: memory.text(package.directory.manifest.name), device: memory.text(limits.name),
            device_model: memory.text(limits.model), in_host_memory: limits.readsHostMemory ? 1 : 0,
            is_tuned: package.isTunedForThisMachine ? 1 : 0, inputs: Int32(inputs.count),
            outputs: Int32(outputs.count), symbols: Int32(symbols.count), has_state: states.isEmpty ? 0 : 1,
            draws: states.contains(RandomState.name) ? 1 : 0)
        self.memory = memory
    }

    private static func port(_ port: ModelInterface.Port, symbol: Int?, _ memory: CMemory) -> HearthPort {
        let shape = port.type.shape
        return HearthPort(
            name: memory.text(port.name), type: port.type.element.code, rank: Int32(shape.count),
            extents: memory.array(shape.map { Int64($0.constantValue ?? -1) }),
            expressions: memory.array(shape.map { Optional(memory.text("\($0)")) }),
            value_symbol: Int32(symbol ?? -1))
    }
}

/// Devices that packages of this process share, by name and number of threads, as long as one of them uses them.
private enum SharedDevices {
    private struct Entry {
        weak var device: (any Device)?
    }

    private static let devices = Mutex<[String: Entry]>([:])

    static func open(_ name: String, threads: Int?) throws(InterfaceError) -> any Device {
        let name = name.hasSuffix(":0") ? String(name.dropLast(2)) : name
        return try devices.withLock { devices throws(InterfaceError) in
            let key = "\(name);\(threads ?? 0)"
            if let device = devices[key]?.device { return device }
            let device: any Device
            do throws(DeviceError) { device = try DeviceCatalogue.open(name, threads: threads) } catch {
                throw .device(error)
            }
            devices[key] = Entry(device: device)
            return device
        }
    }
}

/// Memory that C reads: given back when this object ends.
private final class CMemory: @unchecked Sendable {
    // Safety: filled by one initialiser before anything else sees the object.
    private var blocks: [UnsafeMutableRawPointer] = []

    func array<Element: BitwiseCopyable>(_ elements: [Element]) -> UnsafePointer<Element> {
        let block = UnsafeMutablePointer<Element>.allocate(capacity: max(elements.count, 1))
        block.initialize(from: elements, count: elements.count)
        blocks.append(UnsafeMutableRawPointer(block))
        return UnsafePointer(block)
    }

    func text(_ text: String) -> UnsafePointer<CChar> { array(Array(text.utf8CString)) }

    deinit { for block in blocks { block.deallocate() } }
}

extension ElementType {
    /// The number of the C interface.
    var code: Int32 {
        switch self {
        case .f64: Int32(HEARTH_F64)
        case .f32: Int32(HEARTH_F32)
        case .f16: Int32(HEARTH_F16)
        case .bf16: Int32(HEARTH_BF16)
        case .i64: Int32(HEARTH_I64)
        case .i32: Int32(HEARTH_I32)
        case .i16: Int32(HEARTH_I16)
        case .i8: Int32(HEARTH_I8)
        case .u8: Int32(HEARTH_U8)
        case .bool: Int32(HEARTH_BOOL)
        case .f8e4m3: Int32(HEARTH_F8E4M3)
        case .f8e5m2: Int32(HEARTH_F8E5M2)
        }
    }

    /// The type of a number of the C interface.
    init?(code: Int32) {
        guard let found = Self.allCases.first(where: { $0.code == code }) else { return nil }
        self = found
    }
}
