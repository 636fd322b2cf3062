extension SearchPage {
    /// Colours and sizes; light and dark, narrow and wide. The colours of the marks keep a contrast of 3 to 1 and more to both grounds.
    static let style = """
        :root { color-scheme: light dark; --ground: #fff; --ink: #1d2127; --soft: #5a6270; --rule: #d5d9df; --panel: #f5f6f8;
          --before: #8a93a0; --ours: #0b6bcb; --other: #b45309; --bad: #b42318; --good: #1a7f37; }
        @media (prefers-color-scheme: dark) { :root { --ground: #14171c; --ink: #e6e9ee; --soft: #a2abb8; --rule: #363c46;
          --panel: #1d2229; --before: #7d8794; --ours: #58a6ff; --other: #e3913f; --bad: #ff7b72; --good: #56d364; } }
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.55 system-ui, "DejaVu Sans", sans-serif; }
        main { max-width: 68rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
        h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 1rem; overflow-wrap: anywhere; }
        h2 { font-size: 1.25rem; margin: 2.5rem 0 .5rem; }
        p { max-width: 46rem; margin: .5rem 0; }
        .headline { border-left: .3rem solid var(--before); background: var(--panel); padding: .8rem 1rem; font-size: 1.15rem; max-width: none; }
        .headline.gain { border-color: var(--good); }
        dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: 1rem 0; }
        dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
        .scroll { overflow-x: auto; max-width: 100%; }
        table { border-collapse: collapse; font-size: .875rem; margin: .5rem 0 1rem; min-width: 50%; }
        caption { text-align: left; color: var(--soft); padding: .25rem 0; }
        caption span { display: inline-block; max-width: calc(100vw - 2rem); }
        th, td { border-bottom: 1px solid var(--rule); padding: .3rem .7rem .3rem 0; text-align: left; vertical-align: top; }
        tbody th { font-weight: 500; } thead th { color: var(--soft); font-weight: 500; white-space: nowrap; }
        .n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
        code { font: .8125rem/1.5 ui-monospace, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
        td code { display: inline-block; min-width: 12rem; }
        figure { margin: 1rem 0; } figcaption { color: var(--soft); font-size: .875rem; max-width: 46rem; }
        svg { display: block; width: 100%; height: auto; }
        .grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 19rem), 1fr)); gap: 1rem 1.5rem; }
        .grid h3 { font-size: .95rem; font-weight: 600; margin: .5rem 0 0; overflow-wrap: anywhere; }
        details { margin: .25rem 0 1rem; } summary { cursor: pointer; color: var(--ours); font-size: .875rem; }
        text { fill: var(--ink); font: 13px system-ui, "DejaVu Sans", sans-serif; } text.soft { fill: var(--soft); }
        .axis { stroke: var(--soft); stroke-width: 1; } .rule { stroke: var(--rule); stroke-width: 1; }
        .before { fill: var(--before); } .ours { fill: var(--ours); } .other { fill: var(--other); } .bad { fill: var(--bad); }
        path { fill: none; stroke-width: 2; } path.ours { fill: none; stroke: var(--ours); } path.roof { stroke: var(--ink); stroke-width: 2.5; }
        line.move { stroke: var(--ours); stroke-width: 1.5; } line.dash { stroke: var(--before); stroke-dasharray: 5 4; }
        line.limit { stroke: var(--bad); stroke-width: 2; }
        .key { display: inline-block; width: .8em; height: .8em; border-radius: 2px; margin-right: .3em; }
        .key.before { background: var(--before); } .key.ours { background: var(--ours); } .key.other { background: var(--other); }
        .key.bad { background: var(--bad); } .keys span { margin-right: 1.2rem; white-space: nowrap; }
        @media (max-width: 34rem) { svg.wide text { font-size: 16px; } }
        @media print { details { display: block; } }
        """
}
