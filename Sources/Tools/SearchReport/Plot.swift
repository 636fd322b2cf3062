internal import Base
internal import Glibc

/// A drawing of lines, dots and words in a box, as inline SVG with a title and a description for those who cannot see it.
struct Plot {
    let width: Double
    let height: Double
    private var parts: [String] = []

    /// An empty drawing of this many units, which are pixels where the page is wide enough.
    init(width: Double, height: Double) {
        self.width = width
        self.height = height
    }

    /// How a text is aligned to its place.
    enum Anchor: String { case start, middle, end }

    /// A straight line.
    mutating func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ style: String) {
        parts.append("<line class=\"\(style)\" x1=\"\(n(x1))\" y1=\"\(n(y1))\" x2=\"\(n(x2))\" y2=\"\(n(y2))\"/>")
    }

    /// A line through points.
    mutating func path(_ points: [(x: Double, y: Double)], _ style: String) {
        guard let first = points.first else { return }
        let rest = points.dropFirst().map { "L\(n($0.x)) \(n($0.y))" }.joined()
        parts.append("<path class=\"\(style)\" d=\"M\(n(first.x)) \(n(first.y))\(rest)\"/>")
    }

    /// A bar.
    mutating func bar(_ x: Double, _ y: Double, _ width: Double, _ height: Double, _ style: String) {
        parts.append(
            "<rect class=\"\(style)\" x=\"\(n(x))\" y=\"\(n(y))\" width=\"\(n(max(0, width)))\" height=\"\(n(height))\" rx=\"2\"/>"
        )
    }

    /// A dot; `label` is shown when a pointer rests on it.
    mutating func dot(_ x: Double, _ y: Double, _ radius: Double, _ style: String, label: String) {
        parts.append(
            "<circle class=\"\(style)\" cx=\"\(n(x))\" cy=\"\(n(y))\" r=\"\(n(radius))\"><title>\(HTML.escape(label))</title></circle>"
        )
    }

    /// Words.
    mutating func text(_ x: Double, _ y: Double, _ text: String, _ anchor: Anchor = .start, _ style: String = "label") {
        parts.append(
            "<text class=\"\(style)\" x=\"\(n(x))\" y=\"\(n(y))\" text-anchor=\"\(anchor.rawValue)\">\(HTML.escape(text))</text>"
        )
    }

    /// The drawing; `id` is unique in the page.
    func svg(_ id: String, title: String, description: String) -> String {
        """
        <svg class="\(width > 400 ? "wide" : "small")" viewBox="0 0 \(n(width)) \(n(height))" role="img" aria-labelledby="\(id)-t \(id)-d" style="max-width:\(n(width * 1.25))px">
        <title id="\(id)-t">\(HTML.escape(title))</title><desc id="\(id)-d">\(HTML.escape(description))</desc>
        \(parts.joined(separator: "\n"))
        </svg>

        """
    }

    /// A coordinate with a tenth of a unit.
    private func n(_ value: Double) -> String {
        let text = TextFormat.fixed(value, 1)
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }
}

/// Where numbers lie on an axis.
struct Scale {
    let low: Double
    let high: Double
    /// Whether equal ratios take equal lengths.
    let isLogarithmic: Bool
    let from: Double
    let to: Double

    /// The scale from `low` at `from` to `high` at `to`.
    init(_ low: Double, _ high: Double, logarithmic: Bool = false, from: Double, to: Double) {
        // Records of others may hold any number: the axis stays finite, and a logarithmic one above 0.
        let low = Self.bounded(low, least: logarithmic ? 1e-280 : -1e280)
        let high = Self.bounded(high, least: logarithmic ? 1e-280 : -1e280)
        self.low = low
        self.high = high > low ? high : (logarithmic ? low * 10 : low + max(1, abs(low)))
        isLogarithmic = logarithmic
        self.from = from
        self.to = to
    }

    private static func bounded(_ value: Double, least: Double) -> Double {
        value.isNaN ? max(1, least) : min(1e280, max(least, value))
    }

    /// The place of a number, within the axis.
    func place(_ value: Double) -> Double {
        if value.isNaN { return from }
        let part =
            isLogarithmic
            ? Logarithm.of(max(value, low) / low) / Logarithm.of(high / low) : (value - low) / (high - low)
        return from + (to - from) * min(1, max(0, part))
    }

    /// Round numbers along the axis: powers of ten, with 2 and 5 times these where they are few, or about `count` multiples of 1, 2 or 5.
    func ticks(_ count: Int) -> [Double] {
        if isLogarithmic {
            var decade = Logarithm.power(Int(Logarithm.of(low).rounded(.down)))
            // Few powers of ten leave room for what is between them.
            let steps = high / low < 1000 ? [1.0, 2, 5] : [1.0]
            var ticks: [Double] = []
            while decade <= high {
                ticks += steps.map { $0 * decade }.filter { $0 >= low * 0.999999 && $0 <= high * 1.000001 }
                decade *= 10
            }
            while ticks.count > count + 1 {
                ticks = ticks.enumerated().filter { $0.offset % 2 == 0 }.map(\.element)
            }
            return ticks
        }
        let raw = (high - low) / Double(max(1, count))
        let power = Logarithm.power(Int(Logarithm.of(raw).rounded(.down)))
        // Steps that are lost beside the ends would lead nowhere.
        if low + raw == low || high - raw == high { return [low] }
        let step = [1.0, 2, 5, 10].map { $0 * power }.first { $0 >= raw * 0.999 } ?? 10 * power
        var tick = (low / step).rounded(.up) * step
        var ticks: [Double] = []
        while tick <= high + step * 1e-6 {
            ticks.append(tick)
            tick += step
        }
        return ticks
    }
}

/// Logarithms to base ten.
enum Logarithm {
    /// Of a number above 0.
    static func of(_ value: Double) -> Double { log10(max(value, 1e-300)) }

    /// A power of ten.
    static func power(_ exponent: Int) -> Double {
        var result = 1.0
        for _ in 0..<min(300, abs(exponent)) { result *= 10 }
        return exponent < 0 ? 1 / result : result
    }
}
