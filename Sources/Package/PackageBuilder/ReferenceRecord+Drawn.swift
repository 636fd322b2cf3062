import Base
import ElementTypes
import Glibc
import GraphIR
import ModelPackage
import ReferenceInterpreter

/// Inputs for a model that came without recorded ones: those it was exported with, and others drawn like them.
extension ReferenceRecord {
    /// A record of `count` sets. The first is `samples` where they fit the graph's inputs (in number, rank and element type);
    /// without them reals are standard normal, integers and truth values 0 or 1. Every further set is drawn like the first, the
    /// second at another size where the model has dynamic dimensions.
    package init(drawnFor graph: Graph, samples: [TensorValue], sets count: Int, seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let fits =
            samples.count == graph.inputs.count
            && zip(samples, graph.inputs).allSatisfy {
                $0.element == $1.type.element && $0.shape.count == $1.type.shape.count
            }
        let known = fits ? try? SymbolBinding(graph, Self.bound(graph, samples)) : nil
        let usual = graph.symbols.indices.map { known?.values[$0] ?? graph.symbols[$0].hint }
        let first =
            known != nil
            ? samples : graph.inputs.map { Self.draw($0.type, Self.shape($0.type, usual), like: nil, &random) }
        let other = Self.otherSize(graph, usual)
        sets = [Set(inputs: first)]
        for number in 1..<max(1, count) {
            let sizes = number == 1 ? other : usual
            sets.append(
                Set(
                    inputs: zip(graph.inputs, first).map {
                        Self.draw($0.type, Self.shape($0.type, sizes), like: $1, &random)
                    }))
        }
    }

    /// One set of inputs like the first, drawn anew by `seed` and, with `moves`, at a size at which nothing was recorded or tried before, where the model has dynamic
    /// dimensions: for a last look at a finished package. Nil where the model takes no inputs, or none is drawn.
    package func unseen(_ graph: Graph, seed: UInt64, moves: Bool = true) -> ReferenceRecord? {
        guard let first = sets.first?.inputs, first.contains(where: { $0.count > 0 }),
            let known = try? SymbolBinding(graph, Self.bound(graph, first))
        else { return nil }
        let usual = graph.symbols.indices.map { known.values[$0] ?? graph.symbols[$0].hint }
        let sizes = moves ? OtherSizes(graph, usual: usual).unseen ?? usual : usual
        var random = SeededRandom(seed: seed).split(0x756E7365656E)
        let inputs = zip(graph.inputs, first).map { Self.draw($0.type, Self.shape($0.type, sizes), like: $1, &random) }
        return ReferenceRecord(sets: [Set(inputs: inputs)])
    }

    /// Writes it as a package's `golden.safetensors` is written; `path` must be free.
    package func write(to path: String) throws(PackageError) { try PackageWriter.writeTensors(stored, to: path) }

    private static func bound(
        _ graph: Graph, _ values: [TensorValue]
    ) -> [(name: String, type: TensorType, shape: [Int])] {
        zip(graph.inputs, values).map { ($0.name, $0.type, $1.shape) }
    }

    private static func shape(_ type: TensorType, _ symbols: [Int]) -> [Int] {
        type.shape.map { extent in extent.evaluate { symbols[$0.index] } ?? 1 }
    }

    /// The symbols' values, each moved by one within its range; the usual ones where a guard forbids that.
    private static func otherSize(_ graph: Graph, _ usual: [Int]) -> [Int] {
        let moved = zip(graph.symbols, usual).map { symbol, value in
            value > symbol.minimum ? value - 1 : min(value + 1, symbol.maximum ?? .max)
        }
        let isAllowed = graph.guards.allSatisfy { condition in
            guard let value = condition.expression.evaluate({ moved[$0.index] }) else { return false }
            return condition.isLowerBound ? value >= 0 : value == 0
        }
        return isAllowed ? moved : usual
    }

    /// Fresh elements. Reals keep the mean and deviation of `sample`. Integers, truth values and reals of which there are few
    /// different ones or some not finite (masks, positions) are picked from its elements, so that they keep their meaning.
    private static func draw(
        _ type: TensorType, _ shape: [Int], like sample: TensorValue?, _ random: inout SeededRandom
    ) -> TensorValue {
        let count = shape.reduce(1, *)
        if type.element.isInteger {
            let pool = sample?.integers ?? []
            return TensorValue(
                type.element, shape,
                integers: (0..<count).map { _ in
                    pool.isEmpty ? Int64(random.index(below: 2)) : pool[random.index(below: pool.count)]
                })
        }
        let pool = sample?.doubles ?? []
        let isPicked = type.element == .bool || Swift.Set(pool.prefix(4096)).count <= 2 || !pool.allSatisfy(\.isFinite)
        if !pool.isEmpty, isPicked {
            return TensorValue(type.element, shape, (0..<count).map { _ in pool[random.index(below: pool.count)] })
        }
        if type.element == .bool {
            return TensorValue(.bool, shape, (0..<count).map { _ in Double(random.index(below: 2)) })
        }
        let total = Double(max(1, pool.count))
        let mean = pool.reduce(0, +) / total
        let deviation =
            pool.isEmpty ? 1 : (pool.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / total).squareRoot()
        let values = (0..<count).map { _ in
            // One of the pair of Box and Muller (1958).
            mean + deviation * (-2 * log(1 - random.uniform())).squareRoot() * cos(2 * .pi * random.uniform())
        }
        return TensorValue(type.element, shape, values).roundedToElement()
    }
}
