import CPUDevice
import CPoolStress
import CThreadPool
import Testing

/// The pool's C interface where the device does not reach: limits on threads, forks, many pools.
@Suite struct ThreadPoolTests {
    private static let count:
        @convention(c) (
            UnsafePointer<UnsafeMutableRawPointer?>?, UnsafePointer<Int64>?, UnsafeMutableRawPointer?, Int32, Int32
        ) -> Int32 = { buffers, _, _, part, _ in
            guard let marks = buffers?[0]?.assumingMemoryBound(to: Int64.self) else { return 1 }
            marks[Int(part)] += 1
            return 0
        }

    /// Runs `launches` launches of `parts` parts and returns how often each part ran.
    private static func run(_ pool: OpaquePointer, launches: Int, parts: Int, threads: Int32) -> [Int64] {
        var marks = [Int64](repeating: 0, count: parts)
        marks.withUnsafeMutableBytes { bytes in
            let operands: [UnsafeMutableRawPointer?] = [bytes.baseAddress]
            operands.withUnsafeBufferPointer { operands in
                let list = [HearthLaunch](
                    repeating: HearthLaunch(
                        kernel: count, buffers: operands.baseAddress, dims: nil, parts: Int32(parts), flags: 0,
                        gang_area: nil), count: launches)
                list.withUnsafeBufferPointer { list in
                    var run = HearthRun(
                        launches: list.baseAddress, count: Int32(launches), threads: threads, workspace: nil,
                        workspace_stride: 0, nanoseconds: nil)
                    #expect(hearth_pool_run(pool, &run).launch == -1)
                }
            }
        }
        return marks
    }

    @Test(arguments: [1, 2, 5, 32], [Int32(0), 1, 2, 4]) func threadLimitsKeepResults(_ threads: Int32, _ limit: Int32)
        throws
    {
        for flags in [0, UInt32(HEARTH_POOL_PIN)] {
            let pool = try #require(hearth_pool_create(threads, flags))
            defer { hearth_pool_destroy(pool) }
            #expect(hearth_pool_threads(pool) == threads)
            #expect(hearth_pool_gang(pool, limit) <= threads)
            for parts in [1, 2, 33] {
                #expect(
                    Self.run(pool, launches: 40, parts: parts, threads: limit) == .init(repeating: 40, count: parts))
            }
            #expect(Self.run(pool, launches: 0, parts: 1, threads: limit) == [0])
        }
    }

    @Test func poolsComeAndGo() throws {
        for round in 0..<30 {
            let pool = try #require(hearth_pool_create(3, 0))
            if round % 3 != 0 { #expect(Self.run(pool, launches: 3, parts: 4, threads: 0) == [3, 3, 3, 3]) }
            hearth_pool_destroy(pool)
        }
    }

    @Test func defaultsAreWithinTheMachine() {
        #expect(hearth_allowed_cpus() >= 1)
        #expect(hearth_default_threads() >= 1)
    }

    @Test(arguments: [1, 2, 3, 5] as [Int32], [0, UInt32(HEARTH_POOL_PIN)])
    func randomListsAgreeWithPlainLoops(_ threads: Int32, _ flags: UInt32) {
        #expect(hearth_stress_pool(threads, flags, 3, 150, 0) == 0)
    }

    @Test func forkedChildrenHaveWorkersOfTheirOwn() {
        #expect(hearth_stress_pool(3, 0, 2, 50, 1) == 0)
    }
}
