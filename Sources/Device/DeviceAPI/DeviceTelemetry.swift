/// What a device says of itself at a moment; nil where it does not say.
package struct DeviceTelemetry: Sendable, Equatable {
    /// Version of the driver, as its maker states it.
    package var driver: String
    /// Bytes of memory that nothing uses.
    package var freeBytes: Int?
    /// Watts drawn by the board.
    package var watts: Double?
    /// Joules used since the driver was loaded.
    package var joules: Double?
    /// Degrees Celsius.
    package var temperature: Int?
    /// Clock of the processors in MHz.
    package var clock: Int?
    /// Clock of the memory in MHz.
    package var memoryClock: Int?

    /// Makes a reading of which nothing but the driver is known.
    package init(driver: String) { self.driver = driver }
}
