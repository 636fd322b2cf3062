/// Numbers for people.
package enum TextFormat {
    /// A number with `digits` digits after the point.
    package static func fixed(_ value: Double, _ digits: Int) -> String {
        guard value.isFinite, abs(value) < 1e15 else { return "\(value)" }
        let scale = (0..<digits).reduce(1.0) { scale, _ in scale * 10 }
        let scaled = Int((abs(value) * scale).rounded())
        let whole = scaled / Int(scale)
        var text = value < 0 && scaled != 0 ? "-\(whole)" : "\(whole)"
        if digits > 0 {
            let fraction = String(scaled % Int(scale))
            text += "." + String(repeating: "0", count: digits - fraction.count) + fraction
        }
        return text
    }

    /// Three significant digits or so.
    package static func short(_ value: Double) -> String {
        abs(value) >= 100 ? fixed(value, 0) : abs(value) >= 10 ? fixed(value, 1) : fixed(value, 2)
    }

    /// A size in binary units.
    package static func bytes(_ count: Int) -> String {
        let units = ["bytes", "KiB", "MiB", "GiB", "TiB"]
        var (value, unit) = (Double(count), 0)
        while value >= 1024, unit + 1 < units.count {
            value /= 1024
            unit += 1
        }
        return unit == 0 || value == value.rounded() ? "\(Int(value)) \(units[unit])" : "\(short(value)) \(units[unit])"
    }

    /// A time given in nanoseconds.
    package static func time(_ nanoseconds: Double) -> String {
        if nanoseconds < 1e3 { return "\(fixed(nanoseconds, 0)) ns" }
        if nanoseconds < 1e6 { return "\(short(nanoseconds / 1e3)) µs" }
        return nanoseconds < 1e9 ? "\(short(nanoseconds / 1e6)) ms" : "\(short(nanoseconds / 1e9)) s"
    }

    /// Rows as columns of equal width, two spaces apart; columns in `right` are aligned on the right.
    package static func table(_ rows: [[String]], right: Set<Int> = []) -> String {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
        return rows.map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                let padding = String(repeating: " ", count: widths[column] - cell.count)
                let isLast = column == row.count - 1
                line += right.contains(column) ? padding + cell : isLast ? cell : cell + padding
                if !isLast { line += "  " }
            }
            while line.last == " " { line.removeLast() }
            return line
        }.joined(separator: "\n")
    }
}
