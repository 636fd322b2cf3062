import Base
import ElementTypes
import GraphIR
import KernelCodeGen
import KernelIR
import Testing

@testable import GraphLowering

@Test func probe() throws {
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
    let target = CPUTarget(
        vectorBytes: 64, vectorRegisters: 32, hasFMA: true, hasF16Conversion: true, hasBF16Dot: true, hasAMXBF16: false,
        hasInt8Dot: true, cacheBytes: [49152, 1 << 20, 32 << 20], threads: 2, compilerFlags: ["-march=native"])
    let emitter = KernelEmitter(target)
    print(emitter.prelude)
    for (i, l) in program.launches.enumerated() {
        print("// \(l.kernel.name) buffers \(l.buffers.map { program.buffers[$0].role })")
        let em = try emitter.emit(l.kernel, symbol: "k\(i)", Schedule())
        print(em.source, "// parts \(em.parts)")
    }
}
