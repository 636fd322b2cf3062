import CHearth
import DeviceAPI
import PackageRuntime

// The functions of hearth.h, which documents them. Each takes handles apart, calls one method and reports what it throws.

/// The version of the interface.
@c @implementation
public func hearth_abi_version() -> UInt32 { HEARTH_ABI_VERSION }

/// Opens a package.
@c @implementation
public func hearth_open(
    _ path: UnsafePointer<CChar>!, _ device: UnsafePointer<CChar>!, _ threads: Int32, _ flags: UInt32,
    _ package: UnsafeMutablePointer<OpaquePointer?>!
) -> Int32 {
    reporting { () throws(InterfaceError) in
        guard let package else { throw .missing("package") }
        package.pointee = nil
        guard let path else { throw .missing("path") }
        guard threads >= 0 else { throw .badNumber("threads should be 0 or more, not \(threads)") }
        package.pointee = handle(
            try PackageHandle(
                path: String(cString: path), device: device.map { String(cString: $0) },
                threads: threads == 0 ? nil : Int(threads), verified: flags & UInt32(HEARTH_UNVERIFIED) == 0))
    }
}

/// Gives up a package.
@c @implementation
public func hearth_close(_ package: OpaquePointer!) {
    release(package, as: PackageHandle.self) { $0.package.device }
}

/// What a package is.
@c @implementation
public func hearth_describe(_ package: OpaquePointer!, _ description: UnsafeMutablePointer<HearthDescription>!) -> Int32
{
    fill(package, description) { package throws(InterfaceError) in package.description }
}

/// An input.
@c @implementation
public func hearth_input(_ package: OpaquePointer!, _ index: Int32, _ port: UnsafeMutablePointer<HearthPort>!) -> Int32
{
    fill(package, port) { package throws(InterfaceError) in try element(package.inputs, index, "inputs") }
}

/// An output.
@c @implementation
public func hearth_output(_ package: OpaquePointer!, _ index: Int32, _ port: UnsafeMutablePointer<HearthPort>!) -> Int32
{
    fill(package, port) { package throws(InterfaceError) in try element(package.outputs, index, "outputs") }
}

/// A symbolic dimension.
@c @implementation
public func hearth_symbol(
    _ package: OpaquePointer!, _ index: Int32, _ symbol: UnsafeMutablePointer<HearthSymbol>!
) -> Int32 {
    fill(package, symbol) { package throws(InterfaceError) in try element(package.symbols, index, "symbols") }
}

/// What the device says of itself.
@c @implementation
public func hearth_telemetry(
    _ package: OpaquePointer!, _ telemetry: UnsafeMutablePointer<HearthTelemetry>!
) -> Int32 {
    fill(package, telemetry) { package throws(InterfaceError) in
        let device = package.package.device
        let selection = device.selection()
        defer { device.select(selection) }
        let found = device.telemetry
        return HearthTelemetry(
            watts: found?.watts ?? -1, joules: found?.joules ?? -1,
            temperature: (found?.temperature).map(Double.init) ?? -1, free_bytes: Int64(found?.freeBytes ?? -1),
            clock_mhz: Int64(found?.clock ?? -1), memory_clock_mhz: Int64(found?.memoryClock ?? -1))
    }
}

/// Makes a session.
@c @implementation
public func hearth_session_open(_ package: OpaquePointer!, _ session: UnsafeMutablePointer<OpaquePointer?>!) -> Int32 {
    reporting { () throws(InterfaceError) in
        guard let session else { throw .missing("session") }
        session.pointee = nil
        session.pointee = handle(try SessionHandle(try object(package, as: PackageHandle.self, "package")))
    }
}

/// Gives up a session.
@c @implementation
public func hearth_session_close(_ session: OpaquePointer!) {
    release(session, as: SessionHandle.self) { $0.package.package.device }
}

/// Binds inputs.
@c @implementation
public func hearth_session_bind(
    _ session: OpaquePointer!, _ inputs: UnsafePointer<HearthTensor>!, _ count: Int32,
    _ outputs: UnsafeMutablePointer<HearthTensor>!
) -> Int32 {
    using(session) { session throws(InterfaceError) in try session.bind(inputs, count, outputs) }
}

/// Runs.
@c @implementation
public func hearth_session_run(
    _ session: OpaquePointer!, _ inputs: UnsafePointer<UnsafeRawPointer?>!,
    _ outputs: UnsafePointer<UnsafeMutableRawPointer?>!, _ flags: UInt32, _ stream: UnsafeMutableRawPointer!
) -> Int32 {
    using(session) { session throws(InterfaceError) in
        try session.run(inputs, outputs, flags: flags, stream: stream)
    }
}

/// Memory for results.
@c @implementation
public func hearth_session_results(
    _ session: OpaquePointer!, _ flags: UInt32, _ addresses: UnsafeMutablePointer<UnsafeMutableRawPointer?>!
) -> Int32 {
    using(session) { session throws(InterfaceError) in try session.results(flags, addresses) }
}

