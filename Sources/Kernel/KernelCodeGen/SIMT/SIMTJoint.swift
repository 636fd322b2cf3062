import Base
import ElementTypes
import KernelIR

/// Several kernels in one launch: blocks of one after those of the other.
///
/// Arguments in order: those of each member with its counters, the dimensions of each member, the word for errors.
package struct SIMTJoint: Sendable {
    /// A kernel of the launch.
    package struct Member: Sendable {
        package var emitted: EmittedKernel
        /// Number of its dimensions.
        package var dimensions: Int

        /// Makes a member.
        package init(_ emitted: EmittedKernel, dimensions: Int) {
            self.emitted = emitted
            self.dimensions = dimensions
        }
    }

    /// Name of the launch's function.
    package let symbol: String
    /// Its text, to stand after the prelude.
    package let source: String
    package let grid: EmittedKernel.Grid

    /// Whether a kernel can be a member: in CUDA C++, as it is printed here and not as somebody wrote it, with a number of blocks that is known and no
    /// shared memory but what it declares.
    package static func takes(_ emitted: EmittedKernel, _ target: SIMTTarget) -> Bool {
        guard target.overlaps, target.dialect == .cuda, emitted.triton == nil, emitted.author == nil,
            case .grid(let grid) = emitted.parts
        else { return false }
        return grid.overlaps && grid.call == nil && grid.sharedBytes == 0 && (grid.blocks.constantValue ?? 0) > 0
            && parts(of: emitted) != nil
    }

    /// A launch of members, all of which `takes` accepts.
    package init(_ members: [Member]) {
        let symbol = "j\(ContentHash.of(members.map(\.emitted.symbol).joined(separator: "+")))"
        self.symbol = symbol
        var (threads, blocks, pointers, dimensions, counters) = (0, 0, 0, 0, 0)
        var written: Set<String> = []
        var functions = ""
        var calls: [String] = []
        for member in members {
            let emitted = member.emitted
            guard case .grid(let grid) = emitted.parts, let parts = Self.parts(of: emitted),
                let count = grid.blocks.constantValue
            else { preconditionFailure("\(emitted.symbol) cannot share a launch") }
            if written.insert(emitted.symbol).inserted {
                functions += parts.before + "FORCE void \(emitted.symbol)_run(const int block_, " + parts.after
            }
            let passed = emitted.arguments.count + (grid.counters > 0 ? 1 : 0)
            let values =
                ["block_"] + (0..<passed).map { "any_pointer{a\(pointers + $0)}" }
                + (0..<member.dimensions).map { "d\(dimensions + $0)" } + ["status"]
            let call = "\(emitted.symbol)_run(\(values.joined(separator: ", ")));"
            calls.append("if (block_ < \(count)) { if (THREAD < \(grid.threads)) \(call) return; } block_ -= \(count);")
            pointers += passed
            dimensions += member.dimensions
            threads = max(threads, grid.threads)
            blocks += count
            counters += grid.counters
        }
        let formals =
            (0..<pointers).map { "void *a\($0)" } + (0..<dimensions).map { "const int64_t d\($0)" }
            + ["int32_t *status"]
        source = """
            #undef BLOCK
            #define BLOCK block_
            struct any_pointer { void *p; template <class T> __device__ __forceinline__ operator T *() const { return (T *)p; } };
            \(functions)\(SIMTFrame.kernelHead)__launch_bounds__(\(threads), 1) \(symbol)(\(formals.joined(separator: ", "))) {
            int block_ = (int)blockIdx.x;
            \(calls.joined(separator: "\n"))
            }

            """
        grid = .init(blocks: IntegerExpression(blocks), threads: threads, overlaps: true, counters: counters)
    }

    /// A kernel's text around its head: what stands before, and what follows the opening parenthesis.
    private static func parts(of emitted: EmittedKernel) -> (before: String, after: String)? {
        let head = SIMTFrame.kernelHead
        let text = emitted.source
        guard let start = text.firstRange(of: head),
            let name = text[start.upperBound...].firstRange(of: " \(emitted.symbol)(")
        else { return nil }
        return (String(text[..<start.lowerBound]), String(text[name.upperBound...]))
    }
}
