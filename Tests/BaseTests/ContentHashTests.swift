import Base
import Testing

/// Vectors of the xxHash specification's reference implementation (`xxhash` 0.8, seed 0).
@Suite struct ContentHashTests {
    /// The byte generator of the reference's self test: repeated squaring from a prime.
    private static func sanityBytes(_ count: Int) -> [UInt8] {
        var generator: UInt64 = 2_654_435_761
        return (0..<count).map { _ in
            let byte = UInt8(generator >> 56)
            generator = generator &* 11_400_714_785_074_694_797
            return byte
        }
    }

    @Test(arguments: [
        ("", "ef46db3751d8e999"), ("a", "d24ec4f1a98c6e5b"), ("abc", "44bc2cf5ad770999"),
        ("Nobody inspects the spammish repetition", "fbcea83c8a378bf1"),
    ]) func texts(_ text: String, _ expected: String) {
        #expect(ContentHash.of(text).description == expected)
    }

    @Test(arguments: [(1, "e934a84adb052768"), (14, "8282dcc4994e35c8"), (222, "b641ae8cb691c174")])
    func referenceSelfTest(_ count: Int, _ expected: String) {
        #expect(ContentHash.of(Self.sanityBytes(count)).description == expected)
    }

    @Test func everyFlippedBitShows() {
        var bytes = Self.sanityBytes(71)
        let whole = ContentHash.of(bytes)
        for bit in 0..<71 * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8)
            #expect(ContentHash.of(bytes) != whole)
            bytes[bit / 8] ^= 1 << (bit % 8)
        }
    }

    @Test func printsAndReadsBack() {
        let hash = ContentHash(rawValue: 0x00ab_cdef_0123_4567)
        #expect(hash.description == "00abcdef01234567")
        #expect(ContentHash(hash.description) == hash)
        for text in ["", "00abcdef0123456", "00ABCDEF01234567", "+0abcdef01234567", "00abcdef012345678"] {
            #expect(ContentHash(text) == nil)
        }
    }
}
