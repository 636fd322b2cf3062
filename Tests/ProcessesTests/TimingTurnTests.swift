import Glibc
import Processes
import Testing

/// Processes, and parts of one, do not time on a device at the same time.
@Suite struct TimingTurnTests {
    @Test func turnsAreTakenOneAfterAnother() {
        let device = "test:\(UInt64.random(in: 0 ... .max))"
        let (first, second, other) = (
            TimingTurn(device: device), TimingTurn(device: device), TimingTurn(device: device + "1")
        )
        first.begin()
        let start = monotonicSeconds()
        // Another device's turn does not wait.
        other.begin(patience: 5)
        #expect(monotonicSeconds() - start < 4)
        // Who waits in vain goes on.
        second.begin(patience: 0.05)
        #expect(monotonicSeconds() - start >= 0.05)
        first.end()
        second.begin(patience: 5)
        let held = monotonicSeconds()
        first.begin(patience: 0.05)
        #expect(monotonicSeconds() - held >= 0.05)
        second.end()
    }

    /// The first device of a kind has two names.
    @Test func theFirstDeviceIsOne() {
        let kind = "test\(UInt64.random(in: 0 ... .max))"
        let (named, numbered) = (TimingTurn(device: kind), TimingTurn(device: kind + ":0"))
        named.begin()
        let start = monotonicSeconds()
        numbered.begin(patience: 0.05)
        #expect(monotonicSeconds() - start >= 0.05)
    }
}
