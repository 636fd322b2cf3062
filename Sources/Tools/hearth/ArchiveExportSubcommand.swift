import ArchiveExchange
import ArgumentParser
import Glibc
import KernelArchive
import Signatures

extension SignatureError: UserFault {}

/// Writes the trials that were judged here to a signed file.
struct ArchiveExportSubcommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Writes what was judged here to a signed file for others.",
        discussion: """
            The file is JSON Lines (Documentation/archive-format.md): machines, kernels by their hashes and sizes, schedules and \
            verdicts; no weights, no names and no code of your models. It is signed with a key of yours, which is made at the first \
            use (HEARTH_SIGNING_KEY, or .config/hearth/signing.key in the home folder).

            Example: hearth archive export trials.jsonl
            """)

    @Argument(help: "The file to write.") var file: String
    @OptionGroup var place: ArchiveOption

    func run() throws {
        guard let keyPath = SigningKey.standardPath else {
            throw BadInput("there is no home folder for the signing key; name a file in HEARTH_SIGNING_KEY")
        }
        let archive = try ArchivePlace.require(place.archive)
        let contents = try archive.contents()
        if contents.records.isEmpty { throw BadInput("the archive \(archive.path) holds nothing that was judged here") }
        let key = try SigningKey(path: keyPath)
        let bytes = ArchiveExport(contents).signed(by: key)
        try Self.write(bytes, to: file)
        print(
            "wrote \(contents.records.count) trials of \(contents.kernels.count) kernels to \(file), signed by "
                + Hexadecimal.text(key.publicKey))
    }

    /// Writes a file whole, or leaves what was there.
    private static func write(_ bytes: [UInt8], to path: String) throws {
        let draft = "\(path).\(getpid()).new"
        var isWritten = false
        if let stream = fopen(draft, "wb") {
            isWritten = fwrite(bytes, 1, bytes.count, stream) == bytes.count
            isWritten = fclose(stream) == 0 && isWritten
        }
        if isWritten, rename(draft, path) == 0 { return }
        let reason = String(cString: strerror(errno))
        unlink(draft)
        throw BadInput("cannot write \(path): \(reason)")
    }
}
