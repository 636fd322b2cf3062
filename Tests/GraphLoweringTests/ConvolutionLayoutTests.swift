import Base
import ElementTypes
import GraphIR
import KernelIR
import Testing

@testable import GraphLowering

/// How what convolutions make lies: all of it channels last or first, or each in its own way.
@Suite struct ConvolutionLayoutTests {
    private static let text = """
        graph "layouts"
        input "x" f32[1, 8, 12, 12]
        %0 = input 0 : f32[1, 8, 12, 12]
        %1 = parameter "v" : f32[16, 8, 3, 3]
        %2 = convolve stride [1, 1] low [1, 1] high [1, 1] dilation [1, 1] groups 1 %0, %1 : f32[1, 16, 12, 12]
        %3 = map maximum(a0, 0.0) %2 : f32[1, 16, 12, 12]
        %4 = parameter "w" : f32[24, 16, 1, 1]
        %5 = convolve stride [1, 1] low [0, 0] high [0, 0] dilation [1, 1] groups 1 %3, %4 : f32[1, 24, 12, 12]
        %6 = map exp(a0) %5 : f32[1, 24, 12, 12]
        %7 = reduce.sum axes [2, 3] %6 : f32[1, 24]
        output "y" %7

        """

    /// Layouts of temporaries of four axes under a cover, in their order.
    private func layouts(_ graph: Graph, _ cover: Cover) throws -> [[Int]] {
        let program = try lower(graph, cover: cover)
        return program.buffers.ids.map { program.buffers[$0] }.filter {
            if case .temporary = $0.role { $0.type.shape.count == 4 } else { false }
        }.map(\.layout)
    }

    @Test func eachMayLieAnotherWayThanAll() throws {
        let graph = try Graph(parsing: Self.text)
        let names = Cover().decisions(graph).map(\.name).filter { $0.hasPrefix("layout.") }
        #expect(names.count == 3 && names[0] == Cover.layout)
        try #require(names.count == 3)
        let (last, first) = ([0, 2, 3, 1], [0, 1, 2, 3])
        #expect(try layouts(graph, Cover()).first == last)
        #expect(try layouts(graph, Cover([Cover.layout: false])).first == first)
        // The first convolution's result is the first temporary.
        let own = try names[1...].map { try layouts(graph, Cover([$0: false])).first }
        #expect(own.count { $0 == first } == 1 && own.count { $0 == last } == 1)
        let both = try names[1...].map { try layouts(graph, Cover([Cover.layout: false, $0: false])).first }
        #expect(both.count { $0 == last } == 1 && both.count { $0 == first } == 1)
    }

    /// What an input of many channels holds is copied once, channels last, for all convolutions that read it: by the rules where the device gains by
    /// it, and where a decision says so. Pixels of three channels have a fourth of zeros.
    @Test(
        arguments: [(4, true, true), (8, true, true), (8, false, false), (3, true, true), (2, true, nil)]
            as [(Int, Bool, Bool?)])
    func inputsAreTurned(_ channels: Int, _ turnsInputs: Bool, _ usual: Bool?) throws {
        let text = """
            graph "turned"
            input "x" f32[1, \(channels), 6, 6]
            %0 = input 0 : f32[1, \(channels), 6, 6]
            %1 = parameter "v" : f32[8, \(channels), 3, 3]
            %2 = convolve stride [1, 1] low [1, 1] high [1, 1] dilation [1, 1] groups 1 %0, %1 : f32[1, 8, 6, 6]
            %3 = parameter "w" : f32[24, \(channels), 1, 1]
            %4 = convolve stride [1, 1] low [0, 0] high [0, 0] dilation [1, 1] groups 1 %0, %3 : f32[1, 24, 6, 6]
            output "y" %2
            output "z" %4

            """
        let graph = try Graph(parsing: text)
        let rules = Cover(turnsInputs: turnsInputs)
        let turns = rules.decisions(graph).filter { $0.name.hasPrefix("turn.") }
        #expect(turns.map(\.usual) == (usual.map { [$0, $0] } ?? []))
        func readers(_ cover: Cover) throws -> (copies: Int, ofCopies: Int) {
            let launches = try lower(graph, cover: cover).launches
            let copies = launches.filter { $0.kernel.name.hasPrefix("copy_turned") }.map { $0.buffers[1] }
            let convolutions = launches.filter { $0.kernel.name.hasPrefix("convolve") }
            return (copies.count, convolutions.count { !Set($0.buffers).isDisjoint(with: copies) })
        }
        #expect(try readers(rules) == (usual == true ? (1, 2) : (0, 0)))
        guard let usual else { return }
        #expect(try readers(rules.deciding([turns[0].name: !usual])) == (1, 1))
        let all = Dictionary(uniqueKeysWithValues: turns.map { ($0.name, true) })
        #expect(try readers(rules.deciding(all)) == (1, 2))
    }

