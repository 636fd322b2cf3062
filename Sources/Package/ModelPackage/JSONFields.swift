import Base
import ElementTypes
import JSON

/// An object of a package's JSON file, read field by field with errors that name file and place.
struct JSONFields {
    let file: String
    let place: String
    let object: JSONObject

    init(_ value: JSONValue, file: String, place: String) throws(PackageError) {
        guard case .object(let object) = value else {
            throw .malformed(file: file, place: place, expected: "an object")
        }
        self.file = file
        self.place = place
        self.object = object
    }

    func error(_ name: String, _ expected: String) -> PackageError {
        .malformed(file: file, place: path(name), expected: expected)
    }

    func path(_ name: String) -> String { place.isEmpty ? name : "\(place).\(name)" }

    func string(_ name: String) throws(PackageError) -> String {
        guard let value = object[name]?.stringValue else { throw error(name, "a string") }
        return value
    }

    func optionalString(_ name: String) throws(PackageError) -> String? {
        guard let value = object[name], value != .null else { return nil }
        guard let text = value.stringValue else { throw error(name, "a string") }
        return text
    }

    func integer(_ name: String) throws(PackageError) -> Int {
        guard let value = object[name]?.integerValue else { throw error(name, "an integer") }
        return Int(value)
    }

    func optionalInteger(_ name: String) throws(PackageError) -> Int? {
        guard let value = object[name], value != .null else { return nil }
        guard let number = value.integerValue else { throw error(name, "an integer") }
        return Int(number)
    }

    /// A flag; absent is false.
    func flag(_ name: String) throws(PackageError) -> Bool {
        guard let value = object[name] else { return false }
        guard let flag = value.boolValue else { throw error(name, "true or false") }
        return flag
    }

    func array(_ name: String) throws(PackageError) -> [JSONValue] {
        guard let value = object[name]?.arrayValue else { throw error(name, "a list") }
        return value
    }

    /// A list; absent is empty.
    func optionalArray(_ name: String) throws(PackageError) -> [JSONValue] {
        object[name] == nil ? [] : try array(name)
    }

    func strings(_ name: String) throws(PackageError) -> [String] {
        var texts: [String] = []
        for value in try array(name) {
            guard let text = value.stringValue else { throw error(name, "a list of strings") }
            texts.append(text)
        }
        return texts
    }

    /// A list of objects, each read by `read`; absent is empty.
    func objects<Element>(_ name: String, _ read: (JSONFields) throws(PackageError) -> Element) throws(PackageError)
        -> [Element]
    {
        var elements: [Element] = []
        for (index, value) in try optionalArray(name).enumerated() {
            elements.append(try read(JSONFields(value, file: file, place: "\(path(name))[\(index)]")))
        }
        return elements
    }

    /// An integer or the text of an expression over symbols.
    func dimension(_ name: String) throws(PackageError) -> Dimension {
        guard let value = object[name] else { throw error(name, "an integer or an expression") }
        return try dimension(value, name)
    }

    func dimensions(_ name: String) throws(PackageError) -> [Dimension] {
        var dimensions: [Dimension] = []
        for value in try optionalArray(name) { dimensions.append(try dimension(value, name)) }
        return dimensions
    }

    private func dimension(_ value: JSONValue, _ name: String) throws(PackageError) -> Dimension {
        if let number = value.integerValue { return Dimension(Int(number)) }
        guard let text = value.stringValue else { throw error(name, "an integer or an expression") }
        do {
            return try Dimension(parsing: text)
        } catch {
            throw self.error(name, "an expression such as 2*s0 + 3 (\(error))")
        }
    }
}

extension JSONValue {
    /// A constant as a number, everything else as text.
    init(_ dimension: Dimension) {
        self = dimension.constantValue.map { .integer(Int64($0)) } ?? .string(dimension.description)
    }

    /// An integer.
    init(_ value: Int) { self = .integer(Int64(value)) }
}
