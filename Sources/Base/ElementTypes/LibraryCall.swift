/// What a vendor's library computes for a launch, before its blocks run and on its operands.
package enum LibraryCall: Hashable, Sendable {
    case product(MatrixProduct)
    case convolution(ImageConvolution)

    /// The library, as `DeviceLimits` names it.
    package var library: String {
        switch self {
        case .product: "cuBLASLt"
        case .convolution: "cuDNN"
        }
    }

    /// What is wrong with it as a call of a launch of so many operands; nil where nothing is.
    package func fault(operands: Int) -> String? {
        switch self {
        case .product(let product): product.fault(operands: operands)
        case .convolution(let convolution): convolution.fault(operands: operands)
        }
    }

    /// Bytes that an operand must have at least; 0 for one that takes no part.
    package func byteCount(of operand: Int) -> Int {
        switch self {
        case .product(let product): product.byteCount(of: operand)
        case .convolution(let convolution): convolution.byteCount(of: operand)
        }
    }

    /// Sizes, for people.
    package var sizes: String {
        switch self {
        case .product(let one): "\(one.batches)x\(one.rows)x\(one.columns)x\(one.depth)"
        case .convolution(let one):
            "\(one.images)x\(one.height)x\(one.width)x\(one.channels) by \(one.filters)x\(one.window[0])x\(one.window[1])"
        }
    }

    /// The call as integers, for wires; `init(integers:)` reads them. Their number tells the cases apart.
    package var integers: [Int] {
        switch self {
        case .product(let product): product.integers
        case .convolution(let convolution): convolution.integers
        }
    }

    /// Reads `integers`; nil where they are none.
    package init?(integers: [Int]) {
        if let product = MatrixProduct(integers: integers) {
            self = .product(product)
        } else if let convolution = ImageConvolution(integers: integers) {
            self = .convolution(convolution)
        } else {
            return nil
        }
    }
}
