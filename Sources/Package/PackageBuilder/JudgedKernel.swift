import Base
import ElementTypes
import GraphIR
import GraphLowering
import KernelCodeGen
import KernelIR
import KernelJudge

/// A kernel that a graph becomes, with what the judge must know of it: for what judges kernels apart from a model's search.
package struct JudgedKernel: Sendable {
    /// The kernel.
    package let kernel: Kernel
    /// Inputs and their truth.
    package let evidence: RegionEvidence

    /// The distinct kernels of a graph under the default decisions, those left out that cannot be judged alone. `worker` starts
    /// the process that computes constants, if there are any.
    package static func all(
        in graph: Graph, tensors: any TensorSource, generator: CodeGenerator, worker: WorkerCommand, seed: UInt64
    ) throws -> [JudgedKernel] {
        let form = try ModelForm(FormChoices(), try ModelForm.rewritten(graph, FormChoices()))
        let generated = try GeneratedProgram(form.list, schedules: [:], generator: generator)
        // Constants that launches of the program compute would need its library; kernels that read such are left out.
        let folder = ConstantFolder(
            form, generated, tensors: tensors, library: "", workshop: try ConstantWorkshop(worker))
        var found: [JudgedKernel] = []
        var seen: Set<KernelID> = []
        for (index, launch) in form.program.launches.enumerated() where !launch.isConstant {
            let isFolded = launch.buffers.contains { buffer in
                if case .folded = form.program.buffers[buffer].role { true } else { false }
            }
            guard !isFolded, seen.insert(form.list.ofLaunch[index]).inserted else { continue }
            do {
                let truth = try RegionTruth(
                    form.program, launch: index, graph: form.graph, tensors: tensors, folder: folder, record: nil)
                found.append(
                    JudgedKernel(kernel: launch.kernel, evidence: RegionEvidence(oracle: truth, seed: seed)))
            } catch is RegionGraph.Obstacle {
                continue
            }
        }
        return found
    }
}
