// Is everything well? In words first, then each source's way through the system, then the views.

import { get, Problem } from "./api.js";
import { h, render } from "./dom.js";
import { link } from "./app.js";
import { ago, count, duration, none, plural, rate, time } from "./format.js";

/** Positions over the last seconds: what a rate is made of. Kept while the tab is open. */
const positions = new Map();
const rateSeconds = 12, chartSeconds = 180;

export function overview(context) {
  let status = null, views = null, statusProblem = null;

  async function load() {
    // Who may read views alone is told about views alone.
    try { status = await get("/v1/status", context.signal); statusProblem = null; } catch (error) {
      if (!(error instanceof Problem) || error.status !== 403) throw error;
      statusProblem = error;
    }
    views = (await get("/v1/views", context.signal)).views;
    for (const source of status?.sources ?? []) remember(source);
    if (context.signal.aborted) return;
    context.answered();
    draw();
  }

  function draw() {
    const now = Date.now();
    const sources = status?.sources ?? [];
    render(context.main,
      verdict(status, views, statusProblem, now),
      sources.map((source) => sourceBox(source, views, now)),
      h("section", { "data-key": "views" }, h("h2", "Views"), viewTable(views, now)));
  }

  return { update: () => context.repeat(1500, load) };
}

function remember(source) {
  const now = Date.now() / 1000;
  const sum = (name) => source.partitions.every((p) => p[name] !== null) ? source.partitions.reduce((total, p) => total + p[name], 0) : null;
  const list = positions.get(source.source) ?? [];
  list.push({ at: now, end: sum("log_end"), speed: sum("next_offset"), freshness: source.freshness_seconds });
  while (list.length > 2 && list[0].at < now - chartSeconds) list.shift();
  positions.set(source.source, list);
}

function rateOf(source, name) {
  const list = positions.get(source.source) ?? [];
  const last = list.at(-1);
  const first = list.find((one) => one.at >= last.at - rateSeconds && one[name] !== null);
  if (!first || first === last || last[name] === null || last[name] < first[name]) return null;
  return (last[name] - first[name]) / (last.at - first.at);
}

// MARK: In words

function troubles(status) {
  const list = [];
  const add = (words, hint) => list.push({ words, hint });
  for (const one of status.problems) add(`Table ${one.table}: ${one.problem}`, one.hint);
  for (const one of status.refused_views) add(`View ${one.view}: PostgreSQL refuses its rows in the ${one.layer} layer. ${one.problem}`);
  for (const source of status.sources) {
    const name = source.source;
    for (const one of source.problems) add(`${name}: ${one.problem}`, one.hint ?? one.detail);
    for (const one of source.troubles) add(`${name}, ${one.layer} layer, ${one.subject}: ${one.error.message}`, one.error.hint);
    if (source.log_error) add(`${name}: the log could not be asked. ${source.log_error.message}`, source.log_error.hint);
    const unowned = source.partitions.filter((p) => !p.owned).length;
    if (unowned) add(`${name}: no living speed worker reads ${plural(unowned, "partition")}`, "Live rows stand still. Start parallax up, or parallax speed.");
    if (source.missing) add(`${name}: ${plural(source.missing, "record")} in no answer until the next batch run is published`);
    if (source.watermark_ahead_seconds !== null) add(`${name}: the watermark is ${duration(source.watermark_ahead_seconds)} ahead of the newest record: a clock was wrong`);
  }
  return list;
}

function verdict(status, views, problem, now) {
  if (!status) {
    return h("section", { class: "verdict", "data-key": "verdict" }, h("h1", views.length ? "The views that this token may read" : "This token may read no view"),
      h("p", { class: "facts" }, `Whether everything is well is told under the scope admin: ${problem.hint ?? problem.message}.`));
  }
  const sources = status.sources;
  if (!sources.length) {
    return h("section", { class: "verdict", "data-key": "verdict" }, h("h1", "Nothing is set up yet"),
      h("p", "Write a source and a view into a .sql file of the pipeline's folder, then run ", h("code", "parallax apply"), ". ", h("code", "parallax init demo"), " makes an example."));
  }
  const bad = troubles(status);
  const held = sources.filter((source) => source.held_run);
  const events = sources.reduce((sum, source) => sum + source.partitions.reduce((part, p) => part + (p.log_end ?? p.next_offset), 0), 0);
  const title = bad.length ? (bad.length === 1 ? "Something needs you" : `${bad.length} things need you`) : held.length ? "A run waits for you" : events === 0 ? "Ready, and waiting for events" : "All is well";
  return h("section", { class: `verdict ${bad.length ? "bad" : held.length ? "warn" : "good"}`, "data-key": "verdict" },
    h("h1", h("span", { class: "dot", "aria-hidden": "true" }), title),
    facts(sources, now),
    bad.length > 0 && h("ul", { class: "troubles" }, bad.map((one) => h("li", one.words.replace(/\.?$/, "."), one.hint && h("span", { class: "hint" }, ` ${one.hint}`)))),
    held.map((source) => h("p", { class: "held" }, `Run ${source.held_run.run} of ${source.source} is held: ${source.held_run.reason}. Readers see what was published before. `, h("a", { href: "#/runs" }, "Publish or discard it"), ".")),
    events === 0 && h("p", "Send an event: ", h("code", `parallax ingest ${sources[0].source} events.ndjson`), ", or ", h("code", `POST /v1/sources/${sources[0].source}/events`), "."));
}

