internal import Base
internal import ElementTypes
internal import KernelIR
internal import KernelWorker
internal import Processes
internal import Synchronization

/// Inputs with their truth, made once for a region and kept for all its candidates.
package final class RegionEvidence: Sendable {
    /// Which inputs.
    struct CaseKey: Hashable {
        var shape: Int
        var distribution: InputDistribution
        /// Counts draws of one distribution.
        var number: Int

        init(_ shape: Int, _ distribution: InputDistribution, _ number: Int) {
            (self.shape, self.distribution, self.number) = (shape, distribution, number)
        }
    }

    /// Inputs; their truth is `RegionEvidence.truth`.
    final class Case: Sendable {
        let key: CaseKey
        let name: String
        let dimensions: [Int]
        /// Bytes of every parameter; none for outputs.
        let inputs: [[UInt8]]

        init(key: CaseKey, name: String, dimensions: [Int], inputs: [[UInt8]]) {
            self.key = key
            self.name = name
            self.dimensions = dimensions
            self.inputs = inputs
        }
    }

    let oracle: any RegionOracle
    private let seed: UInt64
    private let cases = Mutex<[CaseKey: Case]>([:])
    private let drawnConstants = Mutex<[Int: [Int: [UInt8]]]>([:])
    private let truths = Mutex<[CaseKey: [OracleOutput]]>([:])
    /// Complete outputs of the first candidate that passed, by case: what unsampled elements of later ones are held to.
    private let accepted = Mutex<[CaseKey: [[Double]]]>([:])

    /// Evidence on what `oracle` knows, from fresh inputs that `seed` determines.
    package init(oracle: any RegionOracle, seed: UInt64) {
        self.oracle = oracle
        self.seed = seed
    }

    /// Number of shapes.
    var shapeCount: Int { oracle.shapes.count }

    /// What stands beside normal inputs in short checks.
    var second: InputDistribution { oracle.distributions.contains(.wide) ? .wide : .normal }

    /// Indices of the written parameters.
    var written: [Int] { oracle.parameters.indices.filter { oracle.parameters[$0].access != .read } }

    /// The parameters with their sizes.
    func parameters(dimensions: [Int]) throws(Refusal) -> [WorkerCall.Parameter] {
        var parameters: [WorkerCall.Parameter] = []
        for parameter in oracle.parameters {
            guard let count = evaluate(parameter.count, oracle.symbols, dimensions), count >= 0 else {
                throw .notJudged(reason: "size \(parameter.count) has no value for dimensions \(dimensions)")
            }
            let role: WorkerCall.Role =
                switch parameter.access {
                case .read: parameter.isConstant ? .constant : .input
                case .write: .output
                case .readWrite: .state
                }
            let bytes = parameter.element.byteCount
            parameters.append(WorkerCall.Parameter(role: role, byteCount: count * bytes, elementBytes: bytes))
        }
        return parameters
    }

    /// The case of a key, made when it is first asked for. The constants of a shape are the same in all its cases.
    func makeCase(_ key: CaseKey) throws(Refusal) -> Case {
        if let known = cases.withLock({ $0[key] }) { return known }
        let dimensions = oracle.shapes[key.shape]
        let sizes = try parameters(dimensions: dimensions)
        let distributionNumber = InputDistribution.allCases.firstIndex(of: key.distribution) ?? 0
        var random = SeededRandom(seed: seed).split(UInt64(distributionNumber * 1000 + key.number + 1))
        let constants = constants(key.shape, sizes)
        let lone =
            switch key.distribution {
            case .greatest: mayOverflow
            case .subnormal: mayVanish
            case .normal, .wide, .tiny, .constant, .special, .infinite: [Int]()
            }
        let everyElement = drawnCounts(sizes).reduce(0, +) <= Self.everyElementOf
        var inputs: [[UInt8]] = []
        for (index, parameter) in oracle.parameters.enumerated() {
            let size = sizes[index]
            let count = size.byteCount / size.elementBytes
            if size.role == .output {
                inputs.append([])
                continue
            }
            let domain = oracle.domain(of: index, dimensions: dimensions)
            switch size.role {
            case .output: break
            case .constant: inputs.append(constants[index] ?? [])
            case .input, .state:
                let isLone = lone.isEmpty || lone[key.number % lone.count] == index
                // A prime beyond the sizes: few draws are spread over all elements.
                let place = key.distribution == .infinite && everyElement ? key.number * 7919 : nil
                inputs.append(
                    (isLone ? key.distribution : .normal).draw(
                        count, parameter.element, domain, allowsSubnormals: oracle.allowsSubnormals, place: place,
                        random: &random))
            }
            if inputs[index].count != size.byteCount {
                throw .notJudged(reason: "parameter \(index) has \(inputs[index].count) bytes, not \(size.byteCount)")
            }
        }
        let shape = dimensions.isEmpty ? "" : ", dimensions \(dimensions.map(String.init).joined(separator: " "))"
        let made = Case(
            key: key, name: "\(key.distribution.rawValue) inputs \(key.number)\(shape)", dimensions: dimensions,
            inputs: inputs)
        cases.withLock { $0[key] = made }
        return made
    }

    /// Constants at a shape by their parameters, which all its cases share: there may be many, and drawing them takes longer than what is
    /// done with them. Weights differ between shapes only in that sizes may differ.
    private func constants(_ shape: Int, _ sizes: [WorkerCall.Parameter]) -> [Int: [UInt8]] {
        if let known = drawnConstants.withLock({ $0[shape] }) { return known }
        var random = SeededRandom(seed: seed).split(0)
        var drawn: [Int: [UInt8]] = [:]
        for (index, parameter) in oracle.parameters.enumerated() where sizes[index].role == .constant {
            let domain = oracle.domain(of: index, dimensions: oracle.shapes[shape])
            drawn[index] = InputDistribution.normal.draw(
                sizes[index].byteCount / sizes[index].elementBytes, parameter.element, domain, random: &random)
        }
        drawnConstants.withLock { $0[shape] = drawn }
        return drawn
    }

    /// Tensors of which one at a time holds a number that nearly overflows. Where two such numbers meet in a sum, its order decides whether
    /// it overflows on the way.
    var mayOverflow: [Int] {
        oracle.parameters.indices.filter {
            let parameter = oracle.parameters[$0]
            return parameter.access != .write && !parameter.isConstant && parameter.element.isFloatingPoint
        }
    }

    /// Tensors of which one at a time holds subnormal numbers. In products of narrower types, and in PyTorch's own, those may be zeros.
    var mayVanish: [Int] { mayOverflow.filter { oracle.parameters[$0].element == .f32 } }

    /// Truth of the written parameters of a case, evaluated when it is first asked for.
    func truth(_ asked: Case) throws(Refusal) -> [OracleOutput] {
        if let known = truths.withLock({ $0[asked.key] }) { return known }
        let sizes = try parameters(dimensions: asked.dimensions)
        let outputs: [OracleOutput]
        do throws(OracleError) {
            outputs = try oracle.answer(dimensions: asked.dimensions, inputs: asked.inputs)
        } catch {
            throw .notJudged(reason: "no truth: \(error)")
        }
        guard outputs.count == written.count else { throw .notJudged(reason: "truth of \(outputs.count) outputs") }
        for (output, parameter) in zip(outputs, written) {
            let count = sizes[parameter].byteCount / sizes[parameter].elementBytes
            guard output.truth.count == output.positions?.count ?? count, output.witness.count == output.truth.count,
                output.positions?.allSatisfy({ $0 >= 0 && $0 < count }) ?? true
            else { throw .notJudged(reason: "truth of parameter \(parameter) does not fit its \(count) elements") }
        }
        truths.withLock { $0[asked.key] = outputs }
        return outputs
    }

    /// Draws the inputs that most candidates meet and evaluates their truth, on a thread of its own. What goes wrong the judge meets again.
    package func prepare() async {
        await onOwnThread { [self] in
            for key in (try? batteryKeys(isSpreading: false, isHost: true)) ?? [] {
                guard let made = try? makeCase(key), (try? truth(made)) != nil else { return }
            }
        }
    }

    /// All cases of the full battery: all distributions on the full shape, some of them several times, and plain ones on every other
    /// shape. What nearly overflows does so where it is added to its like, which candidates do that are spreading: they are not asked. Nor are
    /// devices other than the host asked about subnormal numbers, whose libraries' products may take them for zeros.
    func batteryKeys(isSpreading: Bool, isHost: Bool) throws(Refusal) -> [CaseKey] {
        var keys = [CaseKey(0, .normal, 0), CaseKey(0, .normal, 1)]
        for distribution in oracle.distributions where distribution != .normal {
            if distribution == .greatest && isSpreading || distribution == .subnormal && !isHost { continue }
            keys.append(CaseKey(0, distribution, 0))
            if distribution == .greatest {
                keys += (1..<max(1, min(3, mayOverflow.count))).map { CaseKey(0, distribution, $0) }
            }
            if distribution == .subnormal {
                keys += (1..<max(1, min(3, mayVanish.count))).map { CaseKey(0, distribution, $0) }
            }
            // A kernel that reads an element too many and multiplies it by zero is wrong only where that element is infinite.
            if distribution == .infinite { keys += (1..<(try loneDraws())).map { CaseKey(0, distribution, $0) } }
            // Few elements are special, and fewer NaN: one draw may miss what a kernel does with them in its last elements. Where elements
            // mix, one reaches many results.
            if distribution == .special, !oracle.mixesElements {
                keys += [CaseKey(0, distribution, 1), CaseKey(0, distribution, 2)]
            }
        }
        // Where a result has few elements, one set of inputs may hide what is wrong with them.
        if try hasFewResults() { keys += (2..<8).map { CaseKey(0, .normal, $0) } }
        for shape in 0..<shapeCount where shape > 0 { keys += [CaseKey(shape, .normal, 0), CaseKey(shape, second, 0)] }
        // At a small size each element can be the infinite one where there are too many of them at the first.
        if oracle.distributions.contains(.infinite), let small = try smallShape() {
            keys += (0..<small.draws).map { CaseKey(small.shape, .infinite, $0) }
        }
        return keys
    }

    /// Inputs of so many elements or fewer are drawn with each of them infinite in turn, as far as the draws go.
    private static let everyElementOf = 1 << 10
    /// Draws of infinities at most: each is two runs, a fifth of a millisecond each on a GPU.
    private static let mostLoneDraws = 256

    /// How many draws of one infinity a tensor are worth their work, which a draw and its truth are little of where inputs are small.
    private func loneDraws() throws(Refusal) -> Int {
        let counts = drawnCounts(try parameters(dimensions: oracle.shapes[0]))
        return switch counts.reduce(0, +) {
        case ...Self.everyElementOf: max(1, min(counts.max() ?? 1, Self.mostLoneDraws))
        case ...(1 << 14): 8
        case ...(1 << 18): 3
        default: 1
        }
    }

    /// A shape at which inputs are small, and its draws of one infinity; nil where they are small at the first shape, or nowhere.
    private func smallShape() throws(Refusal) -> (shape: Int, draws: Int)? {
        for shape in 0..<shapeCount {
            let counts = drawnCounts(try parameters(dimensions: oracle.shapes[shape]))
            guard (2...Self.everyElementOf).contains(counts.reduce(0, +)) else { continue }
            return shape == 0 ? nil : (shape, min(counts.max() ?? 1, Self.mostLoneDraws))
        }
        return nil
    }

    /// Elements of what is drawn anew for each case.
    private func drawnCounts(_ sizes: [WorkerCall.Parameter]) -> [Int] {
        sizes.filter { $0.role == .input || $0.role == .state }.map { $0.byteCount / $0.elementBytes }
    }

    /// Whether an output of the full shape has fewer than 64 elements, and its truth is no great work.
    func hasFewResults() throws(Refusal) -> Bool {
        let sizes = try parameters(dimensions: oracle.shapes[0])
        let counts = sizes.map { $0.byteCount / $0.elementBytes }
        return written.contains { counts[$0] < 64 } && counts.reduce(0, +) < 1 << 20
    }

    /// The absolute error that a case allows besides: inputs that are all equal test what is computed, not how precisely.
    /// A normalisation of them is the rounding error of a mean divided by nearly nothing.
    func floor(_ asked: Case) -> Double {
        guard asked.key.distribution == .constant else { return 0 }
        var largest = 0.0
        for (parameter, bytes) in zip(oracle.parameters, asked.inputs) where parameter.element.isFloatingPoint {
            let values = bytes.withUnsafeBytes { ElementCoding.decode($0, parameter.element) }
            largest = values.reduce(largest) { $1.isFinite ? max($0, abs($1)) : $0 }
        }
        return 1024 * ElementType.f32.epsilon * largest
    }

    /// Outputs that passed before on this case.
    func acceptedOutputs(_ key: CaseKey) -> [[Double]]? { accepted.withLock { $0[key] } }

    /// Keeps outputs that passed, where truth was only sampled.
    func accept(_ key: CaseKey, _ outputs: [[Double]]) { accepted.withLock { $0[key] = $0[key] ?? outputs } }

    /// Whether an output tells right from wrong: its truth varies within one of the cases or between them, by more than
    /// rounding would.
    func isInformative(_ output: Int, _ cases: [Case]) throws(Refusal) -> Bool {
        var values: [Double] = []
        for each in cases { values += try truth(each)[output].truth.filter(\.isFinite) }
        guard let least = values.min(), let greatest = values.max() else { return false }
        return greatest - least > 1e-3 * max(abs(least), abs(greatest))
    }
}
