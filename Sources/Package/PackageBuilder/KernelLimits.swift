import DeviceAPI
import ElementTypes
import KernelCodeGen
import KernelIR
import KernelJudge

/// What physics says of a kernel on a device, for honest timing.
package struct KernelLimits {
    /// Measured rates may be those of a busy moment: only what is faster than twice the best of them is impossible.
    private static let headroom = 2.0

    /// Seconds that no correct kernel can go below with its symbols at `dimensions`; 0 when nothing is known.
    ///
    /// Memory counts only for what no cache can hold. Operations count for products: a nest's work can be shortened in too
    /// many ways. Products over windows may take a quarter of the multiplications (Winograd F(4×4, 3×3)), and causal
    /// attention half of them.
    package static func floorSeconds(_ kernel: Kernel, dimensions: [Int], _ limits: DeviceLimits) -> Double {
        guard let rates = limits.rates else { return 0 }
        func value(_ expression: IntegerExpression) -> Double {
            Double(
                expression.evaluate { variable in kernel.symbols.firstIndex(of: variable).map { dimensions[$0] } ?? 0 }
                    ?? 0)
        }
        func extents(_ axes: [LoopAxis]) -> Double { axes.reduce(1) { $0 * max(0, value($1.extent)) } }
        let written = kernel.parameters.filter { $0.access == .write }
        // Inputs may be read in part (a gather), outputs are written whole.
        let bytes = written.reduce(0.0) { $0 + value($1.count) * Double($1.element.byteCount) }
        let memory = max(0, bytes - Double(cacheBytes(limits))) / rates.memoryRead.allThreads

        var isRounded = false
        var (operations, element) = Self.operations(kernel, dimensions: dimensions)
        switch kernel.body {
        case .contraction(let body):
            // Padding makes the taps at the border void.
            if extents(body.taps) > 1 { operations /= 8 }
            isRounded = body.factors == .tf32
        case .attention(let body):
            // Masks may leave next to nothing to do; the second product may be part of the first's time.
            operations = body.isCausal || body.mask != nil ? 0 : operations / 2
        case .nest, .sort, .recurrence: break
        }
        return max(memory, operations / rate(element, limits, rates, isRounded: isRounded)) / headroom
    }

    /// Operations of a kernel's products (a multiply-add is two) with its symbols at `dimensions`, as their definitions count
    /// them, and the type of their factors; 0 for kernels without products.
    package static func operations(_ kernel: Kernel, dimensions: [Int]) -> (count: Double, element: ElementType) {
        func extents(_ axes: [LoopAxis]) -> Double {
            axes.reduce(1) { product, axis in
                let extent = axis.extent.evaluate { variable in
                    kernel.symbols.firstIndex(of: variable).map { dimensions[$0] } ?? 0
                }
                return product * Double(max(0, extent ?? 0))
            }
        }
        switch kernel.body {
        case .contraction(let body):
            let points = extents(body.batch + body.rows + body.columns) * extents([body.depth])
            return (2 * points * extents(body.taps) * Double(body.gates), body.operandElement)
        case .attention(let body):
            let scores = extents([body.batch, body.keyHeads, body.group, body.queries, body.keys])
            return (4 * scores * extents([body.depth]), body.operandElement)
        case .recurrence(let body):
            return (2 * extents([body.time, body.batch, body.gate, body.hidden, body.depth]), .f32)
        case .nest, .sort: return (0, .f32)
        }
    }

    /// Operations per second of products of factors of a type; infinity for types without a measured rate. Where tiles multiply bf16, a
    /// product of f32 may be six of those; where a GPU's units take TF32, half as fast as bf16, it may be three of these, or one where factors
    /// may be rounded to it (`isRounded`).
    package static func rate(
        _ element: ElementType, _ limits: DeviceLimits, _ rates: DeviceLimits.Rates, isRounded: Bool = false
    ) -> Double {
        switch element {
        case .bf16: max(rates.fp32.allThreads, rates.bf16?.allThreads ?? 0)
        case .f16: max(rates.fp32.allThreads, rates.f16?.allThreads ?? 0)
        case .f32:
            max(
                rates.fp32.allThreads,
                takesParts(limits) ? (rates.bf16?.allThreads ?? 0) / (isRounded ? 2 : 6) : 0)
        case .f64, .f8e4m3, .f8e5m2, .i64, .i32, .i16, .i8, .u8, .bool: .infinity
        }
    }

    /// Whether units may multiply f32 in parts.
    private static func takesParts(_ limits: DeviceLimits) -> Bool {
        limits.supports([.amxTile, .amxBF16]) || (SIMTTarget(limits)?.capability ?? 0) >= 80
    }

    /// Bytes that caches hold, where they are one for all blocks of threads and elsewhere.
    package static func cacheBytes(_ limits: DeviceLimits) -> Int {
        // The second level is one for all where blocks of threads run.
        limits.blocks == nil ? limits.caches.l3 + limits.caches.l2 * max(1, limits.cores) : limits.caches.l2
    }

    /// Copies of a kernel's constants that successive timed calls take in turn, so that they are as cold as in the model:
    /// there, all other weights are read between two calls.
    package static func constantCopies(_ kernel: Kernel, weightBytes: Int, _ limits: DeviceLimits) -> Int {
        let own = kernel.parameters.reduce(0) { sum, parameter in
            sum + (parameter.isConstant ? (parameter.count.constantValue ?? 0) * parameter.element.byteCount : 0)
        }
        let cache = cacheBytes(limits)
        // What fits into the caches together with everything else stays there.
        guard own > 0, cache > 0, weightBytes > cache else { return 1 }
        // Twice the caches, so that the oldest copy is gone when its turn comes; at most what the model itself would read.
        let wanted = min(2 * cache, weightBytes)
        return min(16, max(1, (wanted + own - 1) / own))
    }
}
