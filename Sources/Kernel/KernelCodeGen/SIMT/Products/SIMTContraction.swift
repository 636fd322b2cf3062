import ElementTypes
import KernelIR

/// How a contraction runs on blocks of threads.
private enum SIMTProductForm: Int, CaseIterable {
    /// One sum a point, as a nest.
    case nest = 0
    /// Multiply-adds on tiles in shared memory.
    case tile = 1
    /// Threads across the summed axis, for few rows.
    case skinny = 2
    /// Matrix units.
    case matrix = 3
    /// Matrix units that take factors of f32 in two parts.
    case split = 15
    /// The same where one product by rounded factors will do.
    case rounded = 16
    /// Matrix units by way of Triton.
    case triton = 4
    /// A vendor's library.
    case library = 5
    /// A vendor's library of convolutions.
    case convolutionLibrary = 9
    /// Matrix units of groups of warps, beside warps that fetch.
    case specialised = 6
    /// Matrix units that take 4-bit codes as their left factor, for few rows.
    case codedUnits = 8
    /// As before with codes of 4 or 8 bits, on their way through shared memory.
    case codedRing = 10
    /// Matrix units that read windows over few channels where they lie.
    case window = 11
    /// Threads across the summed axis of tiles that are dealt to blocks, for one row.
    case dealt = 12
    /// Matrix units that take codes as their left factor, in tiles that are dealt to blocks, for one row.
    case codedDealt = 13
    /// Windows of single channels: threads that each compute a run of neighbours.
    case sliding = 14
}

/// The choices of a contraction.
private struct SIMTProductChoices {
    let form: Choice
    /// Side of the tile in sums of a thread (form 1).
    let threadTile: Choice
    /// Warps a column, columns of a group, runs under way and warps of a block (form 2).
    let across: Choice
    let columns: Choice
    let ahead: Choice
    let warps: Choice
    /// Warps of a processor that registers must do for, or 0 (form 2).
    let resident: Choice
    /// Column tiles of a warp (form 4).
    let tiles: Choice
    /// Warps of a block, batches of a ring and of a turn, and blocks of a processor (form 10).
    let ringWarps: Choice
    let ring: Choice
    let together: Choice
    let residents: Choice
    /// Place in `SIMTMatrixWriter.tiles`, and tiles under way (forms 3 and 15).
    let tile: Choice
    let stages: Choice
    /// Blocks that share the sums of a tile (forms 1 and 3).
    let parts: Choice
    /// Place in `TritonProductWriter.tiles`, and steps under way (form 4); nil where it does not apply.
    let triton: (tile: Choice, stages: Choice)?
    /// Place in `SIMTSpecialisedWriter.tiles`, slices under way, blocks that share their columns, whether blocks stay (form 6); nil
    /// where it does not apply.
    let special: (tile: Choice, stages: Choice, cluster: Choice, stay: Choice)?
    /// Which of the library's proposals (forms 5 and 9); nil where neither applies.
    let proposal: Choice?
    /// Whether the library does all that follows the sums (form 9); nil where it does not apply.
    let fusion: Choice?
    /// Rows of results of a tile, and tiles of a warp at a time (form 11); nil where it does not apply.
    let window: (shape: SIMTWindowShape, tileRows: Choice, warpTiles: Choice)?
    /// Columns of a tile and stages of a ring (form 12); nil where it does not apply.
    let dealt: (width: Choice, stages: Choice)?
    /// Warps that multiply, batches of a stage for each, and stages of a ring (form 13); nil where it does not apply.
    let codedDealt: (warps: Choice, together: Choice, stages: Choice)?
    /// Results and channels of a thread (form 14); nil where it does not apply.
    let sliding: (run: Choice, width: Choice)?

