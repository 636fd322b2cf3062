internal import CKernelHarness
internal import Glibc

/// A candidate's shared object.
package final class LoadedLibrary {
    private let handle: UnsafeMutableRawPointer

    /// Loads it; the error says why not.
    package init(path: String) throws(RequestError) {
        guard let handle = dlopen(path, RTLD_NOW | RTLD_LOCAL) else {
            throw RequestError(.notLoaded, dlerror().map { String(cString: $0) } ?? "unknown reason")
        }
        self.handle = handle
    }

    deinit { dlclose(handle) }

    /// A function of the kernels' signature.
    func function(_ name: String) throws(RequestError) -> HearthKernel {
        guard let symbol = dlsym(handle, name) else { throw RequestError(.missingSymbol, name) }
        // Safety: what a candidate exports under this name is called as a kernel; if it is none, only this process suffers.
        return unsafeBitCast(symbol, to: HearthKernel.self)
    }
}

/// Why a request cannot be carried out.
package struct RequestError: Error {
    /// What it is.
    package var reason: WorkerRefusal
    /// Which, and why.
    package var detail: String

    /// Makes an error.
    package init(_ reason: WorkerRefusal, _ detail: String) {
        self.reason = reason
        self.detail = detail
    }
}
