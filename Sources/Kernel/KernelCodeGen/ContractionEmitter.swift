import ElementTypes
import KernelIR

/// The choices of a contraction: instruction family, register tile, packing, blocking and reading ahead.
package func contractionChoices(
    _ kernel: Kernel, _ contraction: ContractionKernel, _ target: CPUTarget
) -> [Choice] {
    guard let depthwise = DepthwiseShape(kernel, contraction, lanes: CPrelude.lanes(target)) else {
        return ContractionSizes(kernel, contraction, target).choices.all
    }
    let choices = depthwise.choices(target)
    return [choices.tile, choices.grain]
}

/// Emits a contraction as C.
package func emitContraction(
    _ kernel: Kernel, _ contraction: ContractionKernel, symbol: String, _ schedule: Schedule, _ target: CPUTarget
) throws(EmissionError) -> EmittedKernel {
    for axis in contraction.batch + contraction.rows + contraction.columns + contraction.taps + [contraction.depth] {
        guard axis.variable.kind == .axis, axis.variable.index < 900_000 else {
            throw EmissionError(kernel: kernel.name, reason: "axis \(axis.variable.name) is not a loop variable")
        }
    }
    guard [.f32, .bf16, .f16, .i8].contains(contraction.operandElement) else {
        throw EmissionError(
            kernel: kernel.name, reason: "products of \(contraction.operandElement.rawValue) are not generated")
    }
    for (name, function) in [("left", contraction.left), ("right", contraction.right)] {
        let types = function.body.types(parameters: kernel.parameters)
        guard types[function.result] == contraction.operandElement.computeType else {
            throw EmissionError(
                kernel: kernel.name, reason: "\(name) operand has compute type \(types[function.result].rawValue)")
        }
    }
    if let shape = DepthwiseShape(kernel, contraction, lanes: CPrelude.lanes(target)) {
        return DepthwiseWriter(shape, symbol: symbol, schedule, target).write()
    }
    let sizes = ContractionSizes(kernel, contraction, target)
    if schedule[sizes.choices.algorithm] == 1, let shape = sizes.winograd {
        var emitted = WinogradWriter(shape, sizes, symbol: symbol, schedule).write()
        emitted.spreading = "Winograd's transform"
        return emitted
    }
    if schedule[sizes.choices.algorithm] == 2, let shape = sizes.window {
        return WindowWriter(shape, sizes, symbol: symbol, schedule).write()
    }
    if schedule[sizes.choices.algorithm] >= 3, let shape = LibraryShape(sizes) {
        return LibraryWriter(
            shape, ContractionPlan(kernel, contraction, schedule, target), symbol: symbol,
            isWide: schedule[sizes.choices.algorithm] == 4
        ).write()
    }
    let plan = ContractionPlan(kernel, contraction, schedule, target)
    guard !(plan.packsAtBuild && plan.panelElements.constantValue == nil) else {
        throw EmissionError(kernel: kernel.name, reason: "a packed operand has a symbolic size")
    }
    var writer = ContractionWriter(plan: plan, symbol: symbol)
    return writer.write()
}
