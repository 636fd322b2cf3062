import COpenCL
import DeviceAPI
import ElementTypes
import Glibc

/// A device with an OpenCL driver. Programs are OpenCL C text; memory is shared virtual memory (coarse-grained), so that
/// buffers have addresses.
package final class OpenCLDevice: Device {
    /// What the device can do.
    package let limits: DeviceLimits
    let library: OpenCLLibrary
    // Safety: opaque handles that OpenCL lets every thread use.
    nonisolated(unsafe) let context: HearthCLContext
    nonisolated(unsafe) let device: HearthCLDevice
    private let memory: OpenCLMemory

    /// Number of OpenCL devices.
    package static func count() throws(DeviceError) -> Int { try OpenCLLibrary.shared.get().devices().count }

    /// The device of a number, 0 first.
    package init(ordinal: Int = 0) throws(DeviceError) {
        let library = try OpenCLLibrary.shared.get()
        let devices = try library.devices()
        guard devices.indices.contains(ordinal) else {
            throw .unavailable(device: "opencl:\(ordinal)", reason: "this machine has \(devices.count) OpenCL devices")
        }
        let device = devices[ordinal]
        var code: HearthCLCode = 0
        var only: HearthCLDevice? = device
        guard let context = library.call.clCreateContext(nil, 1, &only, nil, nil, &code) else {
            throw .failed(operation: "opening opencl:\(ordinal)", reason: "OpenCL error \(code)")
        }
        self.library = library
        self.device = device
        self.context = context
        let limits = Self.limits(library, device, ordinal)
        self.limits = limits
        memory = OpenCLMemory(library, context)
        var sharing: UInt64 = 0
        _ = library.call.clGetDeviceInfo(device, UInt32(HEARTH_CL_SVM), 8, &sharing, nil)
        guard sharing & 1 != 0 else {
            throw .unavailable(device: limits.name, reason: "it has no shared virtual memory")
        }
        var doubles: UInt32 = 0
        _ = library.call.clGetDeviceInfo(device, UInt32(HEARTH_CL_DOUBLE), 8, &doubles, nil)
        guard doubles != 0 else { throw .unavailable(device: limits.name, reason: "it has no 64-bit reals") }
    }

    deinit { _ = library.call.clReleaseContext(context) }

    /// Shared virtual memory.
    package func allocate(_ byteCount: Int) throws(DeviceError) -> DeviceBuffer {
        // Some drivers round sizes up without looking at the result.
        guard byteCount >= 0, byteCount <= limits.memoryBytes,
            let address = library.call.clSVMAlloc(context, 1, max(byteCount, 1), 128)
        else {
            throw .outOfMemory(byteCount: byteCount)
        }
        return DeviceBuffer(address: address, byteCount: byteCount, memory: memory)
    }

    /// Memory of the heap.
    package func allocateHost(_ byteCount: Int) throws(DeviceError) -> DeviceBuffer {
        var address: UnsafeMutableRawPointer?
        guard byteCount >= 0, posix_memalign(&address, 128, max(byteCount, 1)) == 0, let address else {
            throw .outOfMemory(byteCount: byteCount)
        }
        return DeviceBuffer(address: address, byteCount: byteCount, memory: HeapMemory.shared)
    }

    /// Builds OpenCL C text from a file.
    package func loadProgram(path: String) throws(DeviceError) -> any DeviceProgram {
        throw .unsupported("programs in files; give their text")
    }

    /// Builds OpenCL C text.
    package func loadProgram(bytes: [UInt8], name: String) throws(DeviceError) -> any DeviceProgram {
        try OpenCLProgram(self, text: bytes, name: name)
    }

    /// A queue in order.
    package func makeQueue() throws(DeviceError) -> any DeviceQueue { try OpenCLQueue(self) }

    /// Launches, one after the other; all of them must be grids.
    package func makeGraph(
        _ launches: [Launch], slotCount: Int, workspaceBytes: Int
    ) throws(DeviceError) -> any DeviceGraph {
        guard workspaceBytes == 0 else { throw .unsupported("a workspace for each thread") }
        return try OpenCLGraph(self, launches, slotCount: slotCount)
    }

    private static func limits(_ library: OpenCLLibrary, _ device: HearthCLDevice, _ ordinal: Int) -> DeviceLimits {
        func number(_ what: Int) -> Int {
            var value: UInt64 = 0
            _ = library.call.clGetDeviceInfo(device, UInt32(what), 8, &value, nil)
            return Int(value)
        }
        func text(_ what: Int) -> String {
            var bytes = [UInt8](repeating: 0, count: 256)
            _ = library.call.clGetDeviceInfo(device, UInt32(what), bytes.count, &bytes, nil)
            return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        let units = number(HEARTH_CL_COMPUTE_UNITS)
        var limits = DeviceLimits(
            name: ordinal == 0 ? "opencl" : "opencl:\(ordinal)", kind: .openCL, vendor: text(HEARTH_CL_VENDOR),
            model: text(HEARTH_CL_NAME), features: [], cores: units, threads: units,
            blocks: .init(
                architecture: "opencl", warp: 32, threads: number(HEARTH_CL_MAX_WORK_GROUP),
                sharedBytes: number(HEARTH_CL_LOCAL_MEMORY)),
            caches: .init(l1Data: 0, l2: number(HEARTH_CL_GLOBAL_CACHE), l3: 0, l3SharedBy: 0),
            memoryBytes: number(HEARTH_CL_GLOBAL_MEMORY), vectorBytes: 16,
            elementTypes: ElementType.allCases, dialects: [.openCLC],
            readsHostMemory: false, capturesGraphs: false, alignment: 128)
        limits.sharesHostCores = number(HEARTH_CL_DEVICE_TYPE) & Int(HEARTH_CL_DEVICE_TYPE_CPU) != 0
        return limits
    }
}

/// The heap.
private final class HeapMemory: DeviceMemory {
    static let shared = HeapMemory()
    func release(_ address: UnsafeMutableRawPointer, byteCount: Int) { free(address) }
}

/// Shared virtual memory of a context.
final class OpenCLMemory: DeviceMemory {
    private let library: OpenCLLibrary
    // Safety: an opaque handle.
    nonisolated(unsafe) private let context: HearthCLContext

    init(_ library: OpenCLLibrary, _ context: HearthCLContext) {
        self.library = library
        self.context = context
    }

    func release(_ address: UnsafeMutableRawPointer, byteCount: Int) { library.call.clSVMFree(context, address) }
}
