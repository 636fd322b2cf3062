import ElementTypes

/// `softmax(scale × q·kᵀ + mask)·v` by online softmax (Milakov and Gimelshein 2018; Dao et al. 2022).
/// Query head `(keyHead, group)` reads key head `keyHead`.
package struct AttentionKernel: Hashable, Sendable {
    package var batch: LoopAxis
    package var keyHeads: LoopAxis
    /// Query heads for each key head.
    package var group: LoopAxis
    package var queries: LoopAxis
    package var keys: LoopAxis
    /// Extent of a query and of a key.
    package var depth: LoopAxis
    /// Extent of a value and of the result.
    package var valueDepth: LoopAxis
    /// Over batch, keyHeads, group, queries, depth.
    package var query: ScalarFunction
    /// Over batch, keyHeads, keys, depth.
    package var key: ScalarFunction
    /// Over batch, keyHeads, keys, valueDepth.
    package var value: ScalarFunction
    /// Over batch, keyHeads, group, queries, keys: bool (false hides) or floating (added).
    package var mask: ScalarFunction?
    /// Query i sees keys 0…i.
    package var isCausal: Bool
    /// Factor of the scores, as bits.
    package var scaleBits: UInt64
    /// Element type of q, k and v: scores and sums are f32.
    package var operandElement: ElementType
    /// Computed from `.accumulator` over batch, keyHeads, group, queries, valueDepth.
    package var epilogue: ScalarBody
    package var stores: [Store]

    /// Factor of the scores.
    package var scale: Double { Double(bitPattern: scaleBits) }

    /// Makes an attention.
    package init(
        batch: LoopAxis, keyHeads: LoopAxis, group: LoopAxis, queries: LoopAxis, keys: LoopAxis, depth: LoopAxis,
        valueDepth: LoopAxis, query: ScalarFunction, key: ScalarFunction, value: ScalarFunction, mask: ScalarFunction?,
        isCausal: Bool, scale: Double, operandElement: ElementType, epilogue: ScalarBody, stores: [Store]
    ) {
        self.batch = batch
        self.keyHeads = keyHeads
        self.group = group
        self.queries = queries
        self.keys = keys
        self.depth = depth
        self.valueDepth = valueDepth
        self.query = query
        self.key = key
        self.value = value
        self.mask = mask
        self.isCausal = isCausal
        scaleBits = scale.bitPattern
        self.operandElement = operandElement
        self.epilogue = epilogue
        self.stores = stores
    }
}
