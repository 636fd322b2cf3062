import DeviceAPI
import ElementTypes
import Testing

/// Which grids begin before what runs ahead of them has ended.
@Suite struct OverlapTests {
    private final class NoProgram: DeviceProgram {
        let name = "none"

        func kernel(named name: String) throws(DeviceError) -> KernelFunction {
            throw .failed(operation: "asking", reason: "there is none")
        }
    }

    private static let something = [UInt8](repeating: 0, count: 1)

    /// A launch of blocks, or of none, after a product of rows × 1,024 in f32 if there are rows.
    private static func launch(_ blocks: Int32, rows: Int = 0, overlaps: Bool = true) -> Launch {
        let product = MatrixProduct(
            element: .f32, resultElement: .f32, rows: rows, columns: 1024, depth: 8, left: .init(operand: 0, line: 8),
            right: .init(operand: 1, line: 8), result: .init(operand: 2, line: 1024), workspace: 3, workspaceBytes: 0)
        let handle = something.withUnsafeBytes { $0.baseAddress! }  // Nothing reads it.
        return Launch(
            kernel: KernelFunction(name: "k", program: NoProgram(), handle: handle), operands: [], dimensions: [],
            spread: .grid(
                .init(
                    blocks: [blocks, 1, 1], threads: 64, overlapsPredecessor: overlaps,
                    call: rows > 0 ? .product(product) : nil)))
    }

    static var rows: [(what: String, launches: [Launch], overlaps: Bool)] {
        [
            ("the first never", [launch(1)], false),
            ("what does not ask", [launch(1), launch(1, overlaps: false)], false),
            ("after blocks", [launch(1), launch(1)], true),
            ("after a small call", [launch(0, rows: 4095), launch(1)], true),
            ("after a large call", [launch(0, rows: 4096), launch(1)], false),
            ("after a large call's own blocks", [launch(1, rows: 4096), launch(1)], true),
            ("a small call's own blocks", [launch(1), launch(1, rows: 8)], true),
            ("a large call's own blocks", [launch(1), launch(1, rows: 4096)], false),
        ]
    }

    @Test(arguments: 0..<8) func longCallsAreWaitedFor(_ row: Int) {
        #expect(Self.rows.count == 8)
        let (what, launches, overlaps) = Self.rows[row]
        #expect(Launch.overlaps(launches, launches.count - 1) == overlaps, "\(what)")
    }
}