function facts(sources, now) {
  const freshness = sources.map((source) => source.freshness_seconds).filter((it) => it !== null);
  const published = sources.map((source) => source.published.at).filter(Boolean).sort();
  const rejected = sources.reduce((sum, source) => sum + source.rejected.reduce((part, one) => part + one.count, 0), 0);
  const late = sources.reduce((sum, source) => sum + source.late_waiting, 0);
  const lag = sources.every((source) => source.lag !== null) ? sources.reduce((sum, source) => sum + source.lag, 0) : null;
  const fact = (words, title) => h("li", { title }, words);
  return h("ul", { class: "facts" },
    freshness.length > 0 && fact(["Newest record ", h("b", duration(Math.max(...freshness))), " old"], "How long ago the newest record in the answers was appended to the log"),
    lag !== null && fact([h("b", count(lag)), " behind the log"], "Records that the speed layer has not processed yet"),
    fact(published.length ? ["Last batch ", h("b", ago(published[0], now))] : "No batch run yet", "When exact rows were published last; of several sources, the one that waits longest"),
    fact([h("b", count(rejected)), rejected === 1 ? " record rejected" : " records rejected"], "Records that are no event of their source"),
    fact([h("b", count(late)), late === 1 ? " late event waits" : " late events wait"], "Late events that come in with the next batch run"));
}

// MARK: A source

function sourceBox(source, views, now) {
  const sum = (name) => source.partitions.every((p) => p[name] !== null) ? source.partitions.reduce((total, p) => total + p[name], 0) : null;
  const end = sum("log_end"), speed = sum("next_offset"), archived = sum("archived_offset");
  const cut = Object.values(source.published.cut).reduce((total, offset) => total + offset, 0);
  const run = source.runs[0];
  const running = run && !["published", "failed", "discarded", "held", "superseded", "reverted"].includes(run.state) && !run.interrupted && !run.finished_at;
  const flowing = (rateOf(source, "end") ?? 0) > 0;
  const reading = (rateOf(source, "speed") ?? 0) > 0;
  const step = (area, name, lines, state) => h("div", { class: `step ${area} ${state ?? ""}` }, h("h3", name), lines.map((line, index) => h("p", { class: index ? "" : "lead" }, line)));
  const arrow = (area, moves) => h("div", { class: `arrow ${area} ${moves ? "moves" : ""}`, "aria-hidden": "true" });
  const lastBatch = source.published.run === 0 ? ["no run yet", "all rows are live"] : [`run ${source.published.run}, ${ago(source.published.at, now)}`, `exact up to ${count(cut)}`];
  const rejected = source.rejected.reduce((total, one) => total + one.count, 0);
  return h("section", { class: "source", "data-key": `source ${source.source}` },
    h("div", { class: "head" }, h("h2", source.source), h("p", { class: "muted" }, plural(source.partitions.length, "partition"), source.topic !== source.source && `, topic ${source.topic}`), sparkline(source)),
    h("div", { class: "flow", role: "group", "aria-label": `The way of ${source.source}` },
      step("log", "Log", [rate(rateOf(source, "end")), end === null ? "end unknown" : `${count(end)} records`]),
      arrow("a1", reading),
      step("speed", "Speed layer", [source.lag === null ? none : source.lag === 0 ? "up to date" : `${count(source.lag)} behind`, `at ${count(speed)}, ${plural(source.partitions.reduce((t, p) => t + p.late, 0), "late event")} in all`], source.partitions.some((p) => !p.owned) ? "bad" : ""),
      arrow("a2", reading),
      arrow("a3", flowing),
      step("archive", "Archive", [end === null ? none : end - archived > 0 ? `${count(end - archived)} to go` : "up to date", `has ${count(archived)}`]),
      arrow("a4", running),
      step("batch", "Batch layer", running ? [`run ${run.run} is ${run.state}`, lastBatch[0]] : lastBatch, source.held_run ? "warn" : ""),
      arrow("a5", running),
      step("serving", "Serving", [source.freshness_seconds === null ? "empty" : `${duration(source.freshness_seconds)} old`, plural(source.views.length, "view")])),
    h("p", { class: "under" },
      h("span", `Watermark ${time(source.watermark)}`), h("span", plural(rejected, "rejected record")), h("span", plural(source.late_waiting, "late event") + (source.late_waiting === 1 ? " waits" : " wait"))),
    h("details", h("summary", "Partitions and rejected records"), partitionTable(source), rejectedTable(source)));
}