/// Lends host memory.
@c @implementation
public func hearth_session_import(
    _ session: OpaquePointer!, _ memory: UnsafeMutableRawPointer!, _ count: Int, _ flags: UInt32,
    _ imported: UnsafeMutablePointer<Int32>!
) -> Int32 {
    using(session) { session throws(InterfaceError) in
        guard let memory else { throw .missing("memory") }
        guard let imported else { throw .missing("imported") }
        let isTaken = try session.importHost(
            UnsafeRawBufferPointer(start: memory, count: count), isReadOnly: flags & UInt32(HEARTH_READ_ONLY) != 0)
        imported.pointee = isTaken ? 1 : 0
    }
}

/// Takes lent memory back.
@c @implementation
public func hearth_session_end_import(_ session: OpaquePointer!, _ memory: UnsafeMutableRawPointer!) -> Int32 {
    using(session) { session throws(InterfaceError) in
        guard let memory else { throw .missing("memory") }
        try session.endImport(memory)
    }
}

/// How inputs and results travelled.
@c @implementation
public func hearth_session_traffic(
    _ session: OpaquePointer!, _ direct: UnsafeMutablePointer<UInt64>!, _ staged: UnsafeMutablePointer<UInt64>!
) -> Int32 {
    using(session) { session throws(InterfaceError) in
        guard let direct, let staged else { throw .missing("a number to fill") }
        let traffic = try session.traffic()
        (direct.pointee, staged.pointee) = (UInt64(traffic.directBytes), UInt64(traffic.stagedBytes))
    }
}

/// Waits.
@c @implementation
public func hearth_session_wait(_ session: OpaquePointer!) -> Int32 {
    using(session) { session throws(InterfaceError) in try session.wait() }
}

/// Resets the state.
@c @implementation
public func hearth_session_reset(_ session: OpaquePointer!) -> Int32 {
    using(session) { session throws(InterfaceError) in try session.reset() }
}

/// Sets the seed of random numbers.
@c @implementation
public func hearth_session_seed(_ session: OpaquePointer!, _ seed: Int64) -> Int32 {
    using(session) { session throws(InterfaceError) in try session.seed(seed) }
}

/// Reads a state.
@c @implementation
public func hearth_session_state(
    _ session: OpaquePointer!, _ name: UnsafePointer<CChar>!, _ bytes: UnsafeMutableRawPointer!, _ count: Int
) -> Int32 {
    using(session) { session throws(InterfaceError) in
        guard let name else { throw .missing("name") }
        guard bytes != nil || count == 0 else { throw .missing("bytes") }
        try session.copyState(String(cString: name), to: UnsafeMutableRawBufferPointer(start: bytes, count: count))
    }
}

/// Times the device.
@c @implementation
public func hearth_session_time(
    _ session: OpaquePointer!, _ inputs: UnsafePointer<UnsafeRawPointer?>!,
    _ outputs: UnsafePointer<UnsafeMutableRawPointer?>!, _ flags: UInt32, _ samples: Int32, _ inner: Int32,
    _ nanoseconds: UnsafeMutablePointer<UInt64>!
) -> Int32 {
    using(session) { session throws(InterfaceError) in
        try session.time(inputs, outputs, flags: flags, samples: samples, inner: inner, nanoseconds)
    }
}

// MARK: - What they share

/// Gives up what a handle owns, and leaves the thread's selection as it is; nothing for NULL.
private func release<Object: AnyObject>(
    _ handle: OpaquePointer?, as type: Object.Type, _ device: (Object) -> any Device
) {
    guard let handle else { return }
    let owner = Unmanaged<Object>.fromOpaque(UnsafeRawPointer(handle))
    let device = device(owner.takeUnretainedValue())
    let selection = device.selection()
    owner.release()
    device.select(selection)
}

private func using(
    _ session: OpaquePointer?, _ body: (SessionHandle) throws(InterfaceError) -> Void
) -> Int32 {
    reporting { () throws(InterfaceError) in try body(try object(session, as: SessionHandle.self, "session")) }
}

private func fill<Value>(
    _ package: OpaquePointer?, _ target: UnsafeMutablePointer<Value>?,
    _ body: (PackageHandle) throws(InterfaceError) -> Value
) -> Int32 {
    reporting { () throws(InterfaceError) in
        let package = try object(package, as: PackageHandle.self, "package")
        guard let target else { throw .missing("the struct to fill") }
        target.pointee = try body(package)
    }
}

private func element<Element>(_ list: [Element], _ index: Int32, _ what: String) throws(InterfaceError) -> Element {
    guard list.indices.contains(Int(index)) else {
        throw .badNumber("there is no number \(index) among the package's \(list.count) \(what)")
    }
    return list[Int(index)]
}
