import ElementTypes

/// How a candidate is called: everything that the worker must know of a kernel, with all sizes resolved.
package struct WorkerCall: Hashable, Sendable {
    /// What the kernel does with a parameter.
    package enum Role: Int, Hashable, Sendable, CaseIterable {
        /// Read; changes from run to run.
        case input
        /// Read; the same in all runs, and what packings read.
        case constant
        /// Written completely.
        case output
        /// Read and written.
        case state

        /// Whether contents come back to the parent.
        package var isWritten: Bool {
            switch self {
            case .input, .constant: false
            case .output, .state: true
            }
        }
    }

    /// One buffer of the kernel.
    package struct Parameter: Hashable, Sendable {
        package var role: Role
        package var byteCount: Int
        /// Bytes of an element.
        package var elementBytes: Int

        /// Makes a parameter.
        package init(role: Role, byteCount: Int, elementBytes: Int) {
            self.role = role
            self.byteCount = byteCount
            self.elementBytes = elementBytes
        }
    }

    /// A constant operand rearranged by the candidate's own code before the runs.
    package struct Packing: Hashable, Sendable {
        package var symbol: String
        /// Parameters that it reads.
        package var sources: [Int]
        package var byteCount: Int
        /// Whether it takes the library's table before the packed buffer.
        package var usesLibrary: Bool

        /// Makes a packing.
        package init(symbol: String, sources: [Int], byteCount: Int, usesLibrary: Bool = false) {
            self.symbol = symbol
            self.sources = sources
            self.byteCount = byteCount
            self.usesLibrary = usesLibrary
        }
    }

    /// A buffer of the main function.
    package enum Argument: Hashable, Sendable {
        case parameter(Int)
        case packed(Int)
        /// Scratch memory of this size that all parts share.
        case shared(byteCount: Int)
        /// The table of functions of oneDNN.
        case library
    }

    /// Blocks of threads, for a device that runs those.
    package struct Grid: Hashable, Sendable {
        package var blocks: Int
        /// Threads of a block.
        package var threads: Int
        /// Bytes of shared memory of a block that the launch asks for.
        package var sharedBytes: Int
        /// Whether the launch may begin before the one before it has ended.
        package var overlaps: Bool
        /// 32-bit words that blocks count in, passed after the arguments.
        package var counters: Int
        /// Computed by the vendor's library before the blocks run.
        package var call: LibraryCall?

        /// Makes a grid.
        package init(
            blocks: Int, threads: Int, sharedBytes: Int, overlaps: Bool, counters: Int, call: LibraryCall? = nil
        ) {
            self.call = call
            self.blocks = blocks
            self.threads = threads
            self.sharedBytes = sharedBytes
            self.overlaps = overlaps
            self.counters = counters
        }
    }

    /// Number of a library that was loaded before.
    package var library: Int
    package var symbol: String
    package var arguments: [Argument]
    package var packings: [Packing]
    package var parameters: [Parameter]
    package var dimensions: [Int]
    /// Bytes for each thread.
    package var workspaceBytes: Int
    /// Number of parts; 0 for a gang launch.
    package var parts: Int
    /// Set for a device that runs blocks of threads, where it takes the place of `parts`.
    package var grid: Grid?

    /// Makes a call.
    package init(
        library: Int, symbol: String, arguments: [Argument], packings: [Packing], parameters: [Parameter],
        dimensions: [Int], workspaceBytes: Int, parts: Int, grid: Grid? = nil
    ) {
        self.library = library
        self.symbol = symbol
        self.arguments = arguments
        self.packings = packings
        self.parameters = parameters
        self.dimensions = dimensions
        self.workspaceBytes = workspaceBytes
        self.parts = parts
        self.grid = grid
    }

    func write(to writer: inout WireWriter) {
        writer.put(library)
        writer.put(symbol)
        writer.put(arguments) { writer, argument in
            switch argument {
            case .parameter(let index):
                writer.put(0)
                writer.put(index)
            case .packed(let index):
                writer.put(1)
                writer.put(index)
            case .shared(let byteCount):
                writer.put(2)
                writer.put(byteCount)
            case .library:
                writer.put(3)
                writer.put(0)
            }
        }
        writer.put(packings) { writer, packing in
            writer.put(packing.symbol)
            writer.put(packing.sources) { $0.put($1) }
            writer.put(packing.byteCount)
            writer.put(packing.usesLibrary ? 1 : 0)
        }
        writer.put(parameters) { writer, parameter in
            writer.put(parameter.role.rawValue)
            writer.put(parameter.byteCount)
            writer.put(parameter.elementBytes)
        }
        writer.put(dimensions) { $0.put($1) }
        writer.put(workspaceBytes)
        writer.put(parts)
        writer.put(grid.map { [$0] } ?? []) { writer, grid in
            for value in [grid.blocks, grid.threads, grid.sharedBytes, grid.overlaps ? 1 : 0, grid.counters] {
                writer.put(value)
            }
            writer.put(grid.call?.integers ?? []) { $0.put($1) }
        }
    }

    init(from reader: inout WireReader) throws(WireError) {
        library = try reader.integer()
        symbol = try reader.text()
        arguments = try reader.list { (reader) throws(WireError) in
            let kind = try reader.integer()
            let value = try reader.integer()
            switch kind {
            case 0: return Argument.parameter(value)
            case 1: return Argument.packed(value)
            case 2: return Argument.shared(byteCount: value)
            case 3: return Argument.library
            // Any other number is damage on the wire.
            default: throw WireError(offset: 0, expected: "a kind of argument")
            }
        }
        packings = try reader.list { (reader) throws(WireError) in
            Packing(
                symbol: try reader.text(),
                sources: try reader.list { (reader) throws(WireError) in try reader.integer() },
                byteCount: try reader.integer(), usesLibrary: try reader.integer() == 1)
        }
        parameters = try reader.list { (reader) throws(WireError) in
            guard let role = Role(rawValue: try reader.integer()) else {
                throw WireError(offset: 0, expected: "a parameter's role")
            }
            return Parameter(role: role, byteCount: try reader.integer(), elementBytes: try reader.integer())
        }
        dimensions = try reader.list { (reader) throws(WireError) in try reader.integer() }
        workspaceBytes = try reader.integer()
        parts = try reader.integer()
        grid =
            try reader.list { (reader) throws(WireError) in
                var grid = Grid(
                    blocks: try reader.integer(), threads: try reader.integer(), sharedBytes: try reader.integer(),
                    overlaps: try reader.integer() != 0, counters: try reader.integer())
                let integers = try reader.list { (reader) throws(WireError) in try reader.integer() }
                grid.call = LibraryCall(integers: integers)
                if grid.call == nil, !integers.isEmpty { throw WireError(offset: 0, expected: "a library's call") }
                return grid
            }.first
    }
}

