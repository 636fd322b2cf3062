import Base
import DeviceAPI
import ElementTypes
import GraphIR
import KernelJudge

/// A product and where its matrices lie.
private struct ProductCase {
    var element: ElementType
    var result: ElementType
    var sizes: (batches: Int, rows: Int, columns: Int, depth: Int)
    /// Whether neighbours of the left matrix's rows (of the right one's columns) lie side by side.
    var isLeftAlong = true
    var isRightAlong = true
    var hasBias = false
    var hasAddend = false
    /// Elements before the first of every matrix, and between the end of a line and the next.
    var offset = 0
    var gap = 0
    /// Whether all batches share the right matrix.
    var sharesRight = false

    private func matrix(_ operand: Int, _ lines: Int, _ length: Int, isAlong: Bool, isShared: Bool)
        -> MatrixProduct.Matrix
    {
        let distance = (isAlong ? length : lines) + gap
        return .init(
            operand: operand, offset: offset, line: isAlong ? distance : 1, step: isAlong ? 1 : distance,
            batch: isShared || sizes.batches == 1 ? 0 : distance * (isAlong ? lines : length))
    }

    var product: MatrixProduct {
        MatrixProduct(
            element: element, resultElement: result, rows: sizes.rows, columns: sizes.columns, depth: sizes.depth,
            batches: sizes.batches, left: matrix(0, sizes.rows, sizes.depth, isAlong: isLeftAlong, isShared: false),
            right: matrix(1, sizes.columns, sizes.depth, isAlong: isRightAlong, isShared: sharesRight),
            result: matrix(2, sizes.rows, sizes.columns, isAlong: true, isShared: false),
            bias: hasBias ? .init(operand: 3, offset: offset) : nil, addend: hasAddend ? 5 : nil, workspace: 4,
            workspaceBytes: 1 << 20)
    }

    var description: String {
        "\(sizes.batches) of \(sizes.rows) x \(sizes.columns) x \(sizes.depth), \(element) to \(result)"
            + "\(isLeftAlong ? "" : ", left turned")\(isRightAlong ? "" : ", right turned")\(hasBias ? ", bias" : "")\(hasAddend ? ", addend" : "")"
    }

    static let all: [ProductCase] = {
        var cases: [ProductCase] = []
        for element in [ElementType.bf16, .f16] {
            for (isLeftAlong, isRightAlong) in [(true, true), (true, false), (false, true), (false, false)] {
                cases.append(
                    ProductCase(
                        element: element, result: .f32, sizes: (1, 24, 40, 56), isLeftAlong: isLeftAlong,
                        isRightAlong: isRightAlong))
                cases.append(
                    ProductCase(
                        element: element, result: element, sizes: (3, 16, 8, 32), isLeftAlong: isLeftAlong,
                        isRightAlong: isRightAlong, offset: 8, gap: 8))
            }
            cases.append(ProductCase(element: element, result: element, sizes: (1, 128, 96, 64), hasBias: true))
            cases.append(
                ProductCase(element: element, result: element, sizes: (1, 128, 96, 64), hasBias: true, hasAddend: true))
            cases.append(
                ProductCase(element: element, result: .f32, sizes: (2, 24, 16, 32), hasAddend: true, offset: 8, gap: 8))
            cases.append(ProductCase(element: element, result: .f32, sizes: (2, 8, 16, 24), sharesRight: true))
        }
        cases.append(ProductCase(element: .f32, result: .f32, sizes: (2, 12, 20, 16), isRightAlong: false))
        return cases
    }()
}

