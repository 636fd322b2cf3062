internal import Base
package import SearchEvents

/// The report of a search as one page of HTML that loads nothing. Pure: the same record gives the same page.
package struct SearchPage: Sendable {
    let record: SearchRecord

    /// The page of a search.
    package init(_ record: SearchRecord) { self.record = record }

    /// The page.
    package var html: String {
        let title = HTML.escape(record.start.model.isEmpty ? "search" : record.start.model)
        return """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8"/>
            <meta name="viewport" content="width=device-width, initial-scale=1"/>
            <title>\(title) – search report</title>
            <style>
            \(Self.style)
            </style>
            </head>
            <body>
            <main>
            <h1>\(title)</h1>
            \(summary)\(time)\(curves)\(roofline)\(accuracy)\(rivals)\(refusals)\(lineage)\(agents)\(kernels)\(stages)</main>
            </body>
            </html>

            """
    }

    /// Kernels, without the level of the whole model.
    var kernelRegions: [SearchRecord.Region] { record.regions.filter { !$0.isModel } }

    /// How a region is called in words: its name and its kernel's.
    static func name(_ region: SearchRecord.Region) -> String {
        region.isModel ? "whole model" : "\(region.opening.region) \(region.opening.kernel)"
    }
}
