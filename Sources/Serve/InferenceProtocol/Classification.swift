import ElementTypes

/// The classification extension of the Open Inference Protocol: the largest elements of each row as `value:index`, or
/// `value:index:label` where the index has a label.
package enum Classification {
    /// Texts of the `count` largest elements of each row, largest first and of equals the first; and their shape. A tensor of one axis is one
    /// row, of more has as many as its first extent. NaN counts as the least.
    package static func texts(
        _ memory: UnsafeRawBufferPointer, _ element: ElementType, _ shape: [Int], count: Int, labels: [String] = []
    ) -> (texts: [String], shape: [Int]) {
        let rows = shape.count > 1 ? shape[0] : 1
        let elements = memory.count / element.byteCount
        let width = rows > 0 ? elements / rows : 0
        let count = min(count, width)
        var texts: [String] = []
        for row in 0..<rows {
            let values = (0..<width).map { TensorElements.value(memory, element, row * width + $0) }
            func comesBefore(_ left: Int, _ right: Int) -> Bool {
                let (a, b) = (values[left], values[right])
                if a.isNaN || b.isNaN { return a.isNaN == b.isNaN ? left < right : b.isNaN }
                return a == b ? left < right : a > b
            }
            var best: [Int] = []
            for index in values.indices where best.count < count || comesBefore(index, best[best.count - 1]) {
                let place = best.firstIndex { comesBefore(index, $0) } ?? best.count
                best.insert(index, at: place)
                if best.count > count { best.removeLast() }
            }
            for index in best {
                let text = element.isInteger ? String(Int(values[index])) : Float(values[index]).description
                texts.append(index < labels.count ? "\(text):\(index):\(labels[index])" : "\(text):\(index)")
            }
        }
        return (texts, shape.count > 1 ? [rows, count] : [count])
    }
}
