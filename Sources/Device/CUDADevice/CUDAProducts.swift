import CCUDADriver
import DeviceAPI
import ElementTypes
import Glibc

/// NVIDIA's library of matrix products, opened once in a process, the first time that something asks for it.
final class CUDAProductLibrary: Sendable {
    // Functions that may be called from any thread.
    let call: HearthCublasLt
    /// As DeviceLimits names it.
    static let name = LibraryCall.productLibrary

    /// The library, or why there is none.
    static let shared: Result<CUDAProductLibrary, DeviceError> = Result { () throws(DeviceError) in
        try CUDAProductLibrary()
    }

    private init() throws(DeviceError) {
        var table = HearthCublasLt()
        var text = [CChar](repeating: 0, count: 512)
        let code = hearth_open_cublaslt(&table, getenv("HEARTH_CUBLASLT"), &text, text.count)
        guard code == 0 else {
            let reason = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            throw .unsupported("products by \(Self.name): \(reason)")
        }
        call = table
    }

    /// Such as `13.1.0`.
    var version: String {
        let number = call.cublasLtGetVersion()
        return "\(number / 10000).\(number % 10000 / 100).\(number % 100)"
    }

    /// Throws what a status other than 0 (cublasStatus_t) means, for the product of these sizes or for all.
    func check(
        _ status: Int32, _ operation: @autoclosure () -> String, _ sizes: @autoclosure () -> String? = nil
    ) throws(DeviceError) {
        guard status != 0 else { return }
        throw .libraryFailed(
            .init(library: Self.name, sizes: sizes(), reason: "\(operation()) gives status \(status)"))
    }
}

/// What a vendor's library computes before the blocks of a launch.
protocol CUDALibraryCall: AnyObject {
    /// Bytes of the operand that takes the result.
    var resultByteCount: Int { get }

    /// Starts it on a stream; `address` gives that of an operand, and `elsewhere` takes the place of the one that takes the result.
    func start(
        on stream: HearthCUStream, elsewhere: UnsafeMutableRawPointer?, _ address: (_ operand: Int) -> UInt64
    ) throws(DeviceError)
}

/// A product that the library has agreed to compute: its descriptions and the chosen proposal.
///
/// The library's matrices lie column by column, so that it computes the transposed result from the transposed factors: what is
/// `right` here comes first.
final class CUDAProduct: CUDALibraryCall {
    private let library: CUDAProductLibrary
    private let product: MatrixProduct
    private var sizes: String { LibraryCall.product(product).sizes }
    private var handle: HearthLtHandle?
    private var description: HearthLtProduct?
    private var right: HearthLtLayout?
    private var left: HearthLtLayout?
    private var result: HearthLtLayout?
    private var proposal = HearthLtProposal()
    /// That of the workspace must be at a multiple of so many: what begins elsewhere loses as much.
    private static let workspaceAlignment = 256

    private var workspaceBytes: Int { max(0, product.workspaceBytes - Self.workspaceAlignment) }

    init(_ product: MatrixProduct) throws(DeviceError) {
        library = try CUDAProductLibrary.shared.get()
        self.product = product
        let call = library.call
        try library.check(call.cublasLtCreate(&handle), "starting the library of products")
        try library.check(
            call.cublasLtMatmulDescCreate(
                &description,
                Int32(product.factors == .tf32 ? HEARTH_LT_COMPUTE_32F_TF32 : HEARTH_LT_COMPUTE_32F),
                Int32(HEARTH_LT_F32)),
            "describing the product", sizes)
        // Rows of the summed axis, side by side, are columns of the library: the first factor is transposed, the second is not.
        try set(HEARTH_LT_TRANSPOSE_A, Int32(product.right.step == 1 ? 1 : 0))
        try set(HEARTH_LT_TRANSPOSE_B, Int32(product.left.step == 1 ? 0 : 1))
        if product.bias != nil { try set(HEARTH_LT_EPILOGUE, Int32(HEARTH_LT_EPILOGUE_BIAS)) }
        right = try layout(product.right, lines: product.columns, length: product.depth, product.element)
        left = try layout(product.left, lines: product.rows, length: product.depth, product.element)
        result = try layout(product.result, lines: product.rows, length: product.columns, product.resultElement)
        try choose()
    }

    deinit {
        let call = library.call
        for layout in [right, left, result] { if let layout { _ = call.cublasLtMatrixLayoutDestroy(layout) } }
        if let description { _ = call.cublasLtMatmulDescDestroy(description) }
        if let handle { _ = call.cublasLtDestroy(handle) }
    }

    /// Bytes of the operand that takes the result.
    var resultByteCount: Int { product.byteCount(of: product.result.operand) }

