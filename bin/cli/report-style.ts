import { HtmlText } from './html.ts';

/** How a report looks, in light and in dark, on a wide screen and on a narrow one. */
export const REPORT_STYLE = new HtmlText(`
:root {
  color-scheme: light dark;
  --paper: #ffffff; --card: #f6f8fa; --ink: #1b1f24; --quiet: #57606a; --rule: #d0d7de;
  --good: #116329; --bad: #a40e26; --open: #7d4e00;
  --answered: #5b8fd0; --throttled: #d98e04; --retried: #9a6dd7; --failed: #d1242f; --held: #eceff3; --limit: #a40e26;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #0d1117; --card: #161b22; --ink: #e6edf3; --quiet: #9aa4af; --rule: #30363d;
    --good: #3fb950; --bad: #ff7b72; --open: #e3b341;
    --answered: #4d7fc0; --throttled: #d29922; --retried: #a371f7; --failed: #f85149; --held: #21262d; --limit: #ff7b72;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1100px; margin: 0 auto; padding: 1.5rem 1rem 3rem; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0; }
h2 { font-size: 1.15rem; margin: 0 0 .5rem; }
h3 { font-size: 1rem; margin: 1rem 0 .25rem; }
section { margin-top: 2rem; }
p { margin: .25rem 0; }
ul { list-style: none; margin: .5rem 0; padding: 0; }
code { font-size: .85em; color: var(--quiet); }
.quiet { color: var(--quiet); font-weight: normal; }
.notice { border: 1px solid var(--open); border-radius: 6px; padding: .5rem .75rem; color: var(--open); margin-top: 1rem; }
.cards { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 20rem), 1fr)); }
.card { background: var(--card); border: 1px solid var(--rule); border-radius: 8px; padding: 1rem; }
.verdict { font-weight: 700; font-size: 1.1rem; }
.complete { color: var(--good); } .incomplete { color: var(--bad); } .unknown { color: var(--open); }
.facts li { border-top: 1px solid var(--rule); padding: .2rem 0; }
figure { margin: 0 0 1.25rem; }
figcaption, .axis { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 1rem; }
figcaption { margin: .5rem 0 .25rem; }
.axis { color: var(--quiet); font-size: .85rem; }
svg { display: block; width: 100%; height: 5rem; background: var(--card); border-bottom: 1px solid var(--rule); }
rect { shape-rendering: crispEdges; }
rect.answered { fill: var(--answered); } rect.throttled { fill: var(--throttled); } rect.retried { fill: var(--retried); }
rect.failed { fill: var(--failed); } rect.held { fill: var(--held); }
line.limit { stroke: var(--limit); stroke-width: 2; stroke-dasharray: 6 4; vector-effect: non-scaling-stroke; }
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; }
.legend i { display: inline-block; width: .8rem; height: .8rem; border-radius: 2px; margin-right: .4rem; border: 1px solid var(--rule); }
i.answered { background: var(--answered); } i.throttled { background: var(--throttled); } i.retried { background: var(--retried); }
i.failed { background: var(--failed); } i.held { background: var(--held); }
.troubles li { border-top: 1px solid var(--rule); padding: .35rem 0; }
.text { font-weight: 600; }
.text.failed { color: var(--bad); } .text.throttled, .text.retried { color: var(--open); }
`);
