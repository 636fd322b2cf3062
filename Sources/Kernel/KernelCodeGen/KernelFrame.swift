import ElementTypes
import KernelIR

/// The opening and the signature that all generated CPU functions share.
package enum KernelFrame {
    /// Declarations of the typed buffer pointers `p0`… and the symbol values, for a function whose buffers are the kernel's
    /// parameters in order.
    package static func opening(_ kernel: Kernel) -> [String] {
        var lines: [String] = []
        for (number, parameter) in kernel.parameters.enumerated() {
            let type = CTypes.storage(parameter.element)
            lines.append(
                parameter.access == .read
                    ? "const \(type) *const restrict p\(number) = buffers[\(number)]; (void)p\(number);"
                    : "\(type) *const restrict p\(number) = buffers[\(number)]; (void)p\(number);")
        }
        for (number, symbol) in kernel.symbols.enumerated() {
            lines.append("const int64_t \(symbol.name) = dims[\(number)]; (void)\(symbol.name);")
        }
        lines.append("(void)dims; (void)workspace; (void)part; (void)parts;")
        return lines
    }

    /// A whole function of the ABI around its lines.
    package static func function(_ symbol: String, _ lines: [String]) -> String {
        """
        int32_t \(symbol)(void *const *buffers, const int64_t *dims, void *workspace, int32_t part, int32_t parts);
        int32_t \(symbol)(void *const *buffers, const int64_t *dims, void *workspace, int32_t part, int32_t parts) {
        \(lines.joined(separator: "\n"))
            return 0;
        }

        """
    }
}
