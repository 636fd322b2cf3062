/// A device: where buffers live, programs are loaded and graphs run.
///
/// The conformance suite is the definition; a device that passes it can serve every package made for it.
package protocol Device: AnyObject, Sendable {
    /// What it can do.
    var limits: DeviceLimits { get }

    /// What it says of itself now; nil where it says nothing.
    var telemetry: DeviceTelemetry? { get }

    /// Memory of at least `byteCount` bytes (0 is allowed), with unspecified contents.
    func allocate(_ byteCount: Int) throws(DeviceError) -> DeviceBuffer

    /// Host memory of at least `byteCount` bytes from and to which copies of the device's queues run at full speed and
    /// beside the host.
    func allocateHost(_ byteCount: Int) throws(DeviceError) -> DeviceBuffer

    /// Makes memory that the host has already what memory of `allocateHost` is, until the value ends. Until then it must stay mapped
    /// to the same pages. With `isReadOnly` only copies to the device may use it, and it may be mapped without the right to write.
    /// Throws `notImported` where the system refuses; such memory can be copied from and to all the same, at the pace of any other.
    func importHost(_ memory: UnsafeRawBufferPointer, isReadOnly: Bool) throws(DeviceError) -> DeviceBuffer

    /// Loads kernels from a file in the device's binary form (a shared object for a CPU).
    func loadProgram(path: String) throws(DeviceError) -> any DeviceProgram

    /// Loads kernels from bytes in the device's binary form; `name` is for messages.
    func loadProgram(bytes: [UInt8], name: String) throws(DeviceError) -> any DeviceProgram

    /// Where the table of functions of a library begins that kernels may call, or nil when it is not there.
    func library(named name: String) -> UnsafeMutableRawPointer?

    /// Libraries of the vendor that are here; finding out may take a moment.
    var libraries: [DeviceLimits.Library] { get }

    /// A program with a kernel that fills all shared memory of its block, as much as its launch asks for, with the low half of its one
    /// dimension: what a block finds there otherwise is what others left. Nil where blocks have none.
    var sharedMemoryFiller: (program: [UInt8], kernel: String)? { get }

    /// A new queue.
    func makeQueue() throws(DeviceError) -> any DeviceQueue

    /// A queue over a stream that someone else in the process made and keeps, as the device's interface hands it out; nil is
    /// its default stream.
    func makeQueue(on stream: UnsafeMutableRawPointer?) throws(DeviceError) -> any DeviceQueue

    /// What the calling thread has selected in the device's interface (a GPU's context) and calls of the device change: for
    /// callers who must leave threads of others as they found them. Nil where nothing is selected.
    func selection() -> UnsafeMutableRawPointer?

    /// Puts a selection back.
    func select(_ selection: UnsafeMutableRawPointer?)

    /// Captures launches. Each thread gets `workspaceBytes` of scratch memory of its own, aligned.
    func makeGraph(_ launches: [Launch], slotCount: Int, workspaceBytes: Int) throws(DeviceError) -> any DeviceGraph
}

extension Device {
    /// Memory of the device, for one that shares it with the host.
    package func allocateHost(_ byteCount: Int) throws(DeviceError) -> DeviceBuffer { try allocate(byteCount) }

    /// Imports nothing.
    package func importHost(_ memory: UnsafeRawBufferPointer, isReadOnly: Bool) throws(DeviceError) -> DeviceBuffer {
        throw .unsupported("memory that the host has already")
    }

    /// Nothing.
    package var telemetry: DeviceTelemetry? { nil }

    /// Those that its limits name.
    package var libraries: [DeviceLimits.Library] { limits.libraries }

    /// None.
    package var sharedMemoryFiller: (program: [UInt8], kernel: String)? { nil }

    /// No libraries.
    package func library(named name: String) -> UnsafeMutableRawPointer? { nil }

    /// No streams of others.
    package func makeQueue(on stream: UnsafeMutableRawPointer?) throws(DeviceError) -> any DeviceQueue {
        throw .unsupported("streams of its caller")
    }

    /// Nothing.
    package func selection() -> UnsafeMutableRawPointer? { nil }

    /// Does nothing.
    package func select(_ selection: UnsafeMutableRawPointer?) {}

    /// Captures launches that take no slots and no workspace.
    package func makeGraph(_ launches: [Launch]) throws(DeviceError) -> any DeviceGraph {
        try makeGraph(launches, slotCount: 0, workspaceBytes: 0)
    }
}

/// Work in order: each operation sees the effects of those before it. Operations may return before they are done;
/// `synchronize` waits. Memory passed in must stay valid until then.
package protocol DeviceQueue: AnyObject {
    /// Copies host bytes into a buffer at an offset.
    func copy(_ source: UnsafeRawBufferPointer, to buffer: borrowing DeviceBuffer, at offset: Int) throws(DeviceError)

    /// Copies from a buffer at an offset into host bytes.
    func copy(_ buffer: borrowing DeviceBuffer, at offset: Int, to destination: UnsafeMutableRawBufferPointer)
        throws(DeviceError)

    /// Copies between two places in the device's memory that do not overlap.
    func copy(from source: UnsafeRawPointer, to destination: UnsafeMutableRawPointer, _ byteCount: Int)
        throws(DeviceError)

    /// Sets every byte of a buffer.
    func fill(_ buffer: borrowing DeviceBuffer, with byte: UInt8) throws(DeviceError)

    /// Runs a captured graph. What a kernel reports by a code surfaces when the queue is waited for.
    func run(_ graph: any DeviceGraph, _ slots: UnsafeBufferPointer<UnsafeMutableRawPointer>) throws(DeviceError)

    /// Marks this point of the queue.
    func record() throws(DeviceError) -> any DeviceEvent

    /// Waits until everything before is done; errors of earlier operations may surface here.
    func synchronize() throws(DeviceError)
}

/// A point in a queue's work with the time at which it is reached.
package protocol DeviceEvent: AnyObject, Sendable {
    /// Nanoseconds on the device's clock from `earlier`, an event of the same device, to this point; waits until both are reached.
    func since(_ earlier: any DeviceEvent) throws(DeviceError) -> UInt64
}
