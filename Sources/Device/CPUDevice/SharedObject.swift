import DeviceAPI
import Glibc

/// Kernels in a shared object. It is unloaded when the last kernel handle goes.
final class SharedObject: DeviceProgram {
    let name: String
    // Safety: dlsym may be called from any thread; closed only at the end.
    private nonisolated(unsafe) let handle: UnsafeMutableRawPointer
    /// Stays open while loaded: the loader knows objects by path, and a reused descriptor would give it the same path.
    private let file: Int32?

    /// Loads from an anonymous file, which it owns from here on.
    init(anonymousFile file: Int32, name: String) throws(DeviceError) {
        guard let handle = dlopen("/proc/self/fd/\(file)", RTLD_NOW | RTLD_LOCAL) else {
            let reason = dlerror().map { String(cString: $0) } ?? "unknown reason"
            close(file)
            throw .programNotLoaded(name: name, reason: reason)
        }
        self.name = name
        self.handle = handle
        self.file = file
    }

    /// Loads from a path, which must not have named another object that is still loaded.
    init(path: String, name: String) throws(DeviceError) {
        // A path without a slash would be searched for in the system's folders.
        let file = path.utf8.contains(UInt8(ascii: "/")) ? path : "./" + path
        guard let handle = dlopen(file, RTLD_NOW | RTLD_LOCAL) else {
            throw .programNotLoaded(name: name, reason: dlerror().map { String(cString: $0) } ?? "unknown reason")
        }
        self.name = name
        self.handle = handle
        self.file = nil
    }

    deinit {
        dlclose(handle)
        if let file { close(file) }
    }

    func kernel(named kernel: String) throws(DeviceError) -> KernelFunction {
        guard let address = dlsym(handle, kernel) else { throw .missingKernel(name: kernel, program: name) }
        return KernelFunction(name: kernel, program: self, handle: UnsafeRawPointer(address))
    }
}
