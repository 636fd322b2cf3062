import ElementTypes
import JSON

/// A request for an inference: the JSON part of the Open Inference Protocol's, with where its binary tensors lie in the body.
package struct InferenceRequest: Sendable, Equatable {
    /// Part of a shared memory region.
    package struct SharedPlace: Sendable, Equatable {
        /// Name under which the region was registered.
        package var region: String
        /// First byte in the region.
        package var offset: Int
        /// Length.
        package var byteCount: Int

        /// Part of a region.
        package init(region: String, offset: Int, byteCount: Int) {
            (self.region, self.offset, self.byteCount) = (region, offset, byteCount)
        }
    }

    /// Where a tensor's elements are.
    package enum Content: Sendable, Equatable {
        /// In the JSON, as one list or as lists within lists.
        case json(JSONValue)
        /// In the body, row-major and little-endian.
        case binary(Range<Int>)
        /// In shared memory, laid out likewise.
        case shared(SharedPlace)
    }

    /// A tensor that is given.
    package struct Input: Sendable, Equatable {
        /// Name of the model's input.
        package var name: String
        /// Type of its elements.
        package var element: ElementType
        /// Extents, outermost first.
        package var shape: [Int]
        /// Where the elements are.
        package var content: Content
    }

    /// A tensor that is asked for.
    package struct Output: Sendable, Equatable {
        /// Name of the model's output.
        package var name: String
        /// Whether it comes as bytes after the JSON; nil where the request leaves that to its own default.
        package var isBinary: Bool?
        /// How many of the largest elements are asked for, as `value:index`, in place of the tensor; 0 for the tensor.
        package var classes = 0
        /// Where it is to be put, in place of the response.
        package var place: SharedPlace?

        /// An output that is asked for without more.
        package init(name: String) { self.name = name }
    }

    /// Identifier that the response repeats; empty where there is none.
    package var id = ""
    /// Tensors given.
    package var inputs: [Input]
    /// Tensors asked for; nil for all that the model gives.
    package var outputs: [Output]?
    /// Whether outputs that say nothing of it come as bytes.
    package var isBinaryByDefault = false
    /// Urgency: 0 where not given, else 1 (most urgent) and up.
    package var priority = 0
    /// How long it may wait, in microseconds; nil for the server's own limit.
    package var timeout: Int?
}