extension ConformanceCheck {
    /// Products by libraries of the vendor.
    static let libraryProducts: [ConformanceCheck] = [
        .init("products by a library are those of the matrices, where there is one") { bench in
            if !bench.device.libraries.contains(where: { $0.name == LibraryCall.productLibrary })
                || bench.device.limits.blocks == nil
            {
                return
            }
            try await bench.withKernel(try line(8, factor: 1, added: 0)) { kernel in
                for (number, one) in ProductCase.all.enumerated() {
                    let product = one.product
                    var random = SeededRandom(seed: UInt64(number + 1))
                    // Small whole numbers: sums are exact in f32, and so are products of them.
                    var contents: [[Double]] = []
                    for operand in 0..<6 {
                        // The workspace, which holds nothing.
                        if operand == 4 {
                            contents.append([])
                            continue
                        }
                        let type = operand < 2 ? product.element : product.resultElement
                        let count = max(1, product.byteCount(of: operand) / type.byteCount)
                        contents.append((0..<count).map { _ in Double(random.index(below: 9)) - 4 })
                    }
                    let bytes = contents.enumerated().map { operand, values in
                        elementBytes(values, operand < 2 ? product.element : product.resultElement)
                    }
                    let found = try kernel.result(of: .product(product), bytes)
                    let results = elementValues(found, product.resultElement)
                    try check(product, contents, results, one.description)
                }
            }
        },
        .init("products by a library follow slots that move") { bench in
            let (device, queue) = (bench.device, try bench.device.makeQueue())
            let isThere = device.libraries.contains { $0.name == LibraryCall.productLibrary }
            if !isThere || device.limits.blocks == nil { return }
            let side = 16
            let size = 4 * side * side
            try await bench.withKernel(try line(8, factor: 1, added: 0)) { kernel in
                let (places, workspace) = (10, 1 << 20)
                let arena = try device.allocate(size * (places + 3) + workspace)
                try queue.fill(arena, with: 0)
                // Two factors and ten places for results; the first factor is `number`, the second the unit matrix.
                var unit = [Float](repeating: 0, count: side * side)
                for index in 0..<side { unit[index * (side + 1)] = 1 }
                for (place, factor) in [0, 1].map({ ($0, [Float](repeating: Float($0 + 3), count: side * side)) }) {
                    try factor.withUnsafeBytes { try queue.copy($0, to: arena, at: size * place) }
                }
                try unit.withUnsafeBytes { try queue.copy($0, to: arena, at: size * 2) }
                try queue.synchronize()
                func place(_ number: Int) -> UnsafeMutableRawPointer { arena.address + size * number }
                let matrix = { (operand: Int) in MatrixProduct.Matrix(operand: operand, line: side) }
                let product = MatrixProduct(
                    element: .f32, resultElement: .f32, rows: side, columns: side, depth: side, left: matrix(0),
                    right: matrix(1), result: matrix(2), workspace: 3, workspaceBytes: workspace)
                var launch = try kernel.launch([.fixed(arena.address)], [.fixed(arena.address)])
                launch.operands = [
                    .slot(0, byteOffset: 0), .fixed(place(2)), .slot(1, byteOffset: 0), .fixed(place(places + 3)),
                ]
                launch.spread = .grid(.init(blocks: .zero, threads: 32, call: .product(product)))
                let graph = try device.makeGraph([launch], slotCount: 2, workspaceBytes: 0)
                // More places than are remembered, and back to the first ones.
                for turn in Array(0..<places) + [1, 0, 9, 0] {
                    let slots = [place(turn % 2), place(3 + turn)]
                    try slots.withUnsafeBufferPointer { try graph.run($0) }
                }
                for turn in 0..<places {
                    var found = [Float](repeating: 0, count: side * side)
                    try found.withUnsafeMutableBytes { try queue.copy(arena, at: size * (3 + turn), to: $0) }
                    try queue.synchronize()
                    try require(found.allSatisfy { $0 == Float(turn % 2 + 3) }, "place \(turn) holds \(found[0])")
                }
            }
        },
        .init("products by a library of operands that are not there are refused") { bench in
            if bench.device.limits.blocks == nil { return }
            try await bench.withKernel(try line(8, factor: 1, added: 0)) { kernel in
                let buffer = try bench.device.allocate(256)
                var launch = try kernel.launch([.fixed(buffer.address)], [.fixed(buffer.address)])
                launch.spread = .grid(.init(blocks: .zero, threads: 32, call: .product(ProductCase.all[0].product)))
                try requireError(
                    "a product of five operands, of which two are there",
                    { if case DeviceError.badLaunch = $0 { true } else { false } },
                    { _ = try bench.device.makeGraph([launch]) })
            }
        },
    ]

    private static func check(
        _ product: MatrixProduct, _ contents: [[Double]], _ results: [Double], _ what: String
    ) throws {
        var expected = contents[2]
        let (a, b, d) = (product.left, product.right, product.result)
        for batch in 0..<product.batches {
            for m in 0..<product.rows {
                for n in 0..<product.columns {
                    var sum = product.bias.map { contents[3][$0.offset + n] } ?? 0
                    for k in 0..<product.depth {
                        sum +=
                            contents[0][a.offset + batch * a.batch + m * a.line + k * a.step]
                            * contents[1][b.offset + batch * b.batch + n * b.line + k * b.step]
                    }
                    let place = d.offset + batch * d.batch + m * d.line + n
                    expected[place] = sum + (product.addend == nil ? 0 : contents[5][place])
                }
            }
        }
        let rounding = product.resultElement == .f32 ? 0 : product.resultElement == .f16 ? 0x1p-10 : 0x1p-7
        for (index, (found, wanted)) in zip(results, expected).enumerated() {
            try require(
                abs(found - wanted) <= rounding * abs(wanted), "\(what): element \(index) is \(found), not \(wanted)")
        }
    }
}

/// Numbers as elements in memory.
func elementBytes(_ values: [Double], _ element: ElementType) -> [UInt8] {
    var bytes: [UInt8] = []
    for value in values {
        switch element {
        case .f32: withUnsafeBytes(of: Float(value)) { bytes += $0 }
        case .f16: withUnsafeBytes(of: Float16(value)) { bytes += $0 }
        default: withUnsafeBytes(of: UInt16(Float(value).bitPattern >> 16)) { bytes += $0 }
        }
    }
    return bytes
}

/// The numbers of elements in memory.
func elementValues(_ bytes: [UInt8], _ element: ElementType) -> [Double] {
    bytes.withUnsafeBytes { raw in
        switch element {
        case .f32: raw.bindMemory(to: Float.self).map { Double($0) }
        case .f16: raw.bindMemory(to: Float16.self).map { Double($0) }
        default: raw.bindMemory(to: UInt16.self).map { Double(Float(bitPattern: UInt32($0) << 16)) }
        }
    }
}
