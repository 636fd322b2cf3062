import Base
import ElementTypes
import GraphIR

/// Which nodes become one kernel: the fusion decisions.
///
/// Maps are lazy: they are computed where they are used unless they are materialised. A group has an anchor (a reduction
/// or a heavy operation) and members that are computed with it.
package struct Partition: Sendable {
    /// Nodes that one kernel computes.
    package struct Group: Sendable {
        /// What the kernel is built around.
        package enum Kind: Sendable {
            /// Reductions that share a full domain and reduced axes, with the maps between and after them.
            case rows(full: Shape, axes: [Int])
            /// A heavy operation with the maps that follow it.
            case heavy
            /// A map alone.
            case map
        }

        package var kind: Kind
        package var anchor: NodeID
        /// All nodes computed, in topological order, the anchor included; views between them are not listed.
        package var members: [NodeID]
        /// Values that leave the group.
        package var results: [Value]
        /// How the columns of a product are cut, where its epilogue reads several.
        var gate: GatedProduct.Gate?
        /// Where the columns of a product go, where that is to several places.
        var spread: SpreadProduct?
        /// The norm that a product takes in with its left operand.
        var norm: NormedOperand?
    }

    /// In an order in which every value is computed before it is read.
    package var groups: [Group]
    /// For each value that stands in memory, the group that computes it.
    package var producer: [Value: Int]
    /// Nodes whose value is known at build time.
    package var isConstant: [Bool]
    /// Nodes of values that fit no group because nothing needs them.
    let graph: Graph

    /// Whether a value is read from memory.
    package func isMaterialised(_ value: Value) -> Bool {
        if producer[value] != nil { return true }
        if case .leaf(let leaf) = graph.nodes[value.node].operation {
            switch leaf {
            case .input, .parameter, .state, .carried, .looped: return true
            case .constant(let elements, _): return elements.count != 1
            case .iota, .dimension: return false
            }
        }
        return false
    }
}