    /// On devices that turn inputs, f32 results that become outputs by maps and concatenations alone lie as outputs do; what another convolution
    /// or a window reads, and other types, lie channels last. A decision of each says otherwise.
    @Test(arguments: [
        ("f32", "", "%2", false), ("bf16", "", "%2", true),
        ("f32", "%4 = concatenate axis 1 %2, %2 : f32[1, 16, 6, 6]\n", "%4", false),
        (
            "f32",
            "%4 = convolve stride [1, 1] low [0, 0] high [0, 0] dilation [1, 1] groups 1 %2, %3 : f32[1, 8, 6, 6]\n",
            "%2", true
        ),
    ])
    func resultsForOutputs(_ element: String, _ more: String, _ output: String, _ isLast: Bool) throws {
        let text = """
            graph "results"
            input "x" \(element)[1, 8, 6, 6]
            %0 = input 0 : \(element)[1, 8, 6, 6]
            %1 = parameter "v" : \(element)[8, 8, 3, 3]
            %2 = convolve stride [1, 1] low [1, 1] high [1, 1] dilation [1, 1] groups 1 %0, %1 : \(element)[1, 8, 6, 6]
            %3 = parameter "w" : \(element)[8, 8, 1, 1]
            \(more)output "y" \(output)
            \(more.contains("convolve") ? "output \"z\" %4\n" : "")
            """
        let graph = try Graph(parsing: text)
        func layout(_ cover: Cover) throws -> [Int]? {
            let program = try lower(graph, cover: cover)
            let launch = program.launches.first { $0.kernel.name.hasPrefix("convolve_2") }
            return launch?.buffers.last.map { program.buffers[$0].layout }
        }
        let (last, first) = ([0, 2, 3, 1], [0, 1, 2, 3])
        let rules = Cover(turnsInputs: true)
        #expect(try layout(rules) == (isLast ? last : first))
        #expect(try layout(Cover()) == last)
        let own = rules.decisions(graph).first { $0.name.hasPrefix("layout.convolve") }
        if let own {
            #expect(own.usual == isLast)
            #expect(try layout(rules.deciding([own.name: !isLast])) == (isLast ? first : last))
        } else {
            #expect(isLast)
        }
    }

    /// A map that makes an output of what lies channels last stores it as the output lies, where nothing else reads it and the device turns.
    @Test(arguments: [(true, "", true), (false, "", false), (true, "%7 = reduce.sum axes [2, 3] %6", false)])
    func mapsForOutputsTurn(_ turnsInputs: Bool, _ more: String, _ isTurned: Bool) throws {
        let reader = more.isEmpty ? "" : more + " : f32[1, 8]\n"
        let text = """
            graph "results"
            input "x" f32[1, 8, 96, 96]
            %0 = input 0 : f32[1, 8, 96, 96]
            %1 = parameter "v" : f32[8, 8, 3, 3]
            %2 = convolve stride [1, 1] low [1, 1] high [1, 1] dilation [1, 1] groups 1 %0, %1 : f32[1, 8, 96, 96]
            %3 = reduce.sum axes [2, 3] %2 : f32[1, 8]
            %4 = view.reshape [1, 8, 1, 1] %3 : f32[1, 8, 1, 1]
            %5 = view.expand [1, 8, 96, 96] %4 : f32[1, 8, 96, 96]
            %6 = map f32(subtract(a0, a1)) %2, %5 : f32[1, 8, 96, 96]
            \(reader)output "y" %6
            \(more.isEmpty ? "" : "output \"z\" %7\n")
            """
        let program = try lower(Graph(parsing: text), cover: Cover(turnsInputs: turnsInputs, processors: 132))
        let copies = program.launches.filter { $0.kernel.name.hasPrefix("copy_output") }
        #expect(copies.isEmpty == isTurned)
    }

    /// What lies as all do because there is nothing else is no decision.
    @Test func oneConvolutionIsAll() throws {
        let lines = Self.text.split(separator: "\n").filter {
            !$0.contains("%4") && !$0.contains("%6") && !$0.contains("%7")
        }
        let text = lines.joined(separator: "\n") + "\noutput \"y\" %3\n"
        let names = Cover().decisions(try Graph(parsing: text)).map(\.name).filter { $0.hasPrefix("layout.") }
        #expect(names == [Cover.layout])
    }
}
