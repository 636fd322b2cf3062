import Glibc
import KernelArchive

// archive-writer-for-tests PATH NAME      appends numbered records until it is killed, and says so of each once it is kept
// archive-writer-for-tests PATH measure N fills an archive with N records of N / 20 kernels and times what a search asks of it
let arguments = CommandLine.arguments
if arguments.count == 4, arguments[2] == "measure", let count = Int(arguments[3]) {
    try Measurement.run(arguments[1], records: count)
} else {
    let archive = try KernelArchive(path: arguments[1])
    for number in 0... {
        let key = ArchiveKey(
            kernel: "kernel \(number % 7)", machine: "here", builder: .init(generator: "1", compiler: arguments[2]),
            schedule: "tile=\(number)")
        try archive.append(
            ArchiveRecord(
                key: key, agent: "writer",
                outcome: .timed(seconds: 1 / Double(number + 1), championSeconds: 1, isWin: true)))
        let line = Array("\(number)\n".utf8)
        _ = line.withUnsafeBytes { write(1, $0.baseAddress, $0.count) }
    }
}
