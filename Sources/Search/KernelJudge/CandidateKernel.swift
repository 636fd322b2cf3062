package import ElementTypes
internal import KernelIR
internal import KernelWorker

/// A compiled kernel as it is handed to the judge.
package struct CandidateKernel: Hashable, Sendable {
    /// A buffer of the main function.
    package enum Argument: Hashable, Sendable {
        /// The region's n-th parameter.
        case parameter(Int)
        /// The n-th of `packings`.
        case packed(Int)
        /// The table of functions of oneDNN.
        case library
        /// Scratch memory that all parts share: so many bytes, over symbols.
        case shared(bytes: IntegerExpression)
    }

    /// How a launch is split.
    package enum Parts: Hashable, Sendable {
        /// Into this many, over symbols; at most 65535 are used.
        case count(IntegerExpression)
        /// One for each thread, all at once.
        case gang
        /// Blocks of threads of a device that runs those; blocks are over symbols. For `counters` see `WorkerCall.Grid`.
        case grid(
            blocks: IntegerExpression, threads: Int, sharedBytes: Int, overlaps: Bool, counters: Int,
            call: LibraryCall? = nil)
    }

    /// A constant operand rearranged by the candidate's own function.
    package struct Packing: Hashable, Sendable {
        package var symbol: String
        /// Parameters that it reads; all are constant.
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

    /// The shared object, or the file of a device's images with, where it packs, a shared object of that name and `.host.so`.
    /// Its path must be its own: a path whose contents change keeps its old code in the worker.
    package var libraryPath: String
    package var symbol: String
    package var arguments: [Argument]
    package var packings: [Packing]
    /// Bytes for each thread, over symbols.
    package var workspaceBytes: IntegerExpression
    package var parts: Parts
    /// Name of its algorithm where an infinity makes NaN of what it does not, or of what would be infinite (`EmittedKernel.spreading`):
    /// special inputs then ask less (`AgreementInput.Specials.spread`).
    package var spreading: String?
    /// Name of its algorithm where it may overflow though no number of the definition does: it does not meet what nearly overflows.
    package var overflowing: String?

    /// Makes a candidate.
    package init(
        libraryPath: String, symbol: String, arguments: [Argument], packings: [Packing] = [],
        workspaceBytes: IntegerExpression = 0, parts: Parts = .count(1), spreading: String? = nil,
        overflowing: String? = nil
    ) {
        self.libraryPath = libraryPath
        self.symbol = symbol
        self.arguments = arguments
        self.packings = packings
        self.workspaceBytes = workspaceBytes
        self.parts = parts
        self.spreading = spreading
        self.overflowing = overflowing
    }

    /// The call for given values of the symbols.
    func call(
        library: Int, parameters: [WorkerCall.Parameter], symbols: [Variable], dimensions: [Int]
    ) throws(Refusal) -> WorkerCall {
        func value(_ expression: IntegerExpression) throws(Refusal) -> Int {
            guard let value = evaluate(expression, symbols, dimensions) else {
                throw .notJudged(reason: "\(expression) has no value for \(dimensions)")
            }
            return value
        }
        let parts: Int
        var grid: WorkerCall.Grid?
        switch self.parts {
        case .grid(let blocks, let threads, let sharedBytes, let overlaps, let counters, let call):
            parts = 1
            grid = .init(
                blocks: try value(blocks), threads: threads, sharedBytes: sharedBytes, overlaps: overlaps,
                counters: counters, call: call)
        case .gang: parts = 0
        case .count(let expression): parts = min(65535, max(1, try value(expression)))
        }
        var arguments: [WorkerCall.Argument] = []
        for argument in self.arguments {
            switch argument {
            case .parameter(let index): arguments.append(.parameter(index))
            case .packed(let index): arguments.append(.packed(index))
            case .library: arguments.append(.library)
            case .shared(let bytes): arguments.append(.shared(byteCount: try value(bytes)))
            }
        }
        return WorkerCall(
            library: library, symbol: symbol, arguments: arguments,
            packings: packings.map {
                WorkerCall.Packing(
                    symbol: $0.symbol, sources: $0.sources, byteCount: $0.byteCount, usesLibrary: $0.usesLibrary)
            },
            parameters: parameters, dimensions: dimensions, workspaceBytes: max(0, try value(workspaceBytes)),
            parts: parts, grid: grid)
    }
}

/// The value of an expression over symbols, or nil when it holds another variable or divides by 0.
func evaluate(_ expression: IntegerExpression, _ symbols: [Variable], _ dimensions: [Int]) -> Int? {
    guard expression.variables.allSatisfy({ symbols.contains($0) }) else { return nil }
    return expression.evaluate { variable in symbols.firstIndex(of: variable).map { dimensions[$0] } ?? 0 }
}
