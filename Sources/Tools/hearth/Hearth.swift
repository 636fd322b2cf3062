import ArgumentParser

/// The `hearth` command: parse, call, print; nothing else.
@main
struct Hearth: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hearth", abstract: "Makes PyTorch models fast on the hardware at hand.")
}
