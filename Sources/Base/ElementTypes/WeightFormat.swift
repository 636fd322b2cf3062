/// How weights of products are stored where the user allowed fewer bits than the model has.
package enum WeightFormat: String, CaseIterable, Hashable, Sendable {
    /// `float8_e4m3fn` with an f32 scale for each row: the greatest magnitude of a row becomes 448.
    case fp8
    /// Whole numbers from −127 to 127 with an f32 scale for each row.
    case int8
    /// Whole numbers from −8 to 7 in blocks of 32 along the summed axis, with a bf16 scale for each block.
    case int4

    /// Elements that share a scale; nil where a row does.
    package var block: Int? {
        switch self {
        case .fp8, .int8: nil
        case .int4: 32
        }
    }

    /// In words, for reports.
    package var summary: String {
        switch self {
        case .fp8: "float8_e4m3fn, an f32 scale a row"
        case .int8: "8-bit integers, an f32 scale a row"
        case .int4: "4-bit integers in blocks of 32, a bf16 scale a block"
        }
    }

    /// Element type of the stored codes: two of 4 bits share a byte.
    package var codes: ElementType {
        switch self {
        case .fp8: .f8e4m3
        case .int8: .i8
        case .int4: .u8
        }
    }

    /// Element type of the scales.
    package var scales: ElementType {
        switch self {
        case .fp8, .int8: .f32
        case .int4: .bf16
        }
    }
}