    var all: [Choice] {
        [
            form, threadTile, across, columns, ahead, warps, resident, tiles, ringWarps, ring, together, residents,
            tile,
            stages, parts,
        ]
            + (triton.map { [$0.tile, $0.stages] } ?? []) + (proposal.map { [$0] } ?? [])
            + (fusion.map { [$0] } ?? [])
            + (special.map { [$0.tile, $0.stages, $0.cluster, $0.stay] } ?? [])
            + (window.map { [$0.tileRows, $0.warpTiles] } ?? []) + (dealt.map { [$0.width, $0.stages] } ?? [])
            + (codedDealt.map { [$0.warps, $0.together, $0.stages] } ?? [])
            + (sliding.map { [$0.run, $0.width] } ?? [])
    }

    init(_ product: SIMTProduct) {
        let rows = product.rows ?? 512
        let columns = product.columns ?? 512
        let depth = product.depth ?? 512
        let batches = product.batches ?? 1
        let processors = max(1, product.target.multiprocessors)
        let codes = product.codes
        var forms: [SIMTProductForm] = []
        let isSkinny =
            product.isReal && product.rows.map { $0 <= SIMTSkinnyWriter.mostRows } ?? false && product.depth != nil
            && depth >= product.runLength && (codes != nil || product.rightForm != .computed)
        let hasMatrix = product.isPlain && product.isReal && product.element != .f32 && product.target.hasMatrixUnits
        // A tile's worth of rows, columns or summed elements that are not there is work for nothing: depthwise windows and
        // single columns run as nests.
        // Several sums of a point are joined where threads lie across the summed axis, and in nests.
        let fillsTiles = product.isPlain && min(rows, columns) >= 8 && depth >= 8
        // Codes of 4 bits are read faster than threads decode them to f32.
        let weights = isSkinny ? codes.flatMap(SIMTUnitCodes.init) : nil
        if let weights, SIMTCodedRingWriter.applies(weights) { forms.append(.codedRing) }
        if isSkinny, let codes, SIMTCodedUnitsWriter.applies(codes) {
            let isLong = weights.map(SIMTCodedRingWriter.isLong) ?? false
            forms.insert(.codedUnits, at: isLong ? forms.count : 0)
        }
        let dealtWeights = isSkinny ? SIMTCodedDealtWriter.weights(product) : nil
        codedDealt = dealtWeights.flatMap { SIMTCodedDealtWriter.applies($0) ? codedDealtChoices($0) : nil }
        if let dealtWeights, codedDealt != nil {
            forms.insert(.codedDealt, at: SIMTCodedDealtWriter.isDefault(dealtWeights) ? 0 : forms.count)
        }
        // Few rows are limited by reading; from 4 rows on multiply-adds begin to cost more than reading does: 4 × 11008 × 2048 takes
        // 18.2 µs so and 14.4 on matrix units (measured, H200).
        if isSkinny, rows < 4 || !hasMatrix || codes != nil && rows <= 8 { forms.append(.skinny) }
        let isSplit = fillsTiles && product.isReal && product.element == .f32 && product.target.hasMatrixUnits
        // Short sums are limited by memory: there rounding gains nothing, and costs accuracy (KernelBench's level 3, 17).
        let mayRound = isSplit && product.factors == .tf32
        let isRounded = mayRound && depth >= 128
        if isSplit { forms += isRounded ? [.rounded, .split] : mayRound ? [.split, .rounded] : [.split] }
        if fillsTiles {
            if hasMatrix { forms.append(.matrix) }
            if product.isReal { forms.append(.tile) }
        }
        if isSkinny, !forms.contains(.skinny) { forms.append(.skinny) }
        dealt = SIMTDealtWriter.applies(product) ? dealtChoices(product) : nil
        if dealt != nil { forms.insert(.dealt, at: SIMTDealtWriter.isDefault(product) ? 0 : forms.count) }
        sliding = SIMTSlidingWriter(product)?.choices
        if sliding != nil { forms.insert(.sliding, at: 0) }
        forms.append(.nest)
        if !fillsTiles {
            if hasMatrix { forms.append(.matrix) }
            // Whoever sums little reads each operand for all of a tile's columns at once.
            let isWide = depth >= 2 && min(rows, columns) >= 32
            if product.isReal, product.isPlain { forms.insert(.tile, at: isWide ? forms.count - 1 : forms.count) }
        }
        // Never the default: where it is better, the search says so.
        triton =
            fillsTiles && product.target.hasTriton && TritonProductWriter.supports(product)
            ? tritonChoices(product) : nil
        if triton != nil { forms.append(.triton) }
        special =
            fillsTiles && rows > 64 && columns >= 64 && SIMTSpecialisedWriter.applies(product)
            ? specialChoices(product) : nil
        // More than two tiles of 64 × 64 for each processor: below that, small tiles keep more of them at work, unless sums are long
        // (1000 × 1000 × 4096: 20.8 µs for 26.0; measured, H200).
        let squares = (rows + 63) / 64 * ((columns + 63) / 64) * batches
        let isLongSum = product.summed.count == 1 && depth >= 4096
        let isLarge = squares > 2 * processors || isLongSum && 2 * squares > 3 * processors
        // One group alone would be slow at computing what it fetches.
        let isFetched = special != nil && SIMTSpecialisedWriter.isFetched(product)
        if special != nil { forms.insert(.specialised, at: isLarge && isFetched ? 0 : forms.count) }
        let library = fillsTiles ? SIMTLibraryProduct(product) : nil
        if let library {
            let isBest = library.isDefault && (library.isDirect || special == nil)
            forms.insert(.library, at: isBest ? 0 : forms.count)
        }
        let convolution = fillsTiles ? SIMTLibraryConvolution(product) : nil
        if let convolution { forms.insert(.convolutionLibrary, at: convolution.isDefault ? 0 : forms.count) }
        // Where a row of the left operand is no runs of 16 bytes, everything else gathers it element by element.
        window = hasMatrix && fillsTiles && rows >= 64 ? windowChoices(product) : nil
        if window != nil { forms.insert(.window, at: 0) }
        proposal = library != nil || convolution != nil ? Choice("proposal", [0, 1, 2, 3, 4, 5]) : nil
        fusion = convolution.map { Choice("fusion", $0.isDirect ? [1, 0] : [0]) }
        form = Choice("algorithm", forms.map(\.rawValue)).named(
            Dictionary(uniqueKeysWithValues: SIMTProductForm.allCases.map { ($0.rawValue, "\($0)") }))
        threadTile = Choice("threadTile", rows * columns * batches >= 128 * 128 * processors ? [8, 4] : [4, 8])
        let runs = max(1, depth / (codes?.run ?? product.runLength))
        let hasUnits = forms.contains(.codedUnits)
        let slices = depth / SIMTCodedUnitsWriter.slice
        let isLong = runs >= 1024
        // Measured on an H200: fewer warps with more columns each where the summed axis is long.
        let isDeep = isLong && codes == nil
        let widest =
            hasUnits
            ? (slices >= 32 ? 8 : slices >= 16 ? 4 : slices >= 8 ? 2 : 1)
            : isDeep ? 4 : runs >= 256 ? 8 : runs >= 128 ? 4 : runs >= 64 ? 2 : 1
        across = Choice("across", [widest] + [8, 4, 2, 1].filter { $0 != widest })
        // Without shuffles every thread's sums go through shared memory.
        let sums = product.target.hasShuffles ? 64 : 32
        let fits = (isLong ? [8, 4, 2, 1] : [2, 4, 8, 1]).filter {
            $0 % product.gates == 0 && $0 * min(rows, SIMTSkinnyWriter.mostRows) <= sums
        }
        self.columns = Choice("columns", fits.isEmpty ? [product.gates] : fits)
        ahead = Choice(
            "ahead", hasUnits ? [4, 8, 2, 1] : rows <= 4 && (isDeep || !isLong) ? [2, 4, 1, 8] : [1, 2, 4])
        warps = Choice("warps", !product.target.hasShuffles ? [8, 4] : isDeep ? [4, 8, 16] : [8, 4, 16])
        // A thread of one row, two columns and two runs has use for 40 registers; as many blocks more keep reads under way.
        // One that stores in several places gains by more of them: 1 × 4096 × 6144 with turned heads takes 14.0 µs for 48 warps, 15.9
        // for 40 and 17.3 for as many as there are (measured, H200).
        let isSmall = rows == 1 && codes == nil && !isLong && product.element != .f32
        resident = Choice("resident", isSmall ? (product.stores.count > 1 ? [48, 40, 0] : [40, 0, 48]) : [0, 40])
        tiles = Choice("columnTiles", columns >= 16 * processors * 8 ? [2, 1, 4] : [1, 2, 4])
        ringWarps = Choice("ringWarps", [8, 16, 4])
        let whole = weights.map(SIMTCodedRingWriter.start) ?? (ring: 8, residents: 1)
        residents = Choice("residents", [whole.residents, 3 - whole.residents])
        together = Choice("together", [2, 4, 1])
        ring = Choice("ring", [whole.ring] + [4, 6, 8, 10, 12, 16, 20].filter { $0 != whole.ring })
        let table = SIMTMatrixWriter.tiles
        let usable = table.indices.filter {
            SIMTMatrixWriter.applies(table[$0], product.target, stages: 3)
                && (!isSplit || SIMTSplitFactors.applies(table[$0]))
        }
        let isCountable = product.rows != nil && product.columns != nil && product.batches != nil
        let start = SIMTMatrixDefault(
            rows: rows, columns: columns, depth: depth, batches: batches, isCountable: isCountable,
            isWindow: product.summed.count > 1, product.target)
        let divided =
            isSplit
            ? SIMTSplitFactors.start(
                rows: rows, columns: columns, depth: depth, batches: batches, isCountable: isCountable,
                isRounded: isRounded, processors)
            : nil
        let first = divided?.tile ?? start.tile
        let firstStages = divided?.stages ?? start.stages
        tile = Choice("tile", [first] + usable.filter { $0 != first })
        stages = Choice("stages", [firstStages] + [3, 4, 2, 5, 6, 8].filter { $0 != firstStages })
        var parts = 1
        if let divided {
            parts = divided.parts
        } else if forms.first(where: { $0 != .library }) == .matrix {
            parts = start.parts
        } else {
            let formed = max(1, rows / 64) * max(1, columns / 64) * batches
            while isCountable, parts < 8, formed * parts * 2 <= processors * 3 / 2, depth / (parts * 2) >= 256 {
                parts *= 2
            }
        }
        self.parts = Choice(
            "parts", isCountable ? [parts] + [1, 2, 4, 8, 16].filter { $0 != parts && $0 * 64 <= depth } : [1])
    }
}

