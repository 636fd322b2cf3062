import CPUDevice
import ElementTypes
import Foundation
import GraphIR
import KernelCodeGen
import KernelIR
import KernelJudge
import KernelSwarm
import Testing

@testable import PackageBuilder

/// Source text that somebody outside wrote goes the way of every candidate: into the judge, and where it wins into the package.
@Suite struct WrittenTextSearchTests {
    private static let head =
        "int32_t candidate(void *const *buffers, const int64_t *dims, void *workspace, int32_t part, int32_t parts) {\n"

    /// `exp` of 630 numbers, with more before it, and with `result` stored at `place`.
    private static func text(_ before: String = "", result: String = "exp_fs(x[i])", place: String = "i") -> String {
        """
        // Written elsewhere.
        \(before)
        \(head)const float *x = (const float *)buffers[0];
        float *y = (float *)buffers[1];
        for (int64_t i = part; i < 630; i += parts) y[\(place)] = \(result);
        (void)dims; (void)workspace;
        return 0;
        }

        """
    }

    /// Writes its texts for the kernel at the first question.
    private actor Writer: ScheduleAdvisor {
        private var answers: [String]
        private let texts: WrittenTexts
        private(set) var faults: [String] = []

        init(_ answers: [String], _ texts: WrittenTexts) { (self.answers, self.texts) = (answers, texts) }

        func advise(_ question: AdviceQuestion) async -> [Point]? {
            guard let key = question.view.region.brief?.key, let best = question.view.champion?.schedule else {
                return nil
            }
            defer { answers = [] }
            return answers.compactMap { answer in
                switch texts.take(answer, for: key, best, by: "a writer") {
                case .failure(let refused):
                    faults.append(refused.reason)
                    return nil
                case .success(let taken):
                    var schedule = best
                    schedule.set(taken.choice, taken.value)
                    return question.view.space.point(schedule)
                }
            }
        }
    }

    /// A search over `exp`, and the text of the package that it makes.
    private func searched(
        _ answers: [String]
    ) async throws -> (region: RegionReport, faults: [String], source: String, listing: String) {
        let folder = NSTemporaryDirectory() + "/hearth-test-\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let graph = try exponentialGraph()
        let texts = WrittenTexts()
        let writer = Writer(answers, texts)
        var pipeline = Pipeline(
            device: try CPUDevice(threads: 2), toolchain: try await CToolchain.find(), worker: TestWorker.command)
        pipeline.take(texts)
        var search = KernelSearch(
            budget: SearchBudget(trials: 1 + answers.count), seed: 1, judge: GenerousJudge(), archive: nil)
        search.advisor = writer
        let regions = try await pipeline.build(
            .init(graph: graph, tensors: MemoryTensors(tensors: [:])), to: folder + "/m.hearth", search: search
        ) { _ in [Double](repeating: 1, count: 8) }.regions
        return (
            try #require(regions.first), await writer.faults,
            try String(contentsOfFile: folder + "/m.hearth/kernels/plan.c", encoding: .utf8),
            try String(contentsOfFile: folder + "/m.hearth/kernels/plan.txt", encoding: .utf8)
        )
    }

    @Test func aTextThatWinsIsPartOfThePackage() async throws {
        let found = try await searched([Self.text("static float of(float x) { return exp_fs(x); }", result: "of(x[i])")]
        )
        #expect(found.region.agent == "language" && found.region.schedule.values["text"] == 1, "\(found.region)")
        #expect(found.region.note == "its text was written by a writer")
        #expect(found.source.contains("// Written elsewhere.\nstatic float of(") && !found.source.contains("candidate"))
        #expect(found.listing.contains("; written by a writer, in place of "))
    }

    @Test(arguments: [
        (text(result: "x[i]"), "inaccurate", ""), (text(place: "i + 630"), "outOfBounds", ""),
        (text("static float kept;", result: "(kept += 1, exp_fs(x[i]))"), "writableData", ""),
        (
            text("static __attribute__((constructor)) void early(void) { volatile int a = 1; a += 1; }"), "",
            "the attribute 'constructor'"
        ),
        (text("int puts(const char *);"), "", "must be static"),
        (text("static int puts(const char *);", result: "(float)puts((const char *)x)"), "forbiddenImport", ""),
        (text(result: "no_such_function(x[i])"), "notCompiled", ""),
        (text(result: "exp_fs(x[i]), system(0)"), "notCompiled", ""),
    ])
    func aTextThatIsWrongIsRefused(_ text: String, _ refusal: String, _ fault: String) async throws {
        let found = try await searched([text])
        #expect(found.region.schedule.values["text"] == nil && !found.source.contains("Written elsewhere"))
        #expect(found.region.refusals == (refusal.isEmpty ? [:] : [refusal: 1]), "\(found.region.refusals)")
        #expect(fault.isEmpty ? found.faults.isEmpty : found.faults.contains { $0.contains(fault) }, "\(found.faults)")
    }
}
