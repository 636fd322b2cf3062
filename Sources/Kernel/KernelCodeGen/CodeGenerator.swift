import KernelIR

/// The generators of one build: C for the host, which computes constants and packs weights there, and where what runs is not
/// for the host, a dialect of blocks of threads.
package struct CodeGenerator: Sendable {
    /// Generates C.
    package let host: KernelEmitter
    /// Generates what runs on a device that runs blocks of threads; nil where the host runs everything.
    package let device: SIMTEmitter?
    /// What somebody wrote in place of generated kernels, for schedules that ask for it; nil where nothing is taken.
    package var texts: WrittenTexts?

    /// Makes generators; without a device's, all code is for the host.
    package init(_ host: KernelEmitter, device: SIMTEmitter? = nil) {
        self.host = host
        self.device = device
    }

    /// The text that must stand once before all functions that run.
    package var prelude: String { device?.prelude ?? host.prelude }

    /// The decisions that a search may take for a kernel that runs, defaults first.
    package func choices(_ kernel: Kernel) -> [Choice] { device?.choices(kernel) ?? host.choices(kernel) }

    /// The text of a kernel that runs, under a schedule; one that was written for it where the schedule asks for that.
    package func emit(_ kernel: Kernel, symbol: String, _ schedule: Schedule) throws(EmissionError) -> EmittedKernel {
        if let number = WrittenTexts.number(schedule) {
            guard let texts else {
                throw EmissionError(
                    kernel: kernel.name, reason: "its schedule asks for a text of its own, and there is none")
            }
            return try texts.emit(kernel, symbol: symbol, number: number, CodeGenerator(host, device: device))
        }
        if let device { return try device.emit(kernel, symbol: symbol, schedule) }
        return try host.emit(kernel, symbol: symbol, schedule)
    }

    /// Schedules that lean on less and less, the plainest last.
    package func saferSchedules(_ kernel: Kernel) -> [Schedule] {
        device?.saferSchedules(kernel) ?? host.saferSchedules(kernel)
    }
}
