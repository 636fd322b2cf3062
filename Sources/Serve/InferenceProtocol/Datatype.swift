import ElementTypes

/// Names of element types in the Open Inference Protocol, version 2 ("Tensor Data Types"), with the two of eight bits that it lacks.
package enum Datatype {
    private static let pairs: [(ElementType, String)] = [
        (.bool, "BOOL"), (.u8, "UINT8"), (.i8, "INT8"), (.i16, "INT16"), (.i32, "INT32"), (.i64, "INT64"),
        (.f16, "FP16"), (.bf16, "BF16"), (.f32, "FP32"), (.f64, "FP64"), (.f8e4m3, "FP8_E4M3"), (.f8e5m2, "FP8_E5M2"),
    ]

    /// All names.
    package static var names: [String] { pairs.map(\.1) }

    /// The name of an element type.
    package static func name(_ element: ElementType) -> String {
        for pair in pairs where pair.0 == element { return pair.1 }
        preconditionFailure("every element type has a name")
    }

    /// The element type of a name.
    package static func element(_ name: String) -> ElementType? {
        for pair in pairs where pair.1 == name { return pair.0 }
        return nil
    }
}
