import Dispatch
import Glibc
import Synchronization

/// Work on numbers 0 ..< count that do not depend on each other, in pieces of at least `grain` on all processors. `body` must write
/// nothing that another piece reads or writes; what it computes for a number must not hang on the pieces.
func inParallel(_ count: Int, grain: Int, _ body: (Range<Int>) -> Void) {
    let processors = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    // A few pieces each, so that one that is slow does not hold up all.
    let pieces = min(count / max(grain, 1), 4 * processors)
    guard pieces > 1, processors > 1 else {
        if count > 0 { body(0..<count) }
        return
    }
    // Safety: `concurrentPerform` returns when all calls of `body` have, so that it does not escape.
    withoutActuallyEscaping(body) { body in
        nonisolated(unsafe) let body = body
        DispatchQueue.concurrentPerform(iterations: pieces) { piece in
            body(count * piece / pieces..<count * (piece + 1) / pieces)
        }
    }
}

/// An array of `count` elements, each piece of which `fill` initialises: places `range` of the array that it is given.
func parallelArray<Element: BitwiseCopyable>(
    _ count: Int, grain: Int, _ fill: (_ range: Range<Int>, _ target: UnsafeMutablePointer<Element>) -> Void
) -> [Element] {
    [Element](unsafeUninitializedCapacity: count) { target, initialized in
        // Safety: every place belongs to one piece.
        if let base = target.baseAddress { inParallel(count, grain: grain) { fill($0, base) } }
        initialized = count
    }
}

/// `source` with every element converted.
func parallelMap<Element: BitwiseCopyable, Result: BitwiseCopyable>(
    _ source: [Element], grain: Int = 1 << 14, _ convert: (Element) -> Result
) -> [Result] {
    source.withUnsafeBufferPointer { source in
        parallelArray(source.count, grain: grain) { range, target in
            for index in range { target[index] = convert(source[index]) }
        }
    }
}

/// The first error of pieces that run side by side.
final class FirstFault: Sendable {
    private let fault = Mutex<Fault?>(nil)

    /// Runs `body` unless something failed before; keeps what it throws.
    func attempt(_ body: () throws(Fault) -> Void) {
        if fault.withLock({ $0 != nil }) { return }
        do throws(Fault) { try body() } catch { fault.withLock { $0 = $0 ?? error } }
    }

    /// Throws what was kept.
    func rethrow() throws(Fault) {
        if let found = fault.withLock({ $0 }) { throw found }
    }
}
