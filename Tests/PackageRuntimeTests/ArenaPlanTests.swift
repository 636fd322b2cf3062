import Base
import ModelPackage
import Testing

@testable import PackageRuntime

@Suite struct ArenaPlanTests {
    @Test func buffersThatNeverMeetShareMemory() {
        let plan = ArenaPlan([
            .init(byteCount: 1024, lifetime: 0...1), .init(byteCount: 1024, lifetime: 1...2),
            .init(byteCount: 1024, lifetime: 2...3), .init(byteCount: 1024, lifetime: 3...4),
        ])
        #expect(plan.byteCount == 2048)
    }

    @Test(arguments: 0..<20 as Range<UInt64>) func nothingAliveOverlaps(_ seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let requests = (0..<60).map { _ in
            let first = random.index(below: 30)
            return ArenaPlan.Request(
                byteCount: random.index(below: 10000), lifetime: first...first + random.index(below: 8))
        }
        let plan = ArenaPlan(requests)
        for (i, a) in requests.enumerated() {
            #expect(plan.offsets[i] % 64 == 0 && plan.offsets[i] + a.byteCount <= plan.byteCount)
            for (j, b) in requests.enumerated() where j < i && a.lifetime.overlaps(b.lifetime) {
                #expect(
                    plan.offsets[i] + a.byteCount <= plan.offsets[j] || plan.offsets[j] + b.byteCount <= plan.offsets[i]
                )
            }
        }
        #expect(plan.byteCount <= requests.reduce(0) { $0 + $1.byteCount + 256 })
    }

    @Test func launchesBesideEachOtherShareNothing() {
        let launches = [false, true, true, false, false, true].map {
            Plan.Launch(kernel: "k", operands: [], runsBeside: $0)
        }
        let groups = ArenaPlan.groups(launches)
        #expect(groups == [0...2, 0...2, 0...2, 3...3, 4...5, 4...5])
        #expect(ArenaPlan.widened(1...3, groups) == 0...3)
        #expect(ArenaPlan.widened(3...4, groups) == 3...5)
    }
}
