/// What multiplies batches of codes by one row, of which every warp keeps its own part in shared memory (`SIMTCodedDealtWriter`).
///
/// Functions and statements see `lane`, `g` (lane / 4) and `t` (lane % 4), the statements of products also the words `w[u]` and scales
/// `f[u]` of batch `u`.
protocol SIMTDealtUnits {
    var weights: SIMTUnitCodes { get }
    /// Bytes of a batch of the left operand in shared memory, a multiple of 16.
    var leftBytes: Int { get }
    /// What is said of it where an infinity among the left operand's values makes NaN of what would be infinite (`EmittedKernel.spreading`).
    var spreading: String? { get }
    /// Device functions, among them `void SYMBOL_keep(const uint32_t *x, unsigned char *batch, int part, int t, int isThere)`, which
    /// puts a lane's 8 values of a part, in words of the operands' type, in their place in a batch; the lanes of a batch take part
    /// together, those with nothing to keep too.
    func functions(_ symbol: String) -> String
    /// Words of scales that a lane needs of a batch, and the text of the place of word `k` of them among all of the batch's.
    var scales: (words: Int, place: String) { get }
    /// Statements before all batches.
    var begin: [String] { get }
    /// Statements that add the products of batch `u` with the batch of the left operand at `left` (a pointer) to `c[2]`.
    func multiply(left: String) -> [String]
    /// Statements that leave the sums of columns g and g + 8 in `c` of lanes with t = 0.
    var join: [String] { get }
}

extension SIMTDealtUnits {
    /// Statements that read a lane's words of `count` batches, the first at `place` (a pointer) and each `stride` bytes after the one
    /// before, into `w[count][8]`, and its scales into `f[count]`; of batch `u` only where `condition` holds.
    func fetch(_ place: String, _ count: Int, stride: Int, where condition: String?) -> [String] {
        let (words, scale) = scales
        var lines = ["uint32_t w[\(count)][8];", weights.hasBlocks ? "uint32_t f[\(count)][\(words)];" : ""]
        lines += [
            "UNROLL for (int u = 0; u < \(count); ++u) \(condition.map { "if (\($0)) " } ?? ""){",
            "const unsigned char *const batch = \(place) + u * \(stride);",
        ]
        for first in [0, 4] {
            lines.append(
                "{ const uint4 q = *(const uint4 *)(batch + \(first * 128) + lane * 16); w[u][\(first)] = q.x; "
                    + "w[u][\(first + 1)] = q.y; w[u][\(first + 2)] = q.z; w[u][\(first + 3)] = q.w; }")
        }
        if weights.hasBlocks {
            lines.append(
                "UNROLL for (int k = 0; k < \(words); ++k) f[u][k] = ((const uint32_t *)(batch + 1024))[\(scale)];")
        }
        return lines + ["}"]
    }
}