/// A buffer in the words of a report: by its number in the call.
package enum WorkerBuffer: Hashable, Sendable, CustomStringConvertible {
    case parameter(Int)
    case packed(Int)
    /// Scratch memory of the n-th argument.
    case shared(Int)
    case workspace
    case gangArea

    /// As one integer, for the wire and the fault handler.
    package var code: Int {
        switch self {
        case .parameter(let index): index
        case .packed(let index): 1_000_000 + index
        case .shared(let index): 3_000_000 + index
        case .workspace: 2_000_000
        case .gangArea: 2_000_001
        }
    }

    /// Reads the integer.
    package init?(code: Int) {
        switch code {
        case 0..<1_000_000: self = .parameter(code)
        case 1_000_000..<2_000_000: self = .packed(code - 1_000_000)
        case 2_000_000: self = .workspace
        case 2_000_001: self = .gangArea
        case 3_000_000..<4_000_000: self = .shared(code - 3_000_000)
        // Any other number is damage on the wire.
        default: return nil
        }
    }

    /// Such as `parameter 2`.
    package var description: String {
        switch self {
        case .parameter(let index): "parameter \(index)"
        case .packed(let index): "packed operand \(index)"
        case .shared(let index): "shared scratch memory (argument \(index))"
        case .workspace: "the workspace"
        case .gangArea: "the gang's shared area"
        }
    }
}
