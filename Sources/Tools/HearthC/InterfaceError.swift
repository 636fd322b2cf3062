import CHearth
import DeviceAPI
import ModelPackage
import PackageRuntime

/// Why a call of the C interface failed: what its code and its line come from.
enum InterfaceError: Error {
    /// A handle or an address that must be there is not.
    case missing(String)
    /// A number that is outside of its range.
    case badNumber(String)
    /// Memory that cannot be used as it is.
    case badTensor(name: String, reason: String)
    /// The package, its inputs or its device.
    case runtime(RuntimeError)
    /// A device that cannot be opened.
    case device(DeviceError)

    /// The code that the caller gets.
    var code: Int {
        switch self {
        case .missing, .badNumber, .badTensor: HEARTH_BAD_INPUT
        case .device(let error): Self.code(of: error)
        case .runtime(.device(let error)): Self.code(of: error)
        case .runtime(.outOfMemory): HEARTH_UNAVAILABLE
        case .runtime: HEARTH_BAD_INPUT
        }
    }

    /// One line: what, where, what to do.
    var text: String {
        switch self {
        case .missing(let what): "\(what) is NULL"
        case .badNumber(let text): text
        case .badTensor(let name, let reason): "'\(name)' \(reason)"
        case .runtime(let error): error.description
        case .device(let error): error.description
        }
    }

    private static func code(of error: DeviceError) -> Int {
        switch error {
        case .outOfMemory, .unavailable, .libraryFailed: HEARTH_UNAVAILABLE
        case .programNotLoaded, .unsupported, .wrongSlotCount, .outOfBounds, .notImported: HEARTH_BAD_INPUT
        case .missingKernel, .kernelFailed, .badLaunch, .failed: HEARTH_FAILED
        }
    }
}

/// Runs the body of a function of the C interface; keeps what it throws for `hearth_error`.
func reporting(_ body: () throws(InterfaceError) -> Void) -> Int32 {
    do {
        try body()
        return Int32(HEARTH_OK)
    } catch {
        hearth_keep_error(error.text)
        return Int32(error.code)
    }
}

/// The object behind a handle.
func object<Object: AnyObject>(_ handle: OpaquePointer?, as type: Object.Type, _ what: String) throws(InterfaceError)
    -> Object
{
    guard let handle else { throw .missing(what) }
    return Unmanaged<Object>.fromOpaque(UnsafeRawPointer(handle)).takeUnretainedValue()
}

/// A handle that owns an object until `release`.
func handle(_ object: some AnyObject) -> OpaquePointer { OpaquePointer(Unmanaged.passRetained(object).toOpaque()) }
