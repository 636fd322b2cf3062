import Base
import ElementTypes
import Glibc
import ModelPackage
import PackageRuntime

/// Times of single launches, on the recorded inputs or, in a package without any, on random ones.
enum LaunchProfile {
    /// Median nanoseconds of each launch over `runs` runs after two to warm up. Random inputs have the dimensions that occurred at
    /// export.
    static func measure(_ session: Session, runs: Int) throws -> [UInt64] {
        let golden = session.package.directory.path(of: "golden.safetensors")
        if access(golden, R_OK) == 0 {
            let inputs = try GoldenInputs(path: golden, interface: session.package.interface)
            try session.bind(inputs.types)
            return try measure(session, inputs.memory, runs)
        }
        let interface = session.package.interface
        var random = SeededRandom(seed: 0)
        let inputs = try interface.typicalInputs().map { type in
            let memory = try TensorMemory(type)
            memory.randomise(&random)
            return memory
        }
        var values: [Int: Int] = [:]
        for binding in interface.symbols {
            guard case .value(let input) = binding.source else { continue }
            inputs[input].setInteger(binding.symbol.hint)
            values[input] = binding.symbol.hint
        }
        try session.bind(inputs.map(\.type), values: values)
        return try measure(session, inputs, runs)
    }

    private static func measure(_ session: Session, _ inputs: [TensorMemory], _ runs: Int) throws -> [UInt64] {
        let outputs = try session.outputs.map { try TensorMemory($0) }
        var samples: [[UInt64]] = []
        for _ in 0..<runs + 2 {
            samples.append(
                try inputs.map { UnsafeRawPointer($0.address) }.withUnsafeBufferPointer { inputs in
                    try outputs.map(\.address).withUnsafeBufferPointer {
                        try session.profile(inputs: inputs, outputs: $0)
                    }
                })
        }
        samples.removeFirst(2)
        return session.package.plan.launches.indices.map { launch in samples.map { $0[launch] }.sorted()[runs / 2] }
    }
}
