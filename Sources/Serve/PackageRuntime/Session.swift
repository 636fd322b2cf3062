import Base
import DeviceAPI
import ElementTypes
import ModelPackage

/// One user of a loaded package: an arena, the model's state, and a captured list of launches. Several sessions may run
/// from several threads; one session belongs to one thread at a time.
///
/// Inputs and outputs are used where they are, where the device shares the host's memory; elsewhere they travel through
/// pinned memory, unless the caller has them on the device. Memory is laid out for the extents of the inputs when they are bound, and
/// again when they change; the arena only grows. A run with bound extents allocates nothing.
package final class Session {
    /// What the session runs.
    package let package: LoadedPackage
    /// Types of the bound inputs.
    package private(set) var inputs: [TensorDescription] = []
    /// Types of the outputs for the bound inputs.
    package private(set) var outputs: [TensorDescription] = []
    /// Size of the arena in bytes.
    package private(set) var arenaBytes = 0

    private var symbols: [Int]?
    private var graph: LaunchSegments?
    private var arena: DeviceBuffer?
    /// Where the arena starts; somewhere harmless while there is none.
    private var arenaBase: UnsafeMutableRawPointer
    private let states: DeviceBuffer
    private let stateOffsets: [Int]
    private let queue: any DeviceQueue
    /// The stream of a caller in which runs were started last.
    private var foreign: (stream: UnsafeMutableRawPointer?, queue: any DeviceQueue)?
    /// Addresses of inputs, then outputs.
    private let slots: UnsafeMutableBufferPointer<UnsafeMutableRawPointer>
    private var copies: [BoundCopy] = []
    /// Inputs and outputs on a device that does not share the host's memory.
    private var staging: Staging?
    private var imports = HostImports()
    /// Inputs whose value is a symbol.
    private let valueInputs: [Int]

    private struct BoundCopy {
        var source: DeviceAPI.Launch.Operand
        var output: Int
        var byteCount: Int
    }

    /// A session with its own state, at its initial values.
    package init(_ package: LoadedPackage) throws(RuntimeError) {
        self.package = package
        var offsets: [Int] = []
        var byteCount = 0
        for buffer in package.plan.buffers.rows {
            offsets.append(byteCount)
            if case .state = buffer.placement { byteCount += ((buffer.byteCount.constantValue ?? 0) + 63) / 64 * 64 }
        }
        stateOffsets = offsets
        do {
            states = try package.device.allocate(byteCount)
            queue = try package.device.makeQueue()
        } catch {
            throw .device(error)
        }
        arenaBase = states.address
        let interface = package.interface
        slots = .allocate(capacity: interface.inputs.count + interface.outputs.count)
        slots.initialize(repeating: states.address)
        valueInputs = interface.symbols.compactMap { if case .value(let input) = $0.source { input } else { nil } }
        try reset()
        // Without symbols there is nothing to wait for.
        if interface.symbols.isEmpty {
            try bind(interface.inputs.map { TensorDescription($0.type.element, $0.type.shape.map { $0.constant }) })
        }
    }

    deinit { slots.deallocate() }

    /// Puts the model's state back to its initial values.
    package func reset() throws(RuntimeError) {
        do { try queue.fill(states, with: 0) } catch { throw .device(error) }
        for (index, buffer) in package.plan.buffers.rows.enumerated() {
            guard case .state(_, let initial?) = buffer.placement, let size = buffer.byteCount.constantValue else {
                continue
            }
            try package.withWeight(initial, needed: size) { bytes throws(RuntimeError) in
                do throws(DeviceError) {
                    try queue.copy(bytes, to: states, at: stateOffsets[index])
                } catch {
                    throw .device(error)
                }
            }
        }
        do { try queue.synchronize() } catch { throw .device(error) }
    }

    /// Lends host memory to the session until `endImport` or the session's end: large inputs and outputs in it travel between it and
    /// the device without a copy in between. It must stay mapped to the same pages, so freeing it comes after. False where the device
    /// has no use for it or refuses it; runs then copy as they do from any memory, and `hostTraffic` says why.
    package func importHost(_ memory: UnsafeRawBufferPointer, isReadOnly: Bool = false) -> Bool {
        imports.add(memory, isReadOnly: isReadOnly, package.device)
    }

    /// Gives lent memory back, which begins at this address; does nothing where it was refused.
    package func endImport(_ address: UnsafeRawPointer) { imports.end(address) }

    /// Inputs and outputs of fewer bytes are copied together, also where their memory is lent.
    package var leastDirectBytes: Int {
        get { imports.threshold }
        set { imports.threshold = newValue }
    }

    /// Inputs and outputs of so many bytes are imported for the time of a run, where nobody has lent their memory.
    package var leastBriefBytes: Int {
        get { imports.briefThreshold }
        set { imports.briefThreshold = newValue }
    }

    /// How inputs and outputs in host memory travelled so far; all zero on a device that works in the host's.
    package var hostTraffic: HostTraffic { imports.traffic }

    /// Copies what the state of that name holds, in row-major order; false where the plan has no such state. Throws when the
    /// memory has another size.
    package func copyState(_ name: String, to bytes: UnsafeMutableRawBufferPointer) throws(RuntimeError) -> Bool {
        for (index, buffer) in package.plan.buffers.rows.enumerated() {
            guard case .state(name, _) = buffer.placement else { continue }
            guard buffer.byteCount.constantValue == bytes.count else {
                throw .badMemory(name: name, reason: "has \(bytes.count) bytes, not \(buffer.byteCount)")
            }
            do {
                try queue.copy(states, at: stateOffsets[index], to: bytes)
                try queue.synchronize()
            } catch { throw .device(error) }
            return true
        }
        return false
    }

    /// Lets the runs that follow draw the numbers of a seed, from the first run's on. False where the model draws none.
    package func seed(_ seed: Int64) throws(RuntimeError) -> Bool {
        let state = package.plan.buffers.rows.firstIndex {
            if case .state(RandomState.name, _) = $0.placement { true } else { false }
        }
        guard let state else { return false }
        let elements = RandomState.elements(seed: seed)
        do throws(DeviceError) {
            try elements.withUnsafeBufferPointer { elements throws(DeviceError) in
                try queue.copy(UnsafeRawBufferPointer(elements), to: states, at: stateOffsets[state])
                try queue.synchronize()
            }
        } catch {
            throw .device(error)
        }
        return true
    }

    /// Prepares for inputs of these types. Does nothing when they are bound already. For models with inputs whose value
    /// is a dimension, `values` holds those inputs' values by index.
    package func bind(_ inputs: [TensorDescription], values: [Int: Int] = [:]) throws(RuntimeError) {
        if symbols != nil, inputs == self.inputs, values.isEmpty { return }
        let symbols = try package.interface.bind(inputs) { values[$0] ?? 0 }
        if symbols != self.symbols { try layOut(symbols) }
        self.inputs = inputs
    }

    /// Runs on memory of the caller: one address per input and output, in order, of the bound types, contiguous and
    /// row-major, aligned to the element type. Outputs must overlap nothing.
    package func run(
        inputs: UnsafeBufferPointer<UnsafeRawPointer>, outputs: UnsafeBufferPointer<UnsafeMutableRawPointer>
    ) throws(RuntimeError) {
        let graph = try prepare(inputs, outputs)
        do {
            guard let staging else {
                try graph.run(UnsafeBufferPointer(slots))
                return try finish(slots, on: queue)
            }
            defer { endHostRun() }
            try staging.send(inputs, queue, &imports)
            try graph.start(UnsafeBufferPointer(staging.slots), on: queue)
            try finish(staging.slots, on: queue)
            try staging.fetch(outputs, queue, &imports)
            try queue.synchronize()
            staging.deliver(outputs)
        } catch { throw failure(error) }
    }

    /// As `run`, on memory of the device: one address for each input and output. Shapes must be bound, and for models with
    /// inputs whose value is a dimension, those values.
    package func runOnDevice(
        inputs: UnsafeBufferPointer<UnsafeMutableRawPointer>, outputs: UnsafeBufferPointer<UnsafeMutableRawPointer>
    ) throws(RuntimeError) {
        try start(inputs: inputs, outputs: outputs, on: queue)
        do { try queue.synchronize() } catch { throw failure(error) }
    }

    /// As `runOnDevice`, in the order of a stream of the caller: after what is there, before what comes. Returns at once, but for models
    /// with loops whose end hangs on values, which are waited for; `wait` surfaces what went wrong.
    package func start(
        inputs: UnsafeBufferPointer<UnsafeMutableRawPointer>, outputs: UnsafeBufferPointer<UnsafeMutableRawPointer>,
        stream: UnsafeMutableRawPointer?
    ) throws(RuntimeError) {
        let queue: any DeviceQueue
        if let foreign, foreign.stream == stream {
            queue = foreign.queue
        } else {
            try wait()
            do { queue = try package.device.makeQueue(on: stream) } catch { throw .device(error) }
            foreign = (stream, queue)
        }
        try start(inputs: inputs, outputs: outputs, on: queue)
    }

    /// Waits for the runs that were started in a stream of the caller.
    package func wait() throws(RuntimeError) {
        guard let foreign else { return }
        do { try foreign.queue.synchronize() } catch { throw failure(error) }
    }

    private func start(
        inputs: UnsafeBufferPointer<UnsafeMutableRawPointer>, outputs: UnsafeBufferPointer<UnsafeMutableRawPointer>,
        on queue: any DeviceQueue
    ) throws(RuntimeError) {
        let graph = try graph(inputs, outputs)
        do {
            try graph.start(UnsafeBufferPointer(slots), on: queue)
            try finish(slots, on: queue)
        } catch { throw failure(error) }
    }

    /// As `time`, on memory of the device.
    package func timeOnDevice(
        inputs: UnsafeBufferPointer<UnsafeMutableRawPointer>, outputs: UnsafeBufferPointer<UnsafeMutableRawPointer>,
        samples: Int, inner: Int
    ) throws(RuntimeError) -> [UInt64] {
        let graph = try graph(inputs, outputs)
        do {
            return try graph.time(UnsafeBufferPointer(slots), samples: samples, inner: inner)
        } catch { throw failure(error) }
    }

    /// The bound graph, with these addresses in the slots.
    private func graph(
        _ inputs: UnsafeBufferPointer<UnsafeMutableRawPointer>, _ outputs: UnsafeBufferPointer<UnsafeMutableRawPointer>
    ) throws(RuntimeError) -> LaunchSegments {
        try checkCounts(inputs: inputs.count, outputs: outputs.count)
        guard let graph else { throw .notBound }
        for index in inputs.indices { slots[index] = inputs[index] }
        for index in outputs.indices { slots[inputs.count + index] = outputs[index] }
        return graph
    }

    /// Runs on the same inputs `samples × inner` times without the way of inputs and outputs; returns nanoseconds of the
    /// device for each sample.
    package func time(
        inputs: UnsafeBufferPointer<UnsafeRawPointer>, outputs: UnsafeBufferPointer<UnsafeMutableRawPointer>,
        samples: Int, inner: Int
    ) throws(RuntimeError) -> [UInt64] {
        let graph = try prepare(inputs, outputs)
        do {
            guard let staging else {
                return try graph.time(UnsafeBufferPointer(slots), samples: samples, inner: inner)
            }
            defer { endHostRun() }
            try staging.send(inputs, queue, &imports)
            try queue.synchronize()
            return try graph.time(UnsafeBufferPointer(staging.slots), samples: samples, inner: inner)
        } catch { throw failure(error) }
    }

    /// As `run`; returns nanoseconds from start to end of each launch of the plan.
    package func profile(
        inputs: UnsafeBufferPointer<UnsafeRawPointer>, outputs: UnsafeBufferPointer<UnsafeMutableRawPointer>
    ) throws(RuntimeError) -> [UInt64] {
        let graph = try prepare(inputs, outputs)
        do {
            guard let staging else {
                let times = try graph.runProfiled(UnsafeBufferPointer(slots))
                try finish(slots, on: queue)
                return times
            }
            defer { endHostRun() }
            try staging.send(inputs, queue, &imports)
            try queue.synchronize()
            let times = try graph.runProfiled(UnsafeBufferPointer(staging.slots))
            try finish(staging.slots, on: queue)
            try staging.fetch(outputs, queue, &imports)
            try queue.synchronize()
            staging.deliver(outputs)
            return times
        } catch { throw failure(error) }
    }

    /// Ends what was imported for a run; copies of one that failed may still be under way.
    private func endHostRun() {
        if imports.hasBrief { try? queue.synchronize() }
        imports.endRun()
    }

    /// A device's error; an index out of range is a fault of the inputs and names them.
    private func failure(_ error: DeviceError) -> RuntimeError {
        guard case .kernelFailed(let index, let kernel, KernelCode.indexOutOfRange.rawValue) = error else {
            return .device(error)
        }
        // A queue counts launches from the start of what it was given, which need not be that of the plan.
        let launches = package.plan.launches
        let named = launches.indices.contains(index) && launches[index].kernel == kernel ? launches[index] : nil
        guard let launch = named ?? launches.first(where: { $0.kernel == kernel }) else { return .device(error) }
        var (inputs, origin) = ([String](), "")
        for operand in launch.operands {
            let buffer = package.plan.buffers[operand.buffer]
            switch buffer.placement {
            case .input(let input):
                let port = package.interface.inputs[input]
                if !port.type.element.isFloatingPoint, !inputs.contains(port.name) { inputs.append(port.name) }
            case .output, .arena, .state: origin = buffer.label
            case .weight, .library: break
            }
        }
        return .indexOutOfRange(inputs: inputs, kernel: launch.label, origin: origin)
    }

    /// Runs on tensors in the order of the model's inputs, and returns the outputs.
    package func run(_ tensors: [HostTensor]) throws(RuntimeError) -> [HostTensor] {
        let types = tensors.map(\.type)
        for (index, tensor) in tensors.enumerated() where tensor.bytes.count != tensor.type.byteCount {
            let name = package.interface.inputs.indices.contains(index) ? package.interface.inputs[index].name : "?"
            throw .badMemory(name: name, reason: "has \(tensor.bytes.count) bytes, not those of \(tensor.type)")
        }
        var values: [Int: Int] = [:]
        for input in valueInputs where tensors.indices.contains(input) {
            values[input] = tensors[input].bytes.withUnsafeBytes {
                Self.integer(at: $0.baseAddress, types[input].element)
            }
        }
        try bind(types, values: values)
        let inputs = tensors.map { Self.copy($0.bytes) }
        let outputs = self.outputs.map {
            UnsafeMutableRawBufferPointer.allocate(byteCount: max($0.byteCount ?? 0, 1), alignment: 64)
        }
        defer {
            for buffer in inputs + outputs { buffer.deallocate() }
        }
        // Safety: allocations of at least one byte have an address.
        let inputAddresses = inputs.map { UnsafeRawPointer($0.baseAddress!) }
        let outputAddresses = outputs.map { $0.baseAddress! }
        try inputAddresses.withUnsafeBufferPointer { inputs throws(RuntimeError) in
            try outputAddresses.withUnsafeBufferPointer { outputs throws(RuntimeError) in
                try run(inputs: inputs, outputs: outputs)
            }
        }
        return zip(self.outputs, outputs).map { type, buffer in
            HostTensor(type, bytes: Array(buffer.prefix(type.byteCount ?? 0)))
        }
    }

    private static func copy(_ bytes: [UInt8]) -> UnsafeMutableRawBufferPointer {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: max(bytes.count, 1), alignment: 64)
        buffer.copyBytes(from: bytes)
        return buffer
    }

    private func prepare(
        _ inputs: UnsafeBufferPointer<UnsafeRawPointer>, _ outputs: UnsafeBufferPointer<UnsafeMutableRawPointer>
    ) throws(RuntimeError) -> LaunchSegments {
        try checkCounts(inputs: inputs.count, outputs: outputs.count)
        if !valueInputs.isEmpty, symbols != nil { try rebindValues(inputs) }
        guard let graph else { throw .notBound }
        for index in inputs.indices { slots[index] = UnsafeMutableRawPointer(mutating: inputs[index]) }
        for index in outputs.indices { slots[inputs.count + index] = outputs[index] }
        return graph
    }

    private func checkCounts(inputs: Int, outputs: Int) throws(RuntimeError) {
        let interface = package.interface
        guard inputs == interface.inputs.count else {
            throw .wrongCount(what: "inputs", expected: interface.inputs.map(\.name), found: inputs)
        }
        guard outputs == interface.outputs.count else {
            throw .wrongCount(what: "outputs", expected: interface.outputs.map(\.name), found: outputs)
        }
    }

    /// Reads the inputs whose value is a dimension, and lays memory out again when one has changed.
    private func rebindValues(_ inputs: UnsafeBufferPointer<UnsafeRawPointer>) throws(RuntimeError) {
        let types = self.inputs
        let symbols = try package.interface.bind(types) { Self.integer(at: inputs[$0], types[$0].element) }
        if symbols != self.symbols { try layOut(symbols) }
    }

    /// The integer at an address; 0 where there is none.
    package static func integer(at address: UnsafeRawPointer?, _ element: ElementType) -> Int {
        guard let address else { return 0 }
        return switch element {
        case .i64: Int(address.loadUnaligned(as: Int64.self))
        case .i32: Int(address.loadUnaligned(as: Int32.self))
        case .i16: Int(address.loadUnaligned(as: Int16.self))
        case .i8: Int(address.loadUnaligned(as: Int8.self))
        case .u8, .bool: Int(address.loadUnaligned(as: UInt8.self))
        case .f64, .f32, .f16, .bf16, .f8e4m3, .f8e5m2: 0
        }
    }

    /// Copies what no launch writes to its output.
    private func finish(
        _ slots: UnsafeMutableBufferPointer<UnsafeMutableRawPointer>, on queue: any DeviceQueue
    ) throws(DeviceError) {
        for copy in copies {
            let source =
                switch copy.source {
                case .fixed(let address): address
                case .slot(let slot, let byteOffset): slots[slot] + byteOffset
                }
            try queue.copy(
                from: source, to: slots[package.interface.inputs.count + copy.output], copy.byteCount)
        }
    }
}

