internal import Glibc
internal import KernelWorker

/// All inputs of a region at one shape, in one file that the worker maps: constants once, every case of the full battery, and room for one
/// more set of inputs. Made once and handed to the worker again and again, as writing weights anew for every request takes longer than most
/// kernels: the worker maps them privately and closes the file before generated code runs.
final class InputFile {
    private let file: SharedFile
    private let offsets: [RegionEvidence.CaseKey: [Int]]
    private let spare: [Int]
    private let parameters: [WorkerCall.Parameter]
    /// Size of the file.
    let byteCount: Int

    /// Draws what was not drawn yet. Throws where the region cannot be judged, or memory is short.
    init(_ evidence: RegionEvidence, shape: Int) throws(Refusal) {
        let parameters = try evidence.parameters(dimensions: evidence.oracle.shapes[shape])
        var pieces: [(offset: Int, bytes: [UInt8])] = []
        var offsets: [RegionEvidence.CaseKey: [Int]] = [:]
        var constants: [Int: Int] = [:]
        var end = 0
        func place(_ index: Int) -> Int {
            defer { end = aligned(end + parameters[index].byteCount) }
            return end
        }
        for key in try evidence.batteryKeys(isSpreading: false, isHost: true) where key.shape == shape {
            let made = try evidence.makeCase(key)
            var set: [Int] = []
            for (index, parameter) in parameters.enumerated() {
                if let known = constants[index] {
                    set.append(known)
                    continue
                }
                guard parameter.role != .output else {
                    set.append(-1)
                    continue
                }
                let offset = place(index)
                if parameter.role == .constant { constants[index] = offset }
                pieces.append((offset, made.inputs[index]))
                set.append(offset)
            }
            offsets[made.key] = set
        }
        spare = parameters.indices.map { parameters[$0].role == .input ? place($0) : -1 }
        file = try SharedFile(pieces, byteCount: end)
        byteCount = end
        self.offsets = offsets
        self.parameters = parameters
    }

    /// How the worker finds it.
    var reference: WorkerFile { file.reference }

    /// Where the parameters of a case lie; -1 for outputs. Throws where the battery does not have it.
    func set(_ key: RegionEvidence.CaseKey) throws(Refusal) -> [Int] {
        guard let set = offsets[key] else { throw .notJudged(reason: "no inputs \(key) were made") }
        return set
    }

    /// Where the parameters of a case lie with these inputs instead, by their parameter, until they are replaced.
    func set(_ key: RegionEvidence.CaseKey, inputs: [Int: [UInt8]]) throws(Refusal) -> [Int] {
        var set = try set(key)
        for (index, bytes) in inputs where parameters[index].role == .input {
            file.write(bytes, at: spare[index])
            set[index] = spare[index]
        }
        return set
    }
}

/// Files of inputs that were made, as many as fit.
struct InputFiles {
    private var made: [(evidence: RegionEvidence, shape: Int, file: InputFile)] = []
    /// Most bytes that are kept for another candidate: a sixteenth of the machine's memory.
    private static let most = min(2 << 30, sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE)) / 16)

    /// The file of a shape, made when it is first asked for. What was not asked for longest goes when there is no room.
    mutating func file(_ evidence: RegionEvidence, shape: Int) throws(Refusal) -> InputFile {
        if let place = made.firstIndex(where: { $0.evidence === evidence && $0.shape == shape }) {
            made.append(made.remove(at: place))
            return made[made.count - 1].file
        }
        let file = try InputFile(evidence, shape: shape)
        while !made.isEmpty, made.reduce(file.byteCount, { $0 + $1.file.byteCount }) > Self.most { made.removeFirst() }
        made.append((evidence, shape, file))
        return file
    }
}
