import PackageRuntime
import RequestScheduler

/// A tensor of a call: where it lies, and what keeps it there.
///
/// Safety of `@unchecked Sendable`: whoever holds it reads it, or writes it as its only holder.
package struct CallTensor: @unchecked Sendable {
    /// Element type and extents.
    package var type: TensorDescription
    /// First element, aligned to the element type.
    package var address: UnsafeMutableRawPointer
    /// What the memory belongs to.
    package var owner: any AnyObject & Sendable

    /// A tensor in memory of somebody.
    package init(_ type: TensorDescription, at address: UnsafeMutableRawPointer, of owner: any AnyObject & Sendable) {
        (self.type, self.address, self.owner) = (type, address, owner)
    }

    /// A tensor in memory of its own.
    package init(_ memory: TensorMemory) { self.init(memory.type, at: memory.address, of: memory) }

    /// Size in bytes.
    package var byteCount: Int { type.byteCount ?? 0 }

    /// The elements' bytes, valid while this value lives.
    package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: address, count: byteCount) }
}

/// One inference that somebody wants: inputs in the model's order, and where outputs are to be put.
package struct InferenceCall: Sendable {
    /// The inputs, in the model's order.
    package var inputs: [CallTensor]
    /// Memory for outputs that the caller has, in the model's order; nil for memory of the server's.
    package var destinations: [CallTensor?]
    /// Number of the client, for fairness.
    package var client = 0
    /// Urgency, 0 the most urgent.
    package var priority = 0
    /// When it is of no more use, on the monotonic clock in nanoseconds.
    package var deadline: UInt64?

    /// A call of these inputs.
    package init(_ inputs: [CallTensor], destinations: [CallTensor?]) {
        (self.inputs, self.destinations) = (inputs, destinations)
    }
}

/// What a call gave.
package struct CallResult: Sendable {
    /// Outputs in the model's order.
    package var outputs: [CallTensor]
    /// Nanoseconds that it waited.
    package var queued: UInt64
    /// Nanoseconds that its batch was computed.
    package var computed: UInt64
    /// Rows of that batch.
    package var batchRows: Int
}

/// Who is told how a call ended; called once, on a thread of the model's.
package typealias CallEnd = @Sendable (Result<CallResult, ServeError>) -> Void

/// A call that waits or runs.
struct PendingCall: Sendable {
    var call: InferenceCall
    /// Values of the model's symbols for its inputs.
    var symbols: [Int]
    var submitted: UInt64
    var end: CallEnd
}
