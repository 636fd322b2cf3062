import KernelCodeGen
import KernelIR
import KernelSwarm

extension WrittenTexts: KernelSources {
    package func take(
        _ source: String, for key: String, _ schedule: Schedule, by author: String
    ) -> Result<(choice: String, value: Int), SourceRefused> {
        switch add(key, for: schedule, source, by: author) {
        case .success(let number): .success((Self.choiceName, number))
        case .failure(let fault): .failure(SourceRefused(reason: fault.description))
        }
    }
}
