/// Tokens by their UTF-8 bytes, for the longest that a text begins with.
///
/// Bytes, because Swift's strings are equal where they are canonically equivalent, and tokens are not.
package struct ByteTrie: Sendable {
    /// Edges: a node's number times 256 plus a byte, to the next node.
    private var edges: [UInt64: Int32] = [:]
    /// The token that ends at a node; −1 where none does.
    private var tokens: [Int32] = [-1]

    /// No tokens.
    package init() {}

    /// Makes room for about so many bytes of tokens.
    package mutating func reserve(_ byteCount: Int) {
        edges.reserveCapacity(byteCount)
        tokens.reserveCapacity(byteCount)
    }

    /// Adds a token; one of the same bytes is replaced.
    package mutating func insert(_ bytes: some Sequence<UInt8>, _ token: Int32) {
        var node: Int32 = 0
        for byte in bytes {
            let edge = UInt64(node) << 8 | UInt64(byte)
            if let next = edges[edge] {
                node = next
            } else {
                let next = Int32(tokens.count)
                tokens.append(-1)
                edges[edge] = next
                node = next
            }
        }
        tokens[Int(node)] = token
    }

    /// The longest token at the start of some bytes, and its length; nil where none is there.
    package func longest(in bytes: ArraySlice<UInt8>) -> (token: Int32, length: Int)? {
        var (node, length) = (Int32(0), 0)
        var found: (Int32, Int)?
        for byte in bytes {
            guard let next = edges[UInt64(node) << 8 | UInt64(byte)] else { break }
            node = next
            length += 1
            if tokens[Int(node)] >= 0 { found = (tokens[Int(node)], length) }
        }
        return found
    }

    /// The token of exactly these bytes.
    package subscript(bytes: some Sequence<UInt8>) -> Int32? {
        var node: Int32 = 0
        for byte in bytes {
            guard let next = edges[UInt64(node) << 8 | UInt64(byte)] else { return nil }
            node = next
        }
        return tokens[Int(node)] >= 0 ? tokens[Int(node)] : nil
    }
}