// MARK: - Memory

/// A buffer's memory for one set of sizes.
private struct Place {
    let address: DeviceAPI.Launch.Operand
    let byteCount: Int
}

extension Session {
    /// Places buffers and captures the launches for these values of the symbols. On an error the session is unbound.
    private func layOut(_ symbols: [Int]) throws(RuntimeError) {
        self.symbols = nil
        graph = nil
        staging = nil
        let plan = package.plan
        outputs = try package.interface.outputs(for: symbols)
        var sizes: [Int] = []
        for (index, buffer) in plan.buffers.rows.enumerated() {
            sizes.append(try Self.size(buffer.byteCount, symbols, "the size of buffer \(index)"))
        }
        let offsets = try placeInArena(sizes, symbols)
        var places: [Place] = []
        for (index, buffer) in plan.buffers.rows.enumerated() {
            let address = try address(of: buffer, index, sizes[index], offset: offsets[index])
            places.append(Place(address: address, byteCount: sizes[index]))
        }
        var launches: [DeviceAPI.Launch] = []
        var workspaceBytes = 0
        for (index, launch) in plan.launches.enumerated() {
            let what = "launch \(index) (\(launch.kernel))"
            workspaceBytes = max(
                workspaceBytes, try Self.size(launch.workspaceBytes, symbols, "the workspace of \(what)"))
            launches.append(try capture(launch, package.kernels[index], symbols, places, what))
        }
        copies = []
        for copy in plan.copies {
            guard let byteCount = outputs[copy.output].byteCount else {
                throw .sizeOverflow(what: "the size of output \(copy.output)")
            }
            copies.append(
                BoundCopy(
                    source: try operand(
                        copy.source, needed: byteCount, places, symbols, "the copy to output \(copy.output)"),
                    output: copy.output, byteCount: byteCount))
        }
        do {
            graph = try LaunchSegments(
                package.device, launches,
                loops: plan.loops.map { ($0.launches, arenaBase + offsets[$0.condition.index]) },
                slotCount: slots.count, workspaceBytes: workspaceBytes, queue: queue)
        } catch {
            throw .device(error)
        }
        if !package.device.limits.readsHostMemory {
            staging = try Staging(
                package.device, inputs: try package.interface.inputs(for: symbols), outputs: outputs)
        }
        self.symbols = symbols
    }

