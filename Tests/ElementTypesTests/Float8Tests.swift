import ElementTypes
import Testing

/// The 8-bit formats against what PyTorch 2.13 gives (`torch.float8_e4m3fn`, `torch.float8_e5m2`).
@Suite struct Float8Tests {
    /// f32 bits of PyTorch's numbers for codes 0 to 127; the others have the sign bit beside.
    private static let e4m3: [UInt32] = [
        0x00000000, 0x3B000000, 0x3B800000, 0x3BC00000, 0x3C000000, 0x3C200000, 0x3C400000, 0x3C600000,
        0x3C800000, 0x3C900000, 0x3CA00000, 0x3CB00000, 0x3CC00000, 0x3CD00000, 0x3CE00000, 0x3CF00000,
        0x3D000000, 0x3D100000, 0x3D200000, 0x3D300000, 0x3D400000, 0x3D500000, 0x3D600000, 0x3D700000,
        0x3D800000, 0x3D900000, 0x3DA00000, 0x3DB00000, 0x3DC00000, 0x3DD00000, 0x3DE00000, 0x3DF00000,
        0x3E000000, 0x3E100000, 0x3E200000, 0x3E300000, 0x3E400000, 0x3E500000, 0x3E600000, 0x3E700000,
        0x3E800000, 0x3E900000, 0x3EA00000, 0x3EB00000, 0x3EC00000, 0x3ED00000, 0x3EE00000, 0x3EF00000,
        0x3F000000, 0x3F100000, 0x3F200000, 0x3F300000, 0x3F400000, 0x3F500000, 0x3F600000, 0x3F700000,
        0x3F800000, 0x3F900000, 0x3FA00000, 0x3FB00000, 0x3FC00000, 0x3FD00000, 0x3FE00000, 0x3FF00000,
        0x40000000, 0x40100000, 0x40200000, 0x40300000, 0x40400000, 0x40500000, 0x40600000, 0x40700000,
        0x40800000, 0x40900000, 0x40A00000, 0x40B00000, 0x40C00000, 0x40D00000, 0x40E00000, 0x40F00000,
        0x41000000, 0x41100000, 0x41200000, 0x41300000, 0x41400000, 0x41500000, 0x41600000, 0x41700000,
        0x41800000, 0x41900000, 0x41A00000, 0x41B00000, 0x41C00000, 0x41D00000, 0x41E00000, 0x41F00000,
        0x42000000, 0x42100000, 0x42200000, 0x42300000, 0x42400000, 0x42500000, 0x42600000, 0x42700000,
        0x42800000, 0x42900000, 0x42A00000, 0x42B00000, 0x42C00000, 0x42D00000, 0x42E00000, 0x42F00000,
        0x43000000, 0x43100000, 0x43200000, 0x43300000, 0x43400000, 0x43500000, 0x43600000, 0x43700000,
        0x43800000, 0x43900000, 0x43A00000, 0x43B00000, 0x43C00000, 0x43D00000, 0x43E00000, 0x7FC00000,
    ]
    private static let e5m2: [UInt32] = [
        0x00000000, 0x37800000, 0x38000000, 0x38400000, 0x38800000, 0x38A00000, 0x38C00000, 0x38E00000,
        0x39000000, 0x39200000, 0x39400000, 0x39600000, 0x39800000, 0x39A00000, 0x39C00000, 0x39E00000,
        0x3A000000, 0x3A200000, 0x3A400000, 0x3A600000, 0x3A800000, 0x3AA00000, 0x3AC00000, 0x3AE00000,
        0x3B000000, 0x3B200000, 0x3B400000, 0x3B600000, 0x3B800000, 0x3BA00000, 0x3BC00000, 0x3BE00000,
        0x3C000000, 0x3C200000, 0x3C400000, 0x3C600000, 0x3C800000, 0x3CA00000, 0x3CC00000, 0x3CE00000,
        0x3D000000, 0x3D200000, 0x3D400000, 0x3D600000, 0x3D800000, 0x3DA00000, 0x3DC00000, 0x3DE00000,
        0x3E000000, 0x3E200000, 0x3E400000, 0x3E600000, 0x3E800000, 0x3EA00000, 0x3EC00000, 0x3EE00000,
        0x3F000000, 0x3F200000, 0x3F400000, 0x3F600000, 0x3F800000, 0x3FA00000, 0x3FC00000, 0x3FE00000,
        0x40000000, 0x40200000, 0x40400000, 0x40600000, 0x40800000, 0x40A00000, 0x40C00000, 0x40E00000,
        0x41000000, 0x41200000, 0x41400000, 0x41600000, 0x41800000, 0x41A00000, 0x41C00000, 0x41E00000,
        0x42000000, 0x42200000, 0x42400000, 0x42600000, 0x42800000, 0x42A00000, 0x42C00000, 0x42E00000,
        0x43000000, 0x43200000, 0x43400000, 0x43600000, 0x43800000, 0x43A00000, 0x43C00000, 0x43E00000,
        0x44000000, 0x44200000, 0x44400000, 0x44600000, 0x44800000, 0x44A00000, 0x44C00000, 0x44E00000,
        0x45000000, 0x45200000, 0x45400000, 0x45600000, 0x45800000, 0x45A00000, 0x45C00000, 0x45E00000,
        0x46000000, 0x46200000, 0x46400000, 0x46600000, 0x46800000, 0x46A00000, 0x46C00000, 0x46E00000,
        0x47000000, 0x47200000, 0x47400000, 0x47600000, 0x7F800000, 0x7FC00000, 0x7FC00000, 0x7FC00000,
    ]

