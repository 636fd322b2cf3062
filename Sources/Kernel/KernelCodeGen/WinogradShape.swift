import ElementTypes
import KernelIR

/// A convolution by 3 × 3 windows with stride 1 over rows `y`, `x`, to which F(2×2, 3×3) of Lavin and Gray, "Fast Algorithms
/// for Convolutional Neural Networks", applies: 16 products for 4 results instead of 36.
struct WinogradShape {
    let kernel: Kernel
    let contraction: ContractionKernel
    /// Result rows and columns of an image, and the taps along them.
    let y: LoopAxis
    let x: LoopAxis
    let tapY: LoopAxis
    let tapX: LoopAxis
    /// The other row axes.
    let images: [LoopAxis]
    let height: Int
    let width: Int
    let imageCount: Int
    let channels: Int
    let outputs: Int

    /// Squares of 2 × 2 results.
    var squaresDown: Int { (height + 1) / 2 }
    var squaresAcross: Int { (width + 1) / 2 }
    var squares: Int { imageCount * squaresDown * squaresAcross }

    /// Finds the pattern, or nil.
    init?(_ kernel: Kernel, _ contraction: ContractionKernel, _ ranges: VariableRanges, lanes: Int) {
        guard contraction.batch.isEmpty, contraction.operandElement == .f32, contraction.taps.count == 2,
            contraction.rows.count >= 2, contraction.taps.allSatisfy({ $0.extent == 3 }),
            let (parameter, index, mask) = contraction.left.plainLoad, kernel.parameters[parameter].element == .f32,
            let channels = contraction.depth.extent.constantValue, channels % lanes == 0,
            index.linearCoefficient(of: contraction.depth.variable) == 1,
            !([index] + mask).contains(where: { $0.variables.contains { $0.kind == .value } }),
            contraction.right.body.loadedParameters.allSatisfy({ kernel.parameters[$0].isConstant }),
            let outputs = ContractionPlan.product(contraction.columns).constantValue
        else { return nil }
        /// Whether a row axis and a tap always occur as their sum.
        func pairs(_ row: LoopAxis, _ tap: LoopAxis) -> Bool {
            ([index] + mask).allSatisfy { expression in
                guard let coefficient = expression.linearCoefficient(of: row.variable) else { return false }
                return coefficient.constantValue != nil && coefficient == expression.linearCoefficient(of: tap.variable)
            } && index.linearCoefficient(of: row.variable) != 0
        }
        var found: [LoopAxis] = []
        for tap in contraction.taps {
            guard let row = contraction.rows.first(where: { pairs($0, tap) && !found.contains($0) }) else { return nil }
            found.append(row)
        }
        guard !mask.contains(where: { $0.contains(contraction.depth.variable) }),
            let height = found[0].extent.constantValue, let width = found[1].extent.constantValue
        else { return nil }
        (y, x) = (found[0], found[1])
        (tapY, tapX) = (contraction.taps[0], contraction.taps[1])
        images = contraction.rows.filter { !found.contains($0) }
        guard let imageCount = ContractionPlan.product(images).constantValue else { return nil }
        self.kernel = kernel
        self.contraction = contraction
        self.imageCount = imageCount
        self.height = height
        self.width = width
        self.channels = channels
        self.outputs = outputs
    }

    /// Whether the products saved outweigh the transforms and the larger weights, counted in vector operations.
    func pays(_ target: CPUTarget) -> Bool {
        guard channels >= 32, outputs >= 32, squares >= 8 else { return false }
        let direct = height * width * imageCount * 9 * channels * outputs / 2
        let products = squares * 16 * channels * outputs / 2
        let transforms = squares * (channels * 64 + outputs * 44)
        return (products + transforms) * 5 < direct * 4
    }
}
