import DeviceAPI
import Glibc
import KernelWorker
import Safetensors

/// A candidate for a device: its loaded kernel's program, and the shared object that packs for it.
final class DeviceCandidate {
    private let program: any DeviceProgram
    private let path: String
    private var host: LoadedLibrary?

    /// Loads a file of images: the only one, or the one named `program`.
    init(path: String, _ device: any Device) throws(RequestError) {
        self.path = path
        guard let file = fopen(path, "rb") else { throw RequestError(.notLoaded, "\(path) cannot be opened") }
        defer { fclose(file) }
        fseek(file, 0, SEEK_END)
        var bytes = [UInt8](repeating: 0, count: max(0, ftell(file)))
        rewind(file)
        guard fread(&bytes, 1, bytes.count, file) == bytes.count else { throw RequestError(.notLoaded, path) }
        do {
            let images = try SafetensorsFile(bytes.span.bytes)
            guard let image = images["program"] ?? images.tensors.first else {
                throw RequestError(.notLoaded, "\(path) holds no image")
            }
            program = try device.loadProgram(bytes: Array(bytes[image.range]), name: image.name)
        } catch let error as RequestError {
            throw error
        } catch { throw RequestError(.notLoaded, "\(error)") }
    }

    /// A kernel of it.
    func kernel(_ name: String) throws(RequestError) -> KernelFunction {
        do throws(DeviceError) { return try program.kernel(named: name) } catch {
            throw RequestError(.missingSymbol, "\(error)")
        }
    }

    /// Packs constants on the host, from where they lie in `inputs`.
    func packed(
        _ packing: WorkerCall.Packing, _ call: WorkerCall, _ set: [Int], _ inputs: SharedMapping
    ) throws(RequestError) -> UnsafeMutableRawBufferPointer {
        let library: LoadedLibrary
        if let host { library = host } else { library = try LoadedLibrary(path: path + ".host.so") }
        host = library
        let result = UnsafeMutableRawBufferPointer.allocate(byteCount: max(packing.byteCount, 1), alignment: 64)
        result.initializeMemory(as: UInt8.self, repeating: 0xCD)
        guard let base = result.baseAddress else { throw RequestError(.noMemory, "\(packing.byteCount) bytes") }
        let code = try pack(library, packing, packing.operands({ inputs.base + set[$0] }, base), call)
        if code != 0 { throw RequestError(.packingFailed, "\(packing.symbol) returned \(code)") }
        return result
    }
}

extension WorkerCall {
    /// A launch over these operands, in the order of the arguments.
    func launch(_ kernel: KernelFunction, _ operands: [UnsafeMutableRawPointer]) throws(RequestError) -> Launch {
        guard let grid, let blocks = Int32(exactly: grid.blocks), let threads = Int32(exactly: grid.threads),
            let sharedBytes = Int32(exactly: grid.sharedBytes)
        else { throw RequestError(.badRequest, "a call without a grid") }
        return Launch(
            kernel: kernel, operands: operands.map { .fixed($0) }, dimensions: dimensions.map { Int64($0) },
            spread: .grid(
                .init(
                    blocks: [blocks, 1, 1], threads: threads, sharedBytes: sharedBytes,
                    overlapsPredecessor: grid.overlaps, call: grid.call)))
    }
}
