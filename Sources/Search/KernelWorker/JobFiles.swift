internal import CKernelHarness

extension CheckJob {
    /// The files of inputs and outputs, once the job has been found sound. Throws where it is not, or memory is short.
    package func mapped() throws(RequestError) -> (inputs: SharedMapping, outputs: SharedMapping) {
        try call.validate(sets: sets, fileBytes: inputs.byteCount)
        return try SharedMapping.pair(inputs, outputs)
    }
}

extension TimeJob {
    /// The files of inputs and outputs, once the job has been found sound. Throws where it is not, or memory is short.
    package func mapped() throws(RequestError) -> (inputs: SharedMapping, outputs: SharedMapping) {
        try candidate.validate(sets: sets, fileBytes: inputs.byteCount)
        try incumbent.validate(sets: sets, fileBytes: inputs.byteCount)
        guard sets.count == 2, candidate.parameters == incumbent.parameters, groups > 0, callLimit > 0,
            constantCopies > 0
        else { throw RequestError(.badRequest, "sides that differ in parameters") }
        return try SharedMapping.pair(inputs, outputs)
    }
}

extension SharedMapping {
    /// Inputs to read and outputs to write.
    fileprivate static func pair(
        _ inputs: WorkerFile, _ outputs: WorkerFile
    ) throws(RequestError) -> (inputs: SharedMapping, outputs: SharedMapping) {
        // Generated code is to meet no open file.
        defer { hearth_harness_close_files() }
        guard let inputs = SharedMapping(inputs, writable: false), let outputs = SharedMapping(outputs, writable: true)
        else { throw RequestError(.noMemory, "cannot map the shared files") }
        return (inputs, outputs)
    }
}