    /// Offsets in the arena by buffer, 0 for buffers elsewhere; the arena grows if need be.
    private func placeInArena(_ sizes: [Int], _ symbols: [Int]) throws(RuntimeError) -> [Int] {
        let groups = ArenaPlan.groups(package.plan.launches)
        var requests: [ArenaPlan.Request] = []
        var owners: [Int] = []
        for (index, buffer) in package.plan.buffers.rows.enumerated() {
            guard case .arena(let lifetime) = buffer.placement else { continue }
            requests.append(.init(byteCount: sizes[index], lifetime: ArenaPlan.widened(lifetime, groups)))
            owners.append(index)
        }
        let layout = ArenaPlan(requests)
        if layout.byteCount > arenaBytes {
            arena = nil
            arenaBytes = 0
            do {
                let grown = try package.device.allocate(layout.byteCount)
                arenaBase = grown.address
                arena = consume grown
            } catch {
                throw .allocating(error, package.plan, symbols: symbols)
            }
            arenaBytes = layout.byteCount
        }
        var offsets = [Int](repeating: 0, count: sizes.count)
        for (owner, offset) in zip(owners, layout.offsets) { offsets[owner] = offset }
        return offsets
    }

    private func address(of buffer: Plan.Buffer, _ index: Int, _ size: Int, offset: Int) throws(RuntimeError)
        -> DeviceAPI.Launch.Operand
    {
        switch buffer.placement {
        case .input(let input): return .slot(input, byteOffset: 0)
        case .output(let output): return .slot(package.interface.inputs.count + output, byteOffset: 0)
        case .weight(let name): return .fixed(try package.weight(name, needed: size))
        case .library(let name):
            guard let table = package.device.library(named: name) else { throw .missingLibrary(name) }
            return .fixed(table)
        case .state: return .fixed(states.address + stateOffsets[index])
        case .arena:
            return .fixed(arenaBase + offset)
        }
    }

