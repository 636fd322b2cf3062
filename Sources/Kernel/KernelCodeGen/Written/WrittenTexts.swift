import Base
import KernelIR
internal import Synchronization

/// Texts of kernels that somebody wrote in place of generated ones, such as a language model: each stands for one kernel, is called as the generated
/// kernel is that it was written for, and has a number there, which is the value of `choice` in a schedule. They live as long as a build,
/// and everything that generates its code shares them.
package final class WrittenTexts: Sendable {
    /// Name of the choice whose value is a text's number; 0 is the generated text.
    package static let choiceName = "text"
    /// Most texts of a kernel.
    package static let most = 16
    /// Name of the function that a text defines on a processor, with `symbol_…` for those that pack constants. On a device `head` stands for all that
    /// comes before the kernel's parameters.
    package static let symbol = "candidate"
    /// Stands for a kernel's head on a device: what the launch must know, and its name.
    package static let head = "KERNEL"

    /// The choice of a kernel's text, which agents leave alone.
    package static var choice: Choice {
        var choice = Choice(choiceName, Array(0...most))
        choice.isAdvised = true
        return choice
    }

    /// The number of the text that a schedule asks for; nil for a generated kernel's.
    package static func number(_ schedule: Schedule) -> Int? {
        schedule.values[choiceName].flatMap { $0 == 0 ? nil : $0 }
    }

    /// A text that was taken.
    private struct Text {
        /// The schedule of the kernel that it is called as.
        var base: Schedule
        var source: String
        var author: String
    }

    private struct Entry {
        var kernel: Kernel
        var generator: CodeGenerator
        var texts: [Text] = []
    }

    private struct State {
        /// By what `open` was told.
        var kernels: [String: ContentHash] = [:]
        /// By the kernel's canonical text.
        var entries: [ContentHash: Entry] = [:]
    }

    private let state = Mutex(State())

    /// Makes an empty collection.
    package init() {}

    /// Lets texts be written for a kernel that `generator` generates, under a key.
    package func open(_ key: String, _ kernel: Kernel, _ generator: CodeGenerator) {
        // What generates the kernels that texts are written for knows no texts.
        let generator = CodeGenerator(generator.host, device: generator.device)
        let hash = ContentHash.of(kernel.canonicalText)
        state.withLock { state in
            state.kernels[key] = hash
            // A build that begins again may generate other code; what was written stays.
            state.entries[hash, default: Entry(kernel: kernel, generator: generator)].generator = generator
        }
    }

    private func entry(_ key: String) -> Entry? {
        state.withLock { state in state.kernels[key].flatMap { state.entries[$0] } }
    }

    /// The text of a kernel under a schedule, of the function `symbol`: what somebody may write another one for. nil where texts are not taken: there is
    /// no such kernel, or `WrittenTextFrame` has none of it.
    package func source(_ key: String, _ schedule: Schedule) -> String? {
        guard let entry = entry(key), let base = Self.base(entry, schedule) else { return nil }
        if let number = Self.number(schedule) { return entry.texts[number - 1].source }
        guard case .grid(let grid) = base.emitted.parts else { return base.frame.text }
        return
            "// \(Self.head) is launched in \(grid.blocks) blocks of \(grid.threads) threads with \(grid.sharedBytes) bytes of dynamic shared memory.\n"
            + base.frame.text
    }

    /// Takes a text that is to be called as the kernel under `schedule` is. Returns its number, or why it is not taken, in one line.
    package func add(
        _ key: String, for schedule: Schedule, _ source: String, by author: String
    ) -> Result<Int, WrittenTextFault> {
        guard let entry = entry(key), let base = Self.base(entry, schedule) else {
            return .failure(WrittenTextFault("no text is taken for this kernel"))
        }
        let (shown, prelude) = (base.frame.text, entry.generator.prelude + base.frame.opening)
        let symbols = [base.emitted.symbol] + base.emitted.packings.map(\.symbol)
        let rules =
            base.frame.head == nil
            ? WrittenTextRules(symbols: symbols.filter { shown.contains(" \($0)(") }, shown: shown, prelude: prelude)
            : WrittenTextRules(deviceText: shown, prelude: prelude)
        if let fault = rules.fault(source) { return .failure(fault) }
        return state.withLock { state in
            guard let hash = state.kernels[key], let texts = state.entries[hash]?.texts else {
                return .failure(WrittenTextFault("no text is taken for this kernel"))
            }
            if let known = texts.firstIndex(where: { $0.source == source && $0.base == base.schedule }) {
                return .success(known + 1)
            }
            if texts.count == Self.most {
                return .failure(
                    WrittenTextFault("\(Self.most) texts were written for this kernel, which is all that are taken"))
            }
            state.entries[hash]?.texts.append(Text(base: base.schedule, source: source, author: author))
            return .success(texts.count + 1)
        }
    }

    /// The generated kernel that a text for `schedule` is called as, and its text as others see it.
    private static func base(
        _ entry: Entry, _ schedule: Schedule
    ) -> (schedule: Schedule, emitted: EmittedKernel, frame: WrittenTextFrame)? {
        var schedule = schedule
        if let number = number(schedule) {
            guard entry.texts.indices.contains(number - 1) else { return nil }
            schedule = entry.texts[number - 1].base
        }
        guard let emitted = try? entry.generator.emit(entry.kernel, symbol: symbol, schedule),
            let frame = WrittenTextFrame(emitted)
        else { return nil }
        return (schedule, emitted, frame)
    }

    /// Who wrote the text that a schedule asks for.
    package func author(_ kernel: Kernel, _ schedule: Schedule) -> String? {
        Self.number(schedule).flatMap { text(kernel, $0)?.author }
    }

    private func text(_ kernel: Kernel, _ number: Int) -> Text? {
        let hash = ContentHash.of(kernel.canonicalText)
        return state.withLock { state in
            guard let texts = state.entries[hash]?.texts, texts.indices.contains(number - 1) else { return nil }
            return texts[number - 1]
        }
    }

    /// The kernel of a text, under a name; throws `EmissionError` where there is no such text.
    func emit(
        _ kernel: Kernel, symbol: String, number: Int, _ generator: CodeGenerator
    ) throws(EmissionError) -> EmittedKernel {
        guard let text = text(kernel, number) else {
            throw EmissionError(kernel: kernel.name, reason: "nobody wrote a text \(number) for it")
        }
        var emitted = try generator.emit(kernel, symbol: symbol, text.base)
        guard let frame = WrittenTextFrame(emitted) else {
            throw EmissionError(kernel: kernel.name, reason: "no text takes its place")
        }
        emitted.source = frame.source(text.source, symbol: symbol)
        emitted.author = "written by \(text.author), in place of \(text.base)"
        // What a generated kernel promises of itself: that it waits for the one before, and that it may be launched in two sizes.
        if case .grid(var grid) = emitted.parts {
            (grid.overlaps, grid.alternate) = (false, nil)
            emitted.parts = .grid(grid)
        }
        return emitted
    }
}
