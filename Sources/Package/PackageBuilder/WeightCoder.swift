import ElementTypes

/// Codes of weights: rows of f32 become codes and scales.
///
/// fp8 and int8 map a row's greatest magnitude to the greatest code. int4 tries several scales a block and keeps the one with the
/// least squared error: the greatest magnitude as −8 (which uses all codes), or as 7, each also a little smaller, so that a
/// lone great weight does not spoil the others (as GGML's Q4_0 and its searches do). Codes are chosen for the scale as stored.
struct WeightCoder {
    let format: WeightFormat

    /// Parts of the scale that maps a block's greatest magnitude to −8 that are tried.
    private static let parts: [Float] = [1, 0.96, 0.92, 0.88, 0.84, 0.8]

    /// Bytes of the codes of a row of so many elements.
    func codeBytes(_ depth: Int) -> Int { format == .int4 ? depth / 2 : depth }

    /// Bytes of the scales of a row of so many elements.
    func scaleBytes(_ depth: Int) -> Int { (format.block.map { depth / $0 } ?? 1) * format.scales.byteCount }

    /// Writes the codes and scales of one row. A row or block of zeros has scale 0 (codes that stand for 0); elements that
    /// are no numbers make the scale one, too.
    func encode(
        _ row: UnsafeBufferPointer<Float>, codes: UnsafeMutableRawBufferPointer, scales: UnsafeMutableRawBufferPointer
    ) {
        switch format {
        case .fp8: encodeRow(row, 448, codes, scales) { Self.e4m3($0) }
        case .int8:
            encodeRow(row, 127, codes, scales) {
                UInt8(bitPattern: $0.isNaN ? 0 : Int8(max(-127, min(127, Self.whole($0)))))
            }
        case .int4:
            for block in 0..<row.count / 32 {
                let part = UnsafeBufferPointer(rebasing: row[block * 32..<block * 32 + 32])
                let place = UnsafeMutableRawBufferPointer(rebasing: codes[block * 16..<block * 16 + 16])
                let scale = encodeBlock(part, place)
                scales.storeBytes(of: scale, toByteOffset: 2 * block, as: UInt16.self)
            }
        }
    }

    private func encodeRow(
        _ row: UnsafeBufferPointer<Float>, _ greatest: Float, _ codes: UnsafeMutableRawBufferPointer,
        _ scales: UnsafeMutableRawBufferPointer, _ code: (Float) -> UInt8
    ) {
        var largest: Float = 0
        for value in row { largest = max(largest, abs(value)) }
        let scale = largest / greatest
        scales.storeBytes(of: scale, as: Float.self)
        for index in row.indices { codes[index] = code(scale == 0 ? 0 : row[index] / scale) }
    }

    /// Codes of a block of 32; returns the bits of its bf16 scale.
    private func encodeBlock(_ block: UnsafeBufferPointer<Float>, _ codes: UnsafeMutableRawBufferPointer) -> UInt16 {
        var extreme: Float = 0
        for value in block where abs(value) > abs(extreme) { extreme = value }
        var best: (error: Float, scale: UInt16) = (.infinity, 0)
        if extreme != 0, extreme.isFinite {
            for part in Self.parts {
                for greatest: Float in [-8, 7] {
                    let bits = Self.bfloat(extreme / greatest * part)
                    let scale = Self.float(bits)
                    if scale == 0 || !scale.isFinite { continue }
                    let inverse = 1 / scale
                    var error: Float = 0
                    for value in block {
                        let code = max(-8, min(7, Self.whole(value * inverse)))
                        let difference = value - code * scale
                        error += difference * difference
                    }
                    if error < best.error { best = (error, bits) }
                }
            }
        }
        let scale = Self.float(best.scale)
        func code(_ value: Float) -> UInt8 {
            if scale == 0 { return 8 }
            let whole = max(-8, min(7, Self.whole(value * (1 / scale))))
            return whole.isNaN ? 8 : UInt8(8 + whole)
        }
        for index in 0..<16 { codes[index] = code(block[index]) | code(block[index + 16]) << 4 }
        return best.scale
    }

    /// The numbers that codes and scales of one row stand for, as f32.
    func decode(
        _ codes: UnsafeRawBufferPointer, _ scales: UnsafeRawBufferPointer, into row: UnsafeMutableBufferPointer<Float>
    ) {
        switch format {
        case .fp8:
            let scale = scales.loadUnaligned(as: Float.self)
            for index in row.indices { row[index] = Self.reals[Int(codes[index])] * scale }
        case .int8:
            let scale = scales.loadUnaligned(as: Float.self)
            for index in row.indices { row[index] = Float(Int8(bitPattern: codes[index])) * scale }
        case .int4:
            for block in 0..<row.count / 32 {
                let scale = Self.float(scales.loadUnaligned(fromByteOffset: 2 * block, as: UInt16.self))
                for index in 0..<16 {
                    let byte = codes[block * 16 + index]
                    row[block * 32 + index] = (Float(byte & 15) - 8) * scale
                    row[block * 32 + index + 16] = (Float(byte >> 4) - 8) * scale
                }
            }
        }
    }

    /// The nearest whole number of one below 2²², halves to even.
    private static func whole(_ value: Float) -> Float { (value + 0x1.8p23) - 0x1.8p23 }

    /// The e4m3 bits nearest to a number of at most 448: as `Float8` has it, in fewer steps.
    static func e4m3(_ value: Float) -> UInt8 {
        let bits = value.bitPattern
        let (sign, magnitude) = (UInt8(truncatingIfNeeded: bits >> 24) & 0x80, bits & 0x7FFF_FFFF)
        if magnitude > 0x7F80_0000 { return sign | 0x7F }
        if magnitude >= 0x43E0_0000 { return sign | 0x7E }
        if magnitude < 0x3C80_0000 { return sign | UInt8(whole(Float(bitPattern: magnitude) * 0x1p9)) }
        let rounded = magnitude - 0x3C00_0000 + 0x7FFFF + (magnitude >> 20 & 1)
        return sign | UInt8(truncatingIfNeeded: rounded >> 20)
    }

    private static let reals: [Float] = (0..<256).map { Float(Float8.e4m3.value(UInt8($0))) }

    private static func bfloat(_ value: Float) -> UInt16 {
        let bits = value.bitPattern
        return UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ ((bits >> 16) & 1)) >> 16)
    }

    private static func float(_ bits: UInt16) -> Float { Float(bitPattern: UInt32(bits) << 16) }
}
