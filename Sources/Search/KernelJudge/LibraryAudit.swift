internal import Glibc

/// What a kernel library may be made of. Looking at it is no proof of good conduct, but cheap, and it closes the ways by
/// which a kernel could remember, hide work or reach the runner.
package enum LibraryAudit {
    /// What compilers call by themselves, and the mathematics of the C library.
    package static let allowedImports: Set<String> = {
        let memory = ["memcpy", "memmove", "memset", "memcmp", "bcmp"]
        let one = [
            "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sqrt", "cbrt", "sin", "cos", "tan", "asin",
        ]
        let two = [
            "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "erf", "erfc", "tgamma", "lgamma",
        ]
        let rounding = ["floor", "ceil", "trunc", "round", "rint", "nearbyint", "fabs", "ldexp", "frexp", "scalbn"]
        let binary = ["pow", "atan2", "fmod", "remainder", "hypot", "fmin", "fmax", "copysign", "fma", "nextafter"]
        let functions = one + two + rounding + binary
        // Conversions of f16 and 128-bit arithmetic that compilers leave to their libraries.
        let runtime = [
            "__extendhfsf2", "__truncsfhf2", "__truncdfhf2", "__gnu_h2f_ieee", "__gnu_f2h_ieee", "__truncsfbf2",
            "__truncdfbf2", "__divti3", "__modti3", "__udivti3", "__umodti3", "__cpu_model", "__stack_chk_fail",
        ]
        // Gangs that wait for each other ask whether they share a processor, and give it away; neither keeps anything.
        let waiting = ["sched_getcpu", "sched_yield"]
        return Set(memory + functions + functions.map { $0 + "f" } + runtime + waiting)
    }()

    /// Throws when the library at `path` imports what is not allowed, has writable data, or runs code when loaded.
    package static func audit(path: String) throws(Refusal) {
        guard let bytes = read(path) else { throw .badLibrary(reason: "cannot read \(path)") }
        var reader = ElfReader(bytes: bytes)
        let sections = try reader.sections()
        for section in sections {
            // Constructors and destructors.
            if [14, 15, 16].contains(section.type), section.size > 0 { throw .runsAtLoad(section: section.name) }
            if [".init", ".fini"].contains(section.name), section.size > 0 { throw .runsAtLoad(section: section.name) }
            let isWritable = section.flags & 1 != 0 && (section.type == 1 || section.type == 8)
            // Tables that the loader fills and then protects.
            let isLoaders = section.name.hasPrefix(".got") || section.name.hasPrefix(".data.rel.ro")
            if isWritable, !isLoaders, section.size > 0 {
                throw .writableData(section: section.name, bytes: section.size)
            }
        }
        if try reader.wantsExecutableStack() { throw .badLibrary(reason: "it asks for an executable stack") }
        for name in try reader.undefinedSymbols(sections) where !allowedImports.contains(name) {
            throw .forbiddenImport(symbol: name)
        }
    }

    /// The bytes of a library.
    package static func bytes(of path: String) throws(Refusal) -> [UInt8] {
        guard let bytes = read(path) else { throw .badLibrary(reason: "cannot read \(path)") }
        return bytes
    }

    private static func read(_ path: String) -> [UInt8]? {
        guard let file = fopen(path, "re") else { return nil }
        defer { fclose(file) }
        fseek(file, 0, SEEK_END)
        let size = ftell(file)
        guard size > 0 else { return nil }
        rewind(file)
        return [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            count = fread(buffer.baseAddress, 1, size, file)
        }
    }
}

/// The few parts of an ELF file (64-bit, little-endian; System V ABI, chapter 4) that the audit needs, every read checked.
private struct ElfReader {
    struct Section {
        var name = ""
        var nameOffset: Int
        var type: Int
        var flags: Int
        var offset: Int
        var size: Int
        var link: Int
    }

    let bytes: [UInt8]

    private func number(_ offset: Int, _ count: Int) throws(Refusal) -> Int {
        guard offset >= 0, offset <= bytes.count - count else {
            throw .badLibrary(reason: "cut short at byte \(offset)")
        }
        let bits = (0..<count).reduce(UInt64(0)) { $0 | UInt64(bytes[offset + $1]) << UInt64(8 * $1) }
        guard let value = Int(exactly: bits) else { throw .badLibrary(reason: "absurd number at byte \(offset)") }
        return value
    }

    private func text(_ offset: Int) throws(Refusal) -> String {
        guard offset >= 0, offset < bytes.count else { throw .badLibrary(reason: "a name outside of the file") }
        return String(decoding: bytes[offset...].prefix { $0 != 0 }, as: UTF8.self)
    }

    mutating func sections() throws(Refusal) -> [Section] {
        guard bytes.starts(with: [0x7F, 0x45, 0x4C, 0x46, 2, 1]) else {
            throw .badLibrary(reason: "no 64-bit little-endian ELF file")
        }
        let table = try number(40, 8)
        let count = try number(60, 2)
        let names = try number(62, 2)
        guard count > 0 else { throw .badLibrary(reason: "no section table") }
        var sections: [Section] = []
        for index in 0..<count {
            let start = table + index * 64
            sections.append(
                Section(
                    nameOffset: try number(start, 4), type: try number(start + 4, 4), flags: try number(start + 8, 8),
                    offset: try number(start + 24, 8), size: try number(start + 32, 8), link: try number(start + 40, 4))
            )
        }
        guard sections.indices.contains(names) else { throw .badLibrary(reason: "no section names") }
        for index in sections.indices {
            sections[index].name = try text(sections[names].offset + sections[index].nameOffset)
        }
        return sections
    }

    /// Hooks of the start files, which may be absent. Other names are imports, weak or not: the loader finds what is there.
    private static let hooks: Set<String> = [
        "__gmon_start__", "_ITM_deregisterTMCloneTable", "_ITM_registerTMCloneTable", "__cxa_finalize",
    ]

    /// Whether loading it makes the stack of the whole process executable (`PT_GNU_STACK`), as functions within functions ask for.
    func wantsExecutableStack() throws(Refusal) -> Bool {
        let (table, size, count) = (try number(32, 8), try number(54, 2), try number(56, 2))
        for index in 0..<count {
            let start = table + index * size
            if try number(start, 4) == 0x6474_E551, try number(start + 4, 4) & 1 != 0 { return true }
        }
        return false
    }

    func undefinedSymbols(_ sections: [Section]) throws(Refusal) -> [String] {
        var names: [String] = []
        for table in sections where table.type == 11 {
            guard sections.indices.contains(table.link) else { throw .badLibrary(reason: "symbols without names") }
            for index in 1..<max(1, table.size / 24) {
                let start = table.offset + index * 24
                let sectionIndex = try number(start + 6, 2)
                guard sectionIndex == 0 else { continue }
                let name = try text(sections[table.link].offset + number(start, 4))
                if !name.isEmpty, !Self.hooks.contains(name) { names.append(name) }
            }
        }
        return names
    }
}