/// The tiles of Triton that fit, and the steps that may be under way. The default is the largest of a few that leaves no processor
/// without work.
private func tritonChoices(_ product: SIMTProduct) -> (tile: Choice, stages: Choice) {
    let table = TritonProductWriter.tiles
    let usable = table.indices.filter { table[$0].sharedBytes(stages: 2) <= product.target.sharedBytes }
    let (rows, columns) = (product.rows ?? 512, product.columns ?? 512)
    func blocks(_ tile: TritonProductWriter.Tile) -> Int {
        ((rows + tile.rows - 1) / tile.rows) * ((columns + tile.columns - 1) / tile.columns) * (product.batches ?? 1)
    }
    let large = [5, 3, 1, 0].first { usable.contains($0) && blocks(table[$0]) >= product.target.multiprocessors }
    let best = rows <= 16 ? 11 : rows <= 32 ? 10 : large ?? 6
    return (Choice("tritonTile", [best] + usable.filter { $0 != best }), Choice("tritonStages", [3, 4, 2, 5]))
}

/// Columns of a tile and stages of a ring, as measured on an H200: fewer columns than four cost more barriers than they spread.
private func dealtChoices(_ product: SIMTProduct) -> (width: Choice, stages: Choice) {
    let widths = [4, 8, 2, 1].filter {
        $0 % product.gates == 0 && !SIMTDealtWriter.stages(product, width: $0).isEmpty
    }
    return (Choice("dealtColumns", widths), Choice("dealtStages", SIMTDealtWriter.stages(product, width: widths[0])))
}

