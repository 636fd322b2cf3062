import Base
import ElementTypes
import GraphIR
import KernelIR
import Testing

@testable import GraphLowering

@Test func sumAndSoftmaxAreOneKernel() throws {
    var b = GraphBuilder(name: "t")
    let type = TensorType(.f32, [2, 12, 100])
    b.graph.inputs = [GraphPort(name: "x", type: type), GraphPort(name: "y", type: type)]
    let x = try b.leaf(.input(0, type))
    let y = try b.leaf(.input(1, type))
    let s = try b.map([x, y]) { $0.apply(.add, $1[0], $1[1]) }
    let m = try b.add(.reduce(Reduce(.maximum, axes: [2])), [s])
    let mr = try b.reshape(m, [2, 12, 1])
    let e = try b.map([s, mr]) { $0.apply(.exp, $0.apply(.subtract, $1[0], $1[1])) }
    let z = try b.add(.reduce(Reduce(.sum, axes: [2])), [e])
    let zr = try b.reshape(z, [2, 12, 1])
    let o = try b.map([e, zr]) { $0.apply(.divide, $1[0], $1[1]) }
    b.graph.outputs = [GraphOutput(name: "o", value: o)]
    let program = try lower(b.graph)
    // The sum before, the softmax and nothing else: one kernel, which reads the inputs and writes the output.
    #expect(program.launches.count == 1)
    #expect(program.launches[0].buffers.map { program.buffers[$0].role } == [.input(0), .input(1), .output(0)])
    guard case .nest(let nest) = program.launches[0].kernel.body else {
        Issue.record("a softmax is a nest kernel")
        return
    }
    // Maximum, then the sum of exponentials (kept in a row buffer), then the quotient.
    #expect(nest.steps.count == 3 && nest.slots.count == 2 && nest.rows.count == 1)
    #expect(nest.axes.map(\.extent) == [24])
}