    private func capture(
        _ launch: Plan.Launch, _ kernel: KernelFunction, _ symbols: [Int], _ places: [Place], _ what: String
    ) throws(RuntimeError) -> DeviceAPI.Launch {
        let call: LibraryCall? = if case .grid(let grid) = launch.spread { grid.call } else { nil }
        var operands: [DeviceAPI.Launch.Operand] = []
        for (number, operand) in launch.operands.enumerated() {
            let needed = call?.byteCount(of: number) ?? 0
            operands.append(try self.operand(operand, needed: needed, places, symbols, what))
        }
        var dimensions: [Int64] = []
        for dimension in launch.dimensions {
            guard let value = dimension.evaluate(symbols) else { throw .sizeOverflow(what: "a dimension of \(what)") }
            dimensions.append(Int64(value))
        }
        let spread: DeviceAPI.Launch.Spread
        switch launch.spread {
        case .parts(let parts):
            // Tensors without elements may come out as no parts at all; kernels take one part of nothing.
            spread = .parts(max(1, try Self.size(parts, symbols, "the number of parts of \(what)")))
        case .threads: spread = .threads
        case .gang: spread = .gang
        case .grid(let grid):
            let blocks = try Self.size(grid.blocks, symbols, "the number of blocks of \(what)")
            guard let blocks = Int32(exactly: blocks), let threads = Int32(exactly: grid.threads),
                let sharedBytes = Int32(exactly: grid.sharedBytes)
            else { throw .sizeOverflow(what: "the grid of \(what)") }
            spread = .grid(
                .init(
                    blocks: [blocks, 1, 1], threads: threads, sharedBytes: sharedBytes,
                    overlapsPredecessor: grid.overlaps, call: grid.call))
        }
        return DeviceAPI.Launch(
            kernel: kernel, operands: operands, dimensions: dimensions, spread: spread, runsBeside: launch.runsBeside)
    }

    /// Where an operand lies. Throws unless its offset and `needed` bytes from there lie in its buffer.
    private func operand(
        _ operand: Plan.Operand, needed: Int, _ places: [Place], _ symbols: [Int], _ what: String
    ) throws(RuntimeError) -> DeviceAPI.Launch.Operand {
        guard let offset = operand.byteOffset.evaluate(symbols) else {
            throw .sizeOverflow(what: "an offset of \(what)")
        }
        let place = places[operand.buffer.index]
        guard (0...place.byteCount).contains(offset), needed <= place.byteCount - offset else {
            let rule = "operands lie in their buffers, but \(what) leaves buffer \(operand.buffer.index)"
            throw .package(.invalid(file: package.entry.file, rule: rule))
        }
        switch place.address {
        case .fixed(let address): return .fixed(address + offset)
        case .slot(let slot, let byteOffset): return .slot(slot, byteOffset: byteOffset + offset)
        }
    }

    private static func size(_ dimension: Dimension, _ symbols: [Int], _ what: String) throws(RuntimeError) -> Int {
        guard let value = dimension.evaluate(symbols), (0...MemoryReport.largest).contains(value) else {
            throw .sizeOverflow(what: what)
        }
        return value
    }
}