/// Warps that multiply, batches of a stage for each of them and stages of a ring.
private func codedDealtChoices(_ weights: SIMTUnitCodes) -> (warps: Choice, together: Choice, stages: Choice) {
    let warps = SIMTCodedDealtWriter.warps
    return (
        Choice("dealtWarps", warps), Choice("dealtBatches", [1, 2, 4]),
        Choice("dealtStages", SIMTCodedDealtWriter.stages(weights, warps: warps[0], together: 1))
    )
}

/// The tiles of windows over few channels that fit.
private func windowChoices(
    _ product: SIMTProduct
) -> (shape: SIMTWindowShape, tileRows: Choice, warpTiles: Choice)? {
    guard let shape = SIMTWindowShape(product), !SIMTSpecialisedWriter.isFetched(product) else { return nil }
    let rows = SIMTWindowWriter.tileRows(product, shape)
    guard let best = rows.first else { return nil }
    return (
        shape, Choice("tileRows", rows), Choice("warpTiles", SIMTWindowWriter.warpTiles(shape, tileRows: best))
    )
}

/// The tiles of specialised warps that fit, the best by `SIMTSpecialisedDefault` first.
private func specialChoices(_ product: SIMTProduct) -> (tile: Choice, stages: Choice, cluster: Choice, stay: Choice) {
    let table = SIMTSpecialisedWriter.tiles
    let usable = table.indices.filter { SIMTSpecialisedDefault.stages(table[$0], product.target) > 1 }
    let isMasked = product.frame("probe").isMasked(product.left, along: product.sum, count: product.runLength)
    let start = SIMTSpecialisedDefault(product, isMasked: isMasked)
    return (
        Choice("span", [start.tile] + usable.filter { $0 != start.tile }),
        Choice("depths", [start.stages] + (2...8).filter { $0 != start.stages }),
        Choice("cluster", [start.cluster] + [2, 1, 4].filter { $0 != start.cluster }), Choice("stay", [1, 0])
    )
}