    /// Starts the product on a stream; `address` gives that of an operand, and `elsewhere` takes the place of the one that takes
    /// the result.
    func start(
        on stream: HearthCUStream, elsewhere: UnsafeMutableRawPointer?, _ address: (_ operand: Int) -> UInt64
    ) throws(DeviceError) {
        func at(_ matrix: MatrixProduct.Matrix, _ type: ElementType) -> UnsafeMutableRawPointer? {
            UnsafeMutableRawPointer(bitPattern: UInt(address(matrix.operand)) + UInt(matrix.offset * type.byteCount))
        }
        if let bias = product.bias {
            try set(HEARTH_LT_BIAS, address(bias.operand) + UInt64(bias.offset * product.resultElement.byteCount))
        }
        let (one, kept) = (Float(1), Float(product.addend == nil ? 0 : 1))
        let to =
            elsewhere.map { $0 + product.result.offset * product.resultElement.byteCount }
            ?? at(product.result, product.resultElement)
        var place = product.result
        place.operand = product.addend ?? -1
        let added = product.addend == nil ? to : at(place, product.resultElement)
        let begin = UInt(address(product.workspace)) + UInt(Self.workspaceAlignment - 1)
        let workspace = begin / UInt(Self.workspaceAlignment) * UInt(Self.workspaceAlignment)
        let status = withUnsafePointer(to: one) { one in
            withUnsafePointer(to: kept) { kept in
                withUnsafePointer(to: proposal.algorithm) { algorithm in
                    library.call.cublasLtMatmul(
                        handle, description, one, at(product.right, product.element), right,
                        at(product.left, product.element), left, kept, added, result, to, result, algorithm,
                        UnsafeMutableRawPointer(bitPattern: workspace), workspaceBytes,
                        UnsafeMutableRawPointer(stream))
                }
            }
        }
        try library.check(status, "starting the product", sizes)
    }

    private func set<Value>(_ attribute: some BinaryInteger, _ value: Value) throws(DeviceError) {
        let status = withUnsafePointer(to: value) {
            library.call.cublasLtMatmulDescSetAttribute(
                description, Int32(attribute), $0, MemoryLayout<Value>.size)
        }
        try library.check(status, "describing the product", sizes)
    }

    /// A matrix of the library: its columns are our lines where neighbours of a line lie side by side, else the other way.
    private func layout(
        _ matrix: MatrixProduct.Matrix, lines: Int, length: Int, _ element: ElementType
    ) throws(DeviceError) -> HearthLtLayout? {
        let type = element == .f32 ? HEARTH_LT_F32 : element == .f16 ? HEARTH_LT_F16 : HEARTH_LT_BF16
        let (rows, columns, distance) =
            matrix.step == 1 ? (length, lines, matrix.line) : (lines, length, matrix.step)
        var made: HearthLtLayout?
        try library.check(
            library.call.cublasLtMatrixLayoutCreate(&made, Int32(type), UInt64(rows), UInt64(columns), Int64(distance)),
            "describing a matrix", sizes)
        guard product.batches > 1 else { return made }
        var count = Int32(product.batches)
        var stride = Int64(matrix.batch)
        let first = library.call.cublasLtMatrixLayoutSetAttribute(made, Int32(HEARTH_LT_BATCHES), &count, 4)
        let second = library.call.cublasLtMatrixLayoutSetAttribute(made, Int32(HEARTH_LT_BATCH_STRIDE), &stride, 8)
        guard first == 0, second == 0 else {
            if let made { _ = library.call.cublasLtMatrixLayoutDestroy(made) }
            try library.check(first != 0 ? first : second, "describing the batches of a matrix", sizes)
            return nil
        }
        return made
    }

    /// Asks the library how it would compute the product.
    private func choose() throws(DeviceError) {
        let call = library.call
        var preference: HearthLtPreference?
        try library.check(call.cublasLtMatmulPreferenceCreate(&preference), "asking for products")
        defer { _ = call.cublasLtMatmulPreferenceDestroy(preference) }
        var bytes = UInt64(workspaceBytes)
        try library.check(
            call.cublasLtMatmulPreferenceSetAttribute(preference, Int32(HEARTH_LT_WORKSPACE_BYTES), &bytes, 8),
            "asking for products")
        var alignment = UInt32(MatrixProduct.alignment)
        for number in 0..<4 {
            try library.check(
                call.cublasLtMatmulPreferenceSetAttribute(
                    preference, Int32(HEARTH_LT_ALIGNMENT_A + number), &alignment, 4), "asking for products")
        }
        var proposals = [HearthLtProposal](repeating: HearthLtProposal(), count: product.proposal + 1)
        var count: Int32 = 0
        let status = call.cublasLtMatmulAlgoGetHeuristic(
            handle, description, right, left, result, result, preference, Int32(proposals.count), &proposals, &count)
        guard status == 0, count > 0, Int(count) <= proposals.count, proposals[Int(count) - 1].state == 0 else {
            throw .libraryFailed(
                .init(
                    library: CUDAProductLibrary.name, sizes: sizes,
                    reason: "it has no way to compute the product (status \(status))"))
        }
        proposal = proposals[Int(count) - 1]
    }
}