    /// f32 bits, and the codes that PyTorch converts the number to.
    private static let conversions: [(UInt32, UInt8, UInt8)] = [
        (0x00000000, 0, 0),
        (0x80000000, 128, 128),
        (0x2EDBE6FF, 0, 0),
        (0x3A800000, 0, 20),
        (0x3A800001, 1, 20),
        (0x3B400000, 2, 26),
        (0x3B400000, 2, 26),
        (0x37000000, 0, 0),
        (0x370147AE, 0, 1),
        (0x37C00000, 0, 2),
        (0x38200000, 0, 2),
        (0x3C7FF972, 8, 36),
        (0x3C000000, 4, 32),
        (0x43E00000, 126, 95),
        (0x43E7F333, 126, 95),
        (0x43E80000, 126, 95),
        (0x43E80CCD, 126, 95),
        (0x43EFF333, 126, 95),
        (0x43F00000, 126, 96),
        (0x43F00CCD, 126, 96),
        (0x43FA0000, 126, 96),
        (0x4E6E6B28, 126, 124),
        (0x47600000, 126, 123),
        (0x476FFF00, 126, 123),
        (0x47700000, 126, 124),
        (0x47700100, 126, 124),
        (0x477FFF00, 126, 124),
        (0x47800000, 126, 124),
        (0x3F880000, 56, 60),
        (0x3F980000, 58, 61),
        (0x3F900000, 57, 60),
        (0x3FA80000, 58, 61),
        (0x3FC00000, 60, 62),
        (0x41880000, 88, 76),
        (0x41900000, 89, 76),
        (0x41980000, 90, 77),
        (0x3E99999A, 42, 53),
        (0xBE99999A, 170, 181),
        (0xC3E00000, 254, 223),
        (0xC3E88000, 254, 223),
        (0x7F800000, 126, 124),
        (0xFF800000, 254, 252),
        (0x7FC00000, 127, 127),
        (0x3EAAAAAB, 43, 53),
        (0xBE124925, 161, 177),
        (0x42C80000, 108, 86),
        (0x43964000, 121, 93),
        (0x3FB80000, 60, 62),
    ]

    @Test func numbersArePyTorchs() {
        for (format, table) in [(Float8.e4m3, Self.e4m3), (Float8.e5m2, Self.e5m2)] {
            for code in 0..<256 {
                let wanted = Float(bitPattern: table[code & 0x7F] | UInt32(code & 0x80) << 24)
                let found = format.value(UInt8(code))
                if wanted.isNaN {
                    #expect(found.isNaN, "\(code)")
                } else {
                    #expect(Float(found).bitPattern == wanted.bitPattern, "\(code)")
                }
            }
        }
    }

    @Test func conversionsArePyTorchs() {
        for (bits, e4m3, e5m2) in Self.conversions {
            let value = Double(Float(bitPattern: bits))
            #expect(Float8.e4m3.bits(value) == e4m3, "\(value)")
            #expect(Float8.e5m2.bits(value) == e5m2, "\(value)")
        }
    }

    /// Every number is its own nearest, and a number between two neighbours goes to the nearer, in the middle to the even one.
    @Test func numbersBetweenGoToTheNearest() {
        for format in [Float8.e4m3, .e5m2] {
            for code in UInt8(0)..<126 {
                let (low, high) = (format.value(code), format.value(code + 1))
                guard high.isFinite else { continue }
                #expect(format.bits(low) == code)
                let middle = (low + high) / 2
                #expect(format.bits(middle) == (code % 2 == 0 ? code : code + 1))
                #expect(format.bits(middle.nextDown) == code)
                #expect(format.bits(-middle.nextUp) == (code + 1) | 0x80)
            }
        }
    }

    @Test func onlyTwoTypesAreOfThisKind() {
        #expect(ElementType.allCases.filter { Float8($0) != nil } == [.f8e4m3, .f8e5m2])
    }
}