/// The choices of a contraction on a device that runs blocks of threads.
package func simtContractionChoices(
    _ kernel: Kernel, _ body: ContractionKernel, _ target: SIMTTarget
) -> [Choice] {
    let choices = SIMTProductChoices(SIMTProduct(kernel, body, target))
    let nest = simtNestChoices(kernel, body.asNest(element: body.operandElement), target)
    // What a decision is about; the others mean nothing under another algorithm.
    let forms: [String: Set<SIMTProductForm>] = [
        "threadTile": [.tile], "across": [.skinny, .codedUnits], "columns": [.skinny], "ahead": [.skinny, .codedUnits],
        "warps": [.skinny, .codedUnits], "resident": [.skinny], "columnTiles": [.codedUnits], "ringWarps": [.codedRing],
        "ring": [.codedRing], "together": [.codedRing], "residents": [.codedRing],
        "tile": [.matrix, .split, .rounded], "stages": [.matrix, .split, .rounded],
        "parts": [.tile, .matrix, .split, .rounded, .triton],
        "tritonTile": [.triton], "tritonStages": [.triton], "proposal": [.library, .convolutionLibrary],
        "fusion": [.convolutionLibrary], "span": [.specialised], "depths": [.specialised], "cluster": [.specialised],
        "stay": [.specialised], "dealtColumns": [.dealt], "dealtStages": [.dealt, .codedDealt],
        "dealtWarps": [.codedDealt], "dealtBatches": [.codedDealt], "tileRows": [.window],
        "warpTiles": [.window], "slideRun": [.sliding], "slideWidth": [.sliding], "team": [.nest], "threads": [.nest],
        "run": [.nest],
    ]
    return (choices.all + nest).map { choice in
        choice.only(where: "algorithm", is: forms[choice.name].map { Set($0.map(\.rawValue)) })
    }
}

/// Emits a contraction for blocks of threads.
package func emitSIMTContraction(
    _ kernel: Kernel, _ body: ContractionKernel, symbol: String, _ schedule: Schedule, _ target: SIMTTarget
) throws(EmissionError) -> EmittedKernel {
    let product = SIMTProduct(kernel, body, target)
    let choices = SIMTProductChoices(product)
    let form = SIMTProductForm(rawValue: schedule[choices.form])
    var emitted = try emit(kernel, body, form, product, choices, symbol: symbol, schedule, target)
    if let form, product.codes != nil, [.skinny, .codedUnits, .codedRing].contains(form) {
        emitted.overflowing = "a product by codes before their scales"
    }
    return emitted
}

