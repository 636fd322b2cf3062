import ElementTypes
import GraphIR

/// `y = exp(x)` of f32[9, 70]: a model of one kernel, for tests of the way around it.
func exponentialGraph() throws -> Graph {
    var builder = GraphBuilder(name: "exponential")
    let type = TensorType(.f32, [9, 70])
    builder.graph.inputs = [GraphPort(name: "x", type: type)]
    let x = try builder.leaf(.input(0, type))
    builder.graph.outputs = [
        GraphOutput(name: "y", value: try builder.map([x]) { map, terms in map.apply(.exp, terms[0]) })
    ]
    return builder.graph
}
