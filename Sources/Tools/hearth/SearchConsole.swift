import Base
import Glibc
import JSON
import Processes
import SearchEvents
import SearchView
import Synchronization

/// Where the events of a search go: into its record, and to whoever watches, as a live view, as lines or as JSON.
final class SearchConsole: Sendable {
    /// How a search is shown.
    enum Style {
        /// Drawn in place on the terminal of standard error.
        case live
        /// Lines on standard error.
        case lines
        /// Events on standard output, lines on standard error.
        case json
    }

    private struct State {
        var events: [TimedEvent] = []
        var record = SearchRecord()
        var painter = ScreenPainter()
        var drawn = -Double.infinity
        var isLive: Bool
    }

    /// Seconds between two frames at least.
    private static let frame = 0.2
    private let style: Style
    private let began = monotonicSeconds()
    private let state: Mutex<State>

    /// Opens it; a live one takes over what `Failure.complain` prints until it is closed.
    init(_ style: Style) {
        self.style = style
        state = Mutex(State(isLive: style == .live))
        guard style == .live else { return }
        Failure.screen.withLock { $0 = self }
        // Time goes on where nothing happens.
        Task.detached { [self] in
            while state.withLock({ $0.isLive }) {
                try? await Task.sleep(for: .milliseconds(250))
                state.withLock { draw(&$0) }
            }
        }
    }

    /// How a search is shown here: live on a terminal that can be steered, unless lines or JSON are asked for.
    static func style(json: Bool, plain: Bool) -> Style {
        if json { return .json }
        func setting(_ name: String) -> String { getenv(name).map { String(cString: $0) } ?? "" }
        let isSteered = isatty(STDERR_FILENO) == 1 && !["", "dumb"].contains(setting("TERM"))
        // What HEARTH_DEBUG prints would be drawn over.
        let isQuiet = setting("NO_COLOR").isEmpty && setting("HEARTH_DEBUG").isEmpty
        return isSteered && isQuiet && !plain ? .live : .lines
    }

    /// Takes an event.
    func take(_ event: SearchEvent) {
        let timed = TimedEvent(at: monotonicSeconds() - began, event)
        state.withLock { state in
            state.record.take(timed)
            // Where a search stands follows from its trials; a package need not keep it.
            if case .progress = event {} else { state.events.append(timed) }
            if style == .json { Self.put(timed.json.text + "\n", STDOUT_FILENO) }
            if state.isLive { draw(&state) }
        }
        if case .advice(let advice) = event { Failure.complain(Self.line(advice)) }
        if style != .live, case .progress(let standing) = event {
            Failure.complain(
                "\(standing.stage): \(standing.trials) trials, \(standing.refused) refused, time "
                    + "\(TextFormat.fixed(standing.relativeTime, 3)) of the default's")
        }
    }

    /// A request to a language model in one line: nobody should miss it.
    private static func line(_ advice: AdviceEnd) -> String {
        let what =
            "language model: request \(advice.request)\(advice.isSent ? " SENT to" : " answered by") \(advice.source)"
        var line = "\(what) about \(advice.region): "
        if let failure = advice.failure {
            return line + "no answer: \(failure); the search goes on without it"
        }
        line +=
            "\(advice.schedules) schedule\(advice.schedules == 1 ? "" : "s") in \(TextFormat.fixed(advice.seconds, 1)) s"
        if let texts = advice.texts { line += ", \(texts) of them source text" }
        if !advice.faults.isEmpty { line += "; not used: \(advice.faults.joined(separator: "; "))" }
        return line
    }

    /// Says something that a person should know, and keeps it for the report.
    func note(_ text: String) {
        Failure.complain("hearth: note: \(text)")
        var note = SearchNote()
        note.text = text
        take(.note(note))
    }

    /// What happened so far, without where it stood in between.
    var events: [TimedEvent] { state.withLock { $0.events } }
    /// What is known.
    var record: SearchRecord { state.withLock { $0.record } }

    /// Prints a line above the live view; false where there is none.
    func printAbove(_ text: String) -> Bool {
        state.withLock { state in
            guard state.isLive else { return false }
            Self.put(state.painter.erase() + text, STDERR_FILENO)
            state.drawn = -Double.infinity
            draw(&state)
            return true
        }
    }

    /// Draws the last frame and leaves it there.
    func close() {
        state.withLock { state in
            guard state.isLive else { return }
            state.drawn = -Double.infinity
            draw(&state)
            state.isLive = false
        }
        Failure.screen.withLock { if $0 === self { $0 = nil } }
    }

    private func draw(_ state: inout State) {
        let now = monotonicSeconds()
        guard state.isLive, now - state.drawn >= Self.frame, !state.record.regions.isEmpty else { return }
        state.drawn = now
        var size = winsize()
        let isKnown = ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 && size.ws_row > 0
        let lines = SearchScreen(state.record, now: now - began)
            .lines(width: isKnown ? Int(size.ws_col) : 80, height: isKnown ? Int(size.ws_row) : 24)
        Self.put(state.painter.paint(lines), STDERR_FILENO)
    }

    /// Writes all of a text; what cannot be written is lost.
    private static func put(_ text: String, _ descriptor: Int32) {
        var text = text
        text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while !rest.isEmpty {
                let count = write(descriptor, rest.baseAddress, rest.count)
                if count < 0, errno == EINTR { continue }
                if count <= 0 { return }
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            }
        }
    }
}
