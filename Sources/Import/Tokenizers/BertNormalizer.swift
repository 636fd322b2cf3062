@_spi(_Unicode) import Swift

/// BERT's clean-up of text before it is split (Devlin and others, 2018; `BertNormalizer` of the `tokenizers` library).
package struct BertNormalizer: Sendable, Equatable {
    /// Whether control characters go, and all kinds of white space become spaces.
    package var cleansText = true
    /// Whether spaces are put around Chinese characters.
    package var separatesChinese = true
    /// Whether accents go; nil for where letters are made small.
    package var stripsAccents: Bool?
    /// Whether letters are made small.
    package var lowercases = true

    /// BERT's own for text without case.
    package init() {}

    /// The text, cleaned up.
    package func callAsFunction(_ text: String) -> String {
        var scalars = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if cleansText {
                if scalar == "\0" || scalar == "\u{FFFD}" || scalar.isControl { continue }
                if scalar.isSpace {
                    scalars.append(" ")
                    continue
                }
            }
            if separatesChinese, scalar.isChinese {
                scalars.append(contentsOf: [" ", scalar, " "])
            } else {
                scalars.append(scalar)
            }
        }
        if stripsAccents ?? lowercases {
            let whole = String(scalars)
            scalars = String.UnicodeScalarView()
            for scalar in whole._nfd where scalar.properties.generalCategory != .nonspacingMark {
                scalars.append(scalar)
            }
        }
        if lowercases {
            var small = String.UnicodeScalarView()
            for scalar in scalars { small.append(contentsOf: scalar.properties.lowercaseMapping.unicodeScalars) }
            scalars = small
        }
        return String(scalars)
    }
}

extension Unicode.Scalar {
    /// White space, as texts are split at.
    var isSpace: Bool { self == "\t" || self == "\n" || self == "\r" || properties.isWhitespace }

    /// Characters without a look of their own, but for those that count as white space.
    fileprivate var isControl: Bool {
        if self == "\t" || self == "\n" || self == "\r" { return false }
        return switch properties.generalCategory {
        // Not those that Unicode has not assigned, though BERT's own code takes them for such: the library does not.
        case .control, .format, .privateUse, .surrogate: true
        default: false
        }
    }

    /// Ideographs of the unified blocks.
    fileprivate var isChinese: Bool {
        switch value {
        case 0x4E00...0x9FFF, 0x3400...0x4DBF, 0x20000...0x2A6DF, 0x2A700...0x2B73F, 0x2B740...0x2B81F,
            0x2B920...0x2CEAF, 0xF900...0xFAFF, 0x2F800...0x2FA1F:
            true
        default: false
        }
    }

    /// Punctuation in Unicode's sense, and all of ASCII that is neither letter nor digit.
    var isPunctuation: Bool {
        if value < 0x80 {
            return switch value {
            case 33...47, 58...64, 91...96, 123...126: true
            default: false
            }
        }
        return switch properties.generalCategory {
        case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation,
            .finalPunctuation, .otherPunctuation:
            true
        default: false
        }
    }
}