/** Records a second over the last minutes, as this page has seen them. */
function sparkline(source) {
  const list = (positions.get(source.source) ?? []).filter((one) => one.end !== null);
  const rates = [];
  for (let i = 1; i < list.length; i++) {
    const first = list[Math.max(0, i - 3)];
    if (list[i].at > first.at) rates.push({ at: list[i].at, rate: Math.max(0, (list[i].end - first.end) / (list[i].at - first.at)) });
  }
  const top = Math.max(1, ...rates.map((one) => one.rate));
  const now = list.at(-1)?.at ?? 0;
  const points = rates.map((one) => `${(160 - ((now - one.at) / chartSeconds) * 160).toFixed(1)},${(30 - (one.rate / top) * 27).toFixed(1)}`).join(" ");
  return h("figure", { class: "spark" },
    h("svg", { viewBox: "0 0 160 32", width: 160, height: 32, role: "img", "aria-label": `Records a second over the last three minutes, ${rate(rateOf(source, "end"))} now` },
      h("line", { x1: 0, x2: 160, y1: 30.5, y2: 30.5 }), rates.length > 1 && h("polyline", { points })),
    h("figcaption", `peak ${rate(rates.length > 1 ? top : null)}`));
}

function partitionTable(source) {
  const columns = [["Partition", "partition"], ["Log begins", "log_start"], ["Log ends", "log_end"], ["Speed", "next_offset"], ["Archive", "archived_offset"], ["Batch", null], ["Behind", "lag"], ["Events", "events"], ["Late", "late"], ["Duplicates", "duplicates"]];
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `Partitions of ${source.source}` }, h("table",
    h("thead", h("tr", columns.map(([title]) => h("th", { scope: "col", class: "number" }, title)), h("th", { scope: "col" }, "State"))),
    h("tbody", source.partitions.map((p) => h("tr", columns.map(([, name]) => h("td", { class: "number" }, count(name ? p[name] : source.published.cut[p.partition] ?? 0))),
      h("td", !p.owned ? "nobody reads it" : p.idle ? "idle" : "read"))))));
}

function rejectedTable(source) {
  if (!source.rejected.length) return h("p", { class: "muted" }, "No record was rejected.");
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `Rejected records of ${source.source}` }, h("table",
    h("thead", h("tr", h("th", { scope: "col" }, "Rejected because"), h("th", { scope: "col" }, "By"), h("th", { scope: "col", class: "number" }, "Records"))),
    h("tbody", source.rejected.map((one) => h("tr", h("td", one.reason.replaceAll("_", " ")), h("td", one.view ?? "the source"), h("td", { class: "number" }, count(one.count)))))));
}

// MARK: Views

function viewTable(views, now) {
  if (!views.length) return h("p", { class: "muted" }, "No view is served yet. A new one is served after its first batch run.");
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Views" }, h("table", { class: "views" },
    h("thead", h("tr", h("th", { scope: "col" }, "View"), h("th", { scope: "col" }, "Made of"), h("th", { scope: "col" }, "Last exact"), h("th", { scope: "col" }, "Fresh"), h("th", { scope: "col" }, "Layers"))),
    h("tbody", views.map((view) => {
      const sources = view.frontier.sources;
      const freshness = sources.map((source) => source.freshness_seconds).filter((it) => it !== null);
      const published = sources.map((source) => source.published_at).filter(Boolean).sort()[0];
      return h("tr", { "data-key": view.view },
        h("td", { class: "long" }, h("a", { class: "name", href: link(["view", view.view]) }, view.view)),
        h("td", { class: "long" }, view.kind === "materialized" ? sources.map((source) => source.source).join(", ") : view.reads.join(", ")),
        h("td", published ? ago(published, now) : "not yet"),
        h("td", freshness.length ? duration(Math.max(...freshness)) : none),
        h("td", view.kind === "materialized" ? h("a", { href: link(["view", view.view, "comparison"]), "aria-label": `Comparison of ${view.view}` }, "Compare") : h("span", { class: "muted" }, "on top")));
    }))));
}
