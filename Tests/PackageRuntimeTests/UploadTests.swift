import CPUDevice
import DeviceAPI
import Testing

@testable import PackageRuntime

/// Large weights on their way to a device with memory of its own; the processor stands for one.
@Suite struct UploadTests {
    @Test(arguments: [0, 1, 100, (64 << 20) - 1, 64 << 20, (64 << 20) + 12345, 70 << 20], [1, 2, 5])
    func everyByteArrives(_ count: Int, _ threads: Int) throws {
        let device = try CPUDevice(threads: 1)
        let source = UnsafeMutableRawBufferPointer.allocate(byteCount: max(count, 8), alignment: 8)
        defer { source.deallocate() }
        for index in 0..<source.count / 8 {
            source.storeBytes(of: UInt64(index) &* 0x9E37_79B9_7F4A_7C15, toByteOffset: 8 * index, as: UInt64.self)
        }
        let target = SharedBuffer(try device.allocate(count + 8))
        let end = target.buffer.address + count
        end.storeBytes(of: 77, as: UInt8.self)
        let bytes = UnsafeRawBufferPointer(rebasing: source[..<count])
        try Upload.copy(bytes, to: target, device, threads: threads)
        let arrived = UnsafeRawBufferPointer(start: target.buffer.address, count: count)
        #expect(arrived.elementsEqual(bytes))
        #expect(end.load(as: UInt8.self) == 77, "nothing behind the end is touched")
    }

    @Test func whatGoesWrongIsThrown() throws {
        let device = try CPUDevice(threads: 1)
        let source = UnsafeMutableRawBufferPointer.allocate(byteCount: 65 << 20, alignment: 8)
        defer { source.deallocate() }
        let target = SharedBuffer(try device.allocate(1 << 20))
        #expect(throws: DeviceError.self) {
            try Upload.copy(UnsafeRawBufferPointer(source), to: target, device, threads: 3)
        }
    }
}
