import DeviceAPI
import MappedFiles
import ModelPackage
import Safetensors

/// The weights of a package: mapped, and where the device cannot read the host's memory, copied to it once.
final class Weights: Sendable {
    private let file: MappedFile
    private let header: SafetensorsFile
    private let onDevice: SharedBuffer?
    // Safety: points to memory that `file` or `onDevice` owns as long as this object lives; kernels only read it.
    private nonisolated(unsafe) let base: UnsafeMutableRawPointer

    init(_ directory: PackageDirectory, _ name: String, _ device: any Device, verified: Bool) throws(RuntimeError) {
        do { file = try directory.map(name, verified: verified) } catch { throw .package(error) }
        do {
            header = try file.withBytes { bytes throws(SafetensorsError) in try SafetensorsFile(bytes) }
        } catch {
            throw .weights(file: name, error)
        }
        let host = file.withUnsafeBytes { $0 }
        if device.limits.readsHostMemory {
            // Safety: a mapped file is not empty.
            base = UnsafeMutableRawPointer(mutating: host.baseAddress!)
            onDevice = nil
        } else {
            do {
                let target = SharedBuffer(try device.allocate(host.count))
                try Upload.copy(host, to: target, device)
                base = target.buffer.address
                onDevice = target
            } catch DeviceError.outOfMemory(let byteCount, let free) {
                let error = DeviceError.outOfMemory(byteCount: byteCount, free: free)
                throw .outOfMemory(error, needs: "\(host.count) bytes for its weights alone")
            } catch {
                throw .device(error)
            }
        }
    }

    /// Where a weight lies on the device. Throws unless it has at least `needed` bytes.
    func address(_ name: String, needed: Int) throws(RuntimeError) -> UnsafeMutableRawPointer {
        base + (try range(name, needed)).lowerBound
    }

    /// The first `needed` bytes of a weight in host memory, valid during `body`.
    func withBytes(
        _ name: String, needed: Int, _ body: (UnsafeRawBufferPointer) throws(RuntimeError) -> Void
    ) throws(RuntimeError) {
        let range = try range(name, needed)
        try file.withUnsafeBytes { bytes throws(RuntimeError) in
            try body(UnsafeRawBufferPointer(rebasing: bytes[range].prefix(needed)))
        }
    }

    private func range(_ name: String, _ needed: Int) throws(RuntimeError) -> Range<Int> {
        guard let range = header[name]?.range, range.count >= needed else {
            throw .badWeight(name: name, needed: needed, found: header[name]?.range.count)
        }
        return range
    }
}
