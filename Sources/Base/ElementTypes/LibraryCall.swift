/// What a vendor's library computes for a launch, before its blocks run and on its operands.
package enum LibraryCall: Hashable, Sendable {
    case product(MatrixProduct)
    case convolution(ImageConvolution)

    /// The library of products, as `DeviceLimits` names it.
    package static let productLibrary = "cuBLASLt"
    /// The library of convolutions, as `DeviceLimits` names it.
    package static let convolutionLibrary = "cuDNN"

    /// The library, as `DeviceLimits` names it.
    package var library: String {
        switch self {
        case .product: Self.productLibrary
        case .convolution: Self.convolutionLibrary
        }
    }

    /// Whether the product of numbers that are not negative is one of elements that a machine may have.
    static func isCount(_ factors: [Int]) -> Bool {
        var count = 1
        for factor in factors {
            let (product, overflows) = count.multipliedReportingOverflow(by: factor)
            if overflows || product > 1 << 48 { return false }
            count = product
        }
        return true
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

    /// Bytes of the result.
    package var resultBytes: Int {
        switch self {
        case .product(let one): one.batches * one.rows * one.columns * one.resultElement.byteCount
        case .convolution(let one): one.resultCount * one.resultElement.byteCount
        }
    }

    /// Sizes, for people.
    package var sizes: String {
        switch self {
        case .product(let one):
            Self.sizes(batches: one.batches, rows: one.rows, columns: one.columns, depth: one.depth)
        case .convolution(let one):
            ([one.images] + one.extents + [one.channels]).map(String.init).joined(separator: "x") + " by "
                + ([one.filters] + one.window).map(String.init).joined(separator: "x")
        }
    }

    /// Sizes of a product, for people.
    package static func sizes(batches: Int, rows: Int, columns: Int, depth: Int) -> String {
        "\(batches)x\(rows)x\(columns)x\(depth)"
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

/// A call that a vendor's library refused when a model was prepared or run.
package struct LibraryRefusal: Hashable, Sendable, CustomStringConvertible {
    /// The library, as `DeviceLimits` names it.
    package var library: String
    /// `LibraryCall.sizes` of the call; nil where the library does not work at all.
    package var sizes: String?
    /// What was done, and what the library answered.
    package var reason: String

    /// Makes a refusal.
    package init(library: String, sizes: String? = nil, reason: String) {
        self.library = library
        self.sizes = sizes
        self.reason = reason
    }

    /// The call or the library, for people.
    package var subject: String { sizes.map { "\(library) for \($0)" } ?? library }

    /// One line.
    package var description: String { "\(subject) failed: \(reason)" }
}