private func emit(
    _ kernel: Kernel, _ body: ContractionKernel, _ form: SIMTProductForm?, _ product: SIMTProduct,
    _ choices: SIMTProductChoices, symbol: String, _ schedule: Schedule, _ target: SIMTTarget
) throws(EmissionError) -> EmittedKernel {
    guard let form, choices.form.values.contains(form.rawValue) else {
        throw EmissionError(kernel: kernel.name, reason: "algorithm \(schedule[choices.form]) does not apply")
    }
    switch form {
    case .nest:
        return try emitSIMTNest(
            kernel, body.asNest(element: body.operandElement), symbol: symbol, schedule, target)
    case .tile:
        return SIMTTileWriter(
            product: product, symbol: symbol, threadTile: schedule[choices.threadTile], parts: schedule[choices.parts]
        ).write()
    case .skinny:
        let warps = schedule[choices.warps]
        if let codes = product.codes {
            return SIMTCodedSkinnyWriter(
                codes: codes, symbol: symbol, across: min(schedule[choices.across], warps),
                columns: schedule[choices.columns], ahead: schedule[choices.ahead], warps: warps
            ).write()
        }
        return SIMTSkinnyWriter(
            product: product, symbol: symbol, across: min(schedule[choices.across], warps),
            columns: schedule[choices.columns], ahead: schedule[choices.ahead], warps: warps,
            resident: schedule[choices.resident]
        ).write()
    case .codedUnits:
        guard let codes = product.codes else {
            throw EmissionError(kernel: kernel.name, reason: "the right operand is not made of codes")
        }
        let warps = schedule[choices.warps]
        return SIMTCodedUnitsWriter(
            codes: codes, symbol: symbol, across: min(schedule[choices.across], warps), tiles: schedule[choices.tiles],
            ahead: schedule[choices.ahead], warps: warps
        ).write()
    case .codedRing:
        guard let weights = product.codes.flatMap(SIMTUnitCodes.init) else {
            throw EmissionError(kernel: kernel.name, reason: "the right operand is not made of codes")
        }
        let writer = SIMTCodedRingWriter(
            weights: weights, symbol: symbol, warps: schedule[choices.ringWarps], ring: schedule[choices.ring],
            together: schedule[choices.together], residents: schedule[choices.residents])
        guard writer.sharedBytes <= target.sharedBytes else {
            throw EmissionError(
                kernel: kernel.name,
                reason: "\(writer.sharedBytes) bytes of shared memory of \(target.sharedBytes) that a block has")
        }
        return writer.write()
    case .matrix, .split, .rounded:
        let table = SIMTMatrixWriter.tiles
        let place = schedule[choices.tile]
        guard table.indices.contains(place), form == .matrix || SIMTSplitFactors.applies(table[place]) else {
            throw EmissionError(kernel: kernel.name, reason: "there is no tile \(place)")
        }
        let stages = schedule[choices.stages]
        guard SIMTMatrixWriter.applies(table[place], target, stages: stages) else {
            throw EmissionError(
                kernel: kernel.name,
                reason: "a tile of \(SIMTMatrixWriter.sharedBytes(table[place], stages: stages)) bytes of "
                    + "\(target.sharedBytes) that a block has, or of instructions that the device has not")
        }
        return SIMTMatrixWriter(
            product: product, symbol: symbol, tile: table[place], stages: stages, parts: schedule[choices.parts],
            factors: form == .split ? .inParts : form == .rounded ? .rounded : .narrow
        ).write()
    case .specialised:
        let table = SIMTSpecialisedWriter.tiles
        guard let special = choices.special, table.indices.contains(schedule[special.tile]) else {
            throw EmissionError(kernel: kernel.name, reason: "there is no such tile of specialised warps")
        }
        let tile = table[schedule[special.tile]]
        let stages = schedule[special.stages]
        let bytes = SIMTSpecialisedWriter.sharedBytes(tile, stages: stages)
        guard bytes <= target.sharedBytes else {
            throw EmissionError(
                kernel: kernel.name, reason: "\(bytes) bytes of shared memory of \(target.sharedBytes)")
        }
        return SIMTSpecialisedWriter(
            product: product, symbol: symbol, tile: tile, stages: stages, cluster: schedule[special.cluster],
            isPersistent: schedule[special.stay] != 0
        ).write()
    case .dealt:
        guard let dealt = choices.dealt, dealt.width.values.contains(schedule[dealt.width]) else {
            throw EmissionError(kernel: kernel.name, reason: "it has no such tiles to deal")
        }
        let writer = SIMTDealtWriter(
            product: product, symbol: symbol, width: schedule[dealt.width], stages: schedule[dealt.stages])
        guard writer.sharedBytes <= target.sharedBytes, writer.hasRoom else {
            throw EmissionError(
                kernel: kernel.name,
                reason: "\(writer.sharedBytes) bytes of shared memory, or registers, beyond a block's")
        }
        return writer.write()
    case .codedDealt:
        guard let weights = SIMTCodedDealtWriter.weights(product), let dealt = choices.codedDealt else {
            throw EmissionError(kernel: kernel.name, reason: "it has no such codes to deal")
        }
        let (warps, together) = (schedule[dealt.warps], schedule[dealt.together])
        // What fits with one batch for each warp of the fewest may not with more.
        guard let most = SIMTCodedDealtWriter.stages(weights, warps: warps, together: together).first else {
            throw EmissionError(
                kernel: kernel.name, reason: "a ring of two stages is more than a block's shared memory")
        }
        return SIMTCodedDealtWriter(
            weights: weights, symbol: symbol, warps: warps, together: together,
            stages: min(schedule[dealt.stages], most)
        ).write()
    case .window:
        guard let window = choices.window, window.tileRows.values.contains(schedule[window.tileRows]) else {
            throw EmissionError(kernel: kernel.name, reason: "there is no such tile of windows")
        }
        return SIMTWindowWriter(
            product: product, shape: window.shape, symbol: symbol, tileRows: schedule[window.tileRows],
            warpTiles: schedule[window.warpTiles]
        ).write()
    case .sliding:
        guard let writer = SIMTSlidingWriter(product), let sliding = choices.sliding,
            let kernel = writer.write(symbol, run: schedule[sliding.run], width: schedule[sliding.width])
        else {
            throw EmissionError(kernel: kernel.name, reason: "so many sums and weights are beyond a thread's registers")
        }
        return kernel
    case .library:
        guard let library = SIMTLibraryProduct(product), let proposal = choices.proposal else {
            throw EmissionError(kernel: kernel.name, reason: "no library computes it")
        }
        return try library.emit(symbol: symbol, proposal: schedule[proposal])
    case .convolutionLibrary:
        guard let convolution = SIMTLibraryConvolution(product), let proposal = choices.proposal,
            let fusion = choices.fusion
        else { throw EmissionError(kernel: kernel.name, reason: "no library computes it") }
        return try convolution.emit(
            symbol: symbol, proposal: schedule[proposal], isFused: schedule[fusion] == 1)
    case .triton:
        guard let triton = choices.triton, TritonProductWriter.tiles.indices.contains(schedule[triton.tile]) else {
            throw EmissionError(kernel: kernel.name, reason: "there is no such tile of Triton")
        }
        let tile = TritonProductWriter.tiles[schedule[triton.tile]]
        let stages = schedule[triton.stages]
        guard tile.sharedBytes(stages: stages) <= target.sharedBytes else {
            throw EmissionError(
                kernel: kernel.name,
                reason: "\(tile.sharedBytes(stages: stages)) bytes of shared memory of \(target.sharedBytes)")
        }
        return try TritonProductWriter(
            product: product, symbol: symbol, tile: tile, stages: stages, parts: schedule[choices.parts]
        ).write()
    }
}
