internal import Base
internal import SearchEvents

extension SearchPage {
    /// How near each kernel comes to what the machine can do.
    var roofline: String {
        let rows = kernelRegions.filter { $0.opening.operations > 0 && $0.opening.bytes > 0 && $0.bestSeconds != nil }
        guard !rows.isEmpty, let memory = record.start.memoryRate, let peak = peaks.first else { return "" }
        let text = HTML.paragraph(
            """
            A machine can do only so many operations a second, and can fetch only so many bytes a second from memory. Which of the two \
            holds a kernel back depends on how many operations it does with each byte that it fetches. Draw that number to the right \
            and the speed upwards, and the two limits make a roof: a slope on the left, where memory is too slow to feed the \
            arithmetic, and a flat part on the right, where the arithmetic itself is busy. No kernel gets above the roof by much; \
            the nearer its dot is to the roof, the less is left to gain. Kernels whose data stay in the processor's caches may lie \
            above the slope, because the slope is for main memory; convolutions may lie above the flat part, because some ways to compute \
            them need fewer multiplications than their definition, by which operations are counted.
            """)
        let figure = """
            <figure>
            <p class="keys"><span><i class="key before"></i>default schedule</span><span><i class="key ours"></i>after the search</span></p>
            \(chart(rows, memory: memory, peak: peak))
            <figcaption>The roof was measured on this machine: \(HTML.escape(TextFormat.short(memory / 1e9))) GB/s from memory, \
            \(HTML.escape(peaks.map { "\(TextFormat.short($0.rate / 1e9)) GFLOP/s with \($0.element) factors" }.joined(separator: ", "))). \
            Bytes are counted as if each was moved once.</figcaption>
            </figure>

            """
        let table = HTML.table(
            "Kernels under the roof",
            ["region", "operations", "bytes", "operations a byte", "limited by", "roof", "after", "of the roof"],
            rows.map { region in
                let roof = Roofline(region.opening, record.start)
                return (
                    region.opening.region,
                    [
                        .text(Self.name(region)), .number(region.opening.operations) { Self.tickText($0) },
                        .bytes(region.opening.bytes), .number(roof.intensity) { TextFormat.short($0) },
                        .text(roof.isMemoryBound ? "memory" : "arithmetic"), .seconds(roof.seconds),
                        .seconds(region.bestSeconds), .percent(roof.share(region.bestSeconds)),
                    ]
                )
            })
        return HTML.section("roofline", "How near to the machine's limits", text + figure + HTML.folded(table))
    }

    /// Rates of the types of factors that occur, the fastest first.
    private var peaks: [(element: String, rate: Double)] {
        let used = Set(
            kernelRegions.map { record.start.operationRates[$0.opening.element] == nil ? "f32" : $0.opening.element })
        return record.start.operationRates.filter { used.contains($0.key) }
            .map { (element: $0.key, rate: $0.value) }
            .sorted { ($1.rate, $0.element) < ($0.rate, $1.element) }
    }

    private func chart(
        _ rows: [SearchRecord.Region], memory: Double, peak: (element: String, rate: Double)
    ) -> String {
        var plot = Plot(width: 480, height: 340)
        let intensities = rows.compactMap { Roofline($0.opening, record.start).intensity }
        let speeds = rows.flatMap { region in
            [region.defaultSeconds, region.bestSeconds].compactMap { $0 }.filter { $0 > 0 }.map {
                region.opening.operations / $0
            }
        }
        let ridge = peak.rate / memory
        let (least, most) = (min(intensities.min() ?? 1, ridge) / 3, max(intensities.max() ?? 1, ridge) * 4)
        let bottom = min(speeds.min() ?? peak.rate, least * 3 * memory) / 3
        let x = Scale(least, most, logarithmic: true, from: 58, to: 470)
        let y = Scale(bottom, max(peak.rate, speeds.max() ?? 0) * 2, logarithmic: true, from: 290, to: 12)
        for tick in x.ticks(6) {
            plot.line(x.place(tick), 12, x.place(tick), 290, "rule")
            plot.text(x.place(tick), 306, Self.tickText(tick), .middle, "soft")
        }
        for tick in y.ticks(5) {
            plot.line(58, y.place(tick), 470, y.place(tick), "rule")
            plot.text(52, y.place(tick) + 4, Self.tickText(tick / 1e9), .end, "soft")
        }
        plot.text(470, 326, "operations for each byte", .end, "soft")
        plot.text(4, 326, "GFLOP/s", .start, "soft")
        for other in peaks {
            let knee = other.rate / memory
            // The slope begins where it enters the picture.
            let start = max(least, bottom / memory)
            plot.path(
                [
                    (x.place(start), y.place(start * memory)), (x.place(knee), y.place(other.rate)),
                    (x.place(most), y.place(other.rate)),
                ], "roof")
            plot.text(466, y.place(other.rate) - 7, other.element, .end, "soft")
        }
        for region in rows {
            guard let intensity = Roofline(region.opening, record.start).intensity, let best = region.bestSeconds else {
                continue
            }
            let place = x.place(intensity)
            let before = region.defaultSeconds ?? best
            let (low, high) = (y.place(region.opening.operations / before), y.place(region.opening.operations / best))
            plot.line(place, low, place, high, "move")
            plot.dot(place, low, 5, "before", label: "\(Self.name(region)), default: \(TextFormat.time(before * 1e9))")
            plot.dot(place, high, 5, "ours", label: "\(Self.name(region)): \(TextFormat.time(best * 1e9))")
        }
        // Names of the heaviest, where they do not lie upon each other.
        var taken: [(x: Double, y: Double)] = []
        for region in rows.sorted(by: { $0.opening.share > $1.opening.share }) {
            guard let intensity = Roofline(region.opening, record.start).intensity, let best = region.bestSeconds else {
                continue
            }
            let spot = (x: x.place(intensity), y: y.place(region.opening.operations / best))
            let isFree = !taken.contains { abs($0.x - spot.x) < 80 && abs($0.y - spot.y) < 16 }
            guard isFree, taken.count < 8 else { continue }
            taken.append(spot)
            let isRight = spot.x < 380
            plot.text(spot.x + (isRight ? 9 : -9), spot.y + 4, region.opening.region, isRight ? .start : .end)
        }
        let shares = rows.compactMap { region -> String? in
            guard let share = Roofline(region.opening, record.start).share(region.bestSeconds) else { return nil }
            return "\(Self.name(region)) reaches \(TextFormat.fixed(100 * share, 0)) % of its roof"
        }
        return plot.svg(
            "roof", title: "Roofline: speed of each kernel against operations for each byte",
            description: shares.joined(separator: "; "))
    }
}
