import ElementTypes
import KernelIR

/// C spelling of reductions: start values, arg-reduction steps and folds.
enum Reductions {
    /// The neutral element.
    static func initial(_ kind: ReductionKind, _ type: ElementType, isVector: Bool) -> String {
        let letter = CTypes.letter(type)
        func number(_ real: Double, _ integer: String, _ truth: Int) -> String {
            switch letter {
            case "l": integer
            case "b": "\(truth)"
            default: CTypes.real(real, type)
            }
        }
        let value =
            switch kind {
            case .sum: number(0, "0", 0)
            case .product: number(1, "1", 1)
            case .minimum, .argMinimum: number(.infinity, "INT64_MAX", 1)
            case .maximum, .argMaximum: number(-.infinity, "INT64_MIN", 0)
            case .any: "0"
            case .all: "1"
            case .logSumExp: number(-.infinity, "0", 0)
            }
        return isVector ? "splat_\(letter)(\(value))" : value
    }

    /// Updates the best value and its position. The first element always enters, NaN beats everything and stays.
    static func argStep(
        _ kind: ReductionKind, _ letter: String, _ form: String, _ best: String, _ position: String, _ value: String,
        _ at: String
    ) -> String {
        let sign = kind == .argMaximum ? ">" : "<"
        let better = "((\(value) \(sign) \(best)) | ((\(value) != \(value)) & (\(best) == \(best))))"
        let isWide = form == "v" && (letter == "d" || letter == "l")
        let mask = isWide ? "mask_lv(\(better))" : better
        let fresh = form == "v" ? "mask_lv(\(position) < 0)" : "(\(position) < 0)"
        let type = form == "v" ? "vi" : "int"
        return
            "{ const \(type) m = \(mask) | \(fresh); \(best) = sel_\(letter)\(form)(m, \(value), \(best)); "
            + "\(position) = sel_l\(form)(m, \(at), \(position)); }"
    }

    /// Merges one candidate into a running best; equal values keep the earlier position.
    static func argFold(
        _ kind: ReductionKind, _ best: String, _ bestAt: String, _ value: String, _ at: String
    ) -> String {
        let sign = kind == .argMaximum ? ">" : "<"
        return
            "const int earlier = \(at) < \(bestAt); const int vn = \(value) != \(value), bn = \(best) != \(best); "
            + "if (\(bestAt) < 0 || (vn && !bn) || (vn && bn && earlier) || (!vn && !bn && (\(value) \(sign) \(best) "
            + "|| (\(value) == \(best) && earlier)))) { \(best) = \(value); \(bestAt) = \(at); }"
    }
}
