// One view: its numbers over time, its rows, and how to get them elsewhere.

import { follow, get, viewPath } from "./api.js";
import { Chart } from "./chart.js";
import { copyButton, h, render } from "./dom.js";
import { link } from "./app.js";
import { ago, count, duration, none, plural, time, value } from "./format.js";

const numbers = new Set(["smallint", "integer", "bigint", "numeric", "real", "double precision"]);
const ranges = { "15m": 900, "1h": 3600, "6h": 21600, "1d": 86400, "7d": 604800, all: null };
const rangeWords = { "15m": "15 minutes", "1h": "1 hour", "6h": "6 hours", "1d": "1 day", "7d": "7 days", all: "everything" };
const buckets = { window: "the view's own", "5m": "5 minutes", "15m": "15 minutes", "1h": "1 hour", day: "1 day" };
const tableRows = 100, chartPoints = 5000;

export function view(context) {
  const name = context.parts[1];
  const chart = new Chart();
  let about = null, border = null, borderRun = null, points = null, table = null, chartProblem = null, tableProblem = null, busy = false, again = false, wake = null;
  context.signal.addEventListener("abort", () => chart.end(), { once: true });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => chart.redraw(), { signal: context.signal });

  /** One look at a time; what comes meanwhile is one more. */
  async function load() {
    if (busy) { again = true; return; }
    busy = true;
    try {
      do {
        again = false;
        about = await get(viewPath(name), context.signal);
        const question = ask(about, context.query);
        await findBorder(question);
        [chartProblem, tableProblem] = [null, null];
        await Promise.all([
          question.chart && get(question.chart, context.signal).then((answer) => { points = answer; }, (error) => { if (error.status !== 400 && error.status !== 422) throw error; chartProblem = error; points = null; }),
          get(question.table, context.signal).then((answer) => { table = answer; }, (error) => { if (error.status !== 400) throw error; tableProblem = error; table = null; }),
        ]);
        if (context.signal.aborted) return;
        context.answered();
        draw(question);
      } while (again && !context.signal.aborted);
    } finally { busy = false; }
  }

  /** The newest window that has batch rows: what is before it is exact, but for late events; it, and what comes after it, is live. */
  async function findBorder({ time: column }) {
    const run = about.frontier.sources[0]?.run ?? 0;
    if (about.kind !== "materialized" || !column || run === borderRun) return;
    if (run === 0) { border = 0; borderRun = 0; return; }
    const answer = await get(viewPath(name, `/rows?${new URLSearchParams({ layer: "batch", columns: column, order: `-${column}`, limit: "1" })}`), context.signal);
    border = answer.rows.length ? Date.parse(answer.rows[0][column]) : 0;
    borderRun = run;
  }

  function put(element, id) {
    const place = document.getElementById(id);
    if (element.parentNode !== place) place.replaceChildren(element);
  }

  function draw(question) {
    const now = Date.now();
    render(context.main,
      h("div", { class: "title", "data-key": "title" }, h("h1", name), about.kind === "materialized" ? h("a", { class: "button", href: link(["view", name, "comparison"]) }, "Compare the layers") : h("span", { class: "muted" }, `on top of ${about.reads.join(", ")}`)),
      freshLine(about, now),
      question.chart && h("section", { class: "panel", "data-key": "chart" }, controls(context, about, question), chartBody(question), exactLine(question, now)),
      h("section", { "data-key": "rows" }, h("div", { class: "head" }, h("h2", "Rows"), filters(context, about), table && h("p", { class: "muted" }, table.next ? `the first ${tableRows}, sorted; more are in the API` : plural(table.rows.length, "row"))), rows()),
      h("section", { class: "definition", "data-key": "definition" }, h("h2", "Where it comes from, and how to get it"),
        snippet("Definition", about.definition), snippet("Over HTTP", `curl -s '${location.origin}${question.api}'`), snippet("In SQL", psql(about, question))));
    if (question.chart && !chartProblem) {
      put(chart.box, "chart");
      put(chart.legend, "legend");
    }
    if (question.chart && points) chart.show({ series: seriesOf(points, question), border, step: stepOf(points, question) });
  }

  function chartBody(question) {
    if (chartProblem) return h("p", { class: "notice warn", role: "alert", "data-key": "problem" }, chartProblem.message, ". ", chartProblem.hint ?? "");
    const isEmpty = points && points.rows.length === 0;
    return [isEmpty && h("p", { class: "empty", "data-key": "empty" }, "No rows in this range. ", question.range !== "all" && h("button", { type: "button", onclick: () => context.choose({ range: "all" }) }, "Show everything")),
      h("div", { class: isEmpty ? "gone" : "", "data-key": "lines" },
        h("div", { class: "chart-place", "data-island": "", id: "chart", role: "img", "aria-label": "The measure over time; the table below has the numbers" }),
        h("div", { class: "legend-place", "data-island": "", id: "legend" }))];
  }

  function exactLine(question, now) {
    const source = about.frontier.sources[0];
    if (!source || !points) return null;
    const truncated = points.next ? ` Only the first ${count(chartPoints)} points are drawn: take a longer bucket or fewer lines.` : "";
    const exact = source.run === 0 ? "No batch run is published yet: all of it is live." : `Exact before ${time(border, { withSeconds: false })} (run ${source.run}, ${ago(source.published_at, now)}); the shaded part is live. Late events since that run are in it, too.`;
    const errors = points.frontier.approximate.some((one) => one.column === question.measure) ? ` Live values of ${question.measure} are estimates; the band is two standard errors.` : "";
    return h("p", { class: "under", "data-key": "exact" }, exact + errors + truncated);
  }

  function rows() {
    if (tableProblem) return h("p", { class: "notice warn", role: "alert" }, tableProblem.message, ". ", tableProblem.hint ?? "");
    if (!table) return h("p", { class: "loading" }, "Loading…");
    if (!table.rows.length) return h("p", { class: "empty" }, "No rows here.");
    const columns = about.columns, order = context.query.get("order") ?? defaultOrder(about);
    const first = order.split(",")[0], sortedBy = first.replace(/^-/, ""), isDown = first.startsWith("-");
    return h("div", { class: "scroll tall", tabindex: "0", role: "region", "aria-label": `Rows of ${name}` }, h("table", { class: "rows" },
      h("thead", h("tr", columns.map((column) => h("th", { scope: "col", class: numbers.has(column.type) ? "number" : "", "aria-sort": column.name === sortedBy ? (isDown ? "descending" : "ascending") : null },
        h("button", { type: "button", class: "sort", onclick: () => context.choose((query) => ({ order: query.get("order") === `-${column.name}` || (!query.get("order") && column.name === sortedBy && isDown) ? column.name : `-${column.name}` })) }, column.name, h("span", { "aria-hidden": "true" }, column.name === sortedBy ? (isDown ? " ↓" : " ↑") : "")))))),
      h("tbody", table.rows.map((row) => h("tr", { "data-key": about.key ? JSON.stringify(about.key.map((column) => row[column])) : null }, columns.map((column) => cell(row, column)))))));
  }

  function cell(row, column) {
    const it = row[column.name];
    const text = it === null ? none : column.type.startsWith("timestamp") ? time(it) : value(it);
    const isApproximate = column.exactness === "approximate" && row.is_exact === false;
    const inner = column.role === "group" && typeof it === "string"
      ? h("button", { type: "button", class: "value", title: `Only rows with ${column.name} = ${it}`, onclick: () => context.choose({ [`f.${column.name}`]: it }) }, text) : isApproximate ? `≈ ${text}` : text;
    return h("td", { class: numbers.has(column.type) ? "number" : column.role === "group" ? "long" : "" }, inner);
  }

  return { update() {
    wake = context.repeat(10000, load);
    // Each flush says that there is news, and no more: a range that holds no row has none to send. The numbers are then asked for as they stand.
    let timer = null;
    const news = () => { timer ??= setTimeout(() => { timer = null; if (!document.hidden) load().catch((error) => { if (!context.signal.aborted) context.failed(error); }); }, 700); };
    const start = async () => {
      const first = await get(viewPath(name), context.signal);
      if (first.kind !== "materialized") { context.repeat(2000, load); return; }
      const nothing = first.time_column ? `?from=9999-01-01&columns=${encodeURIComponent(first.time_column)}` : "";
      if (!first.time_column) { context.repeat(2000, load); return; }
      await follow(viewPath(name, `/live${nothing}`), context.signal, { open() {}, event: news, lost: (problem) => context.failed(problem) });
    };
    start().catch((error) => { if (!context.signal.aborted) context.failed(error); });
  } };
}

function defaultOrder(about) {
  const measure = about.columns.find((column) => column.role === "measure" && numbers.has(column.type));
  return [about.time_column && `-${about.time_column}`, measure && `-${measure.name}`].filter(Boolean).join(",") || `-${about.columns[0].name}`;
}

/** What the address asks for, as requests to the API. */
function ask(about, query) {
  const measures = about.columns.filter((column) => column.role === "measure" && numbers.has(column.type)).map((column) => column.name);
  const groups = about.columns.filter((column) => column.role === "group").map((column) => column.name);
  const pick = (name, among, otherwise) => among.includes(query.get(name)) ? query.get(name) : otherwise;
  const measure = pick("measure", measures, measures[0] ?? null);
  const group = pick("group", groups, null);
  const range = pick("range", Object.keys(ranges), "1h");
  const bucket = pick("bucket", Object.keys(buckets), "window");
  const top = pick("top", ["3", "5", "8"], "5");
  const common = new URLSearchParams();
  const watermark = about.frontier.sources.map((source) => source.watermark).filter(Boolean).sort().at(-1);
  if (about.time_column && ranges[range] && watermark) {
    // From a whole minute on: a moment later it is the same question.
    const from = Math.floor((Date.parse(watermark) - ranges[range] * 1000) / 60000) * 60000;
    common.set("from", new Date(from).toISOString());
  }
  for (const column of groups) for (const it of query.getAll(`f.${column}`)) common.append(`filter.${column}`, it);
  const table = new URLSearchParams(common);
  table.set("order", query.get("order") ?? defaultOrder(about));
  table.set("limit", String(tableRows));
  const question = { time: about.time_column, measure, group, range, bucket, top, measures, groups, chart: null, table: viewPath(about.view, `/rows?${table}`) };
  question.api = question.table;
  if (about.kind === "materialized" && about.time_column && measure) {
    const chart = new URLSearchParams(common);
    chart.set("bucket", bucket);
    chart.set("groups", group ?? "");
    chart.set("columns", [about.time_column, ...(group ? [group] : []), measure].join(","));
    if (group) { chart.set("top", top); chart.set("by", measure); chart.set("top_of", "range"); }
    chart.set("limit", String(chartPoints));
    question.chart = question.api = viewPath(about.view, `/rows?${chart}`);
  }
  return question;
}

function seriesOf(answer, { time: column, group, measure }) {
  const series = new Map();
  for (const row of answer.rows) {
    const key = group ? JSON.stringify(row[group]) : "";
    if (!series.has(key)) series.set(key, { name: group ? (row[group] === null ? "null" : String(row[group])) : measure, points: new Map(), total: 0 });
    const one = series.get(key);
    one.points.set(Date.parse(row[column]), { value: row[measure], error: row[`${measure}_error`] ?? 0, isExact: row.is_exact });
    one.total += typeof row[measure] === "number" ? Math.abs(row[measure]) : 0;
  }
  return [...series.values()].sort((a, b) => b.total - a.total);
}

function stepOf(answer, { time: column }) {
  let step = Infinity;
  const times = [...new Set(answer.rows.map((row) => Date.parse(row[column])))].sort((a, b) => a - b);
  for (let i = 1; i < times.length; i++) step = Math.min(step, times[i] - times[i - 1]);
  return Number.isFinite(step) ? step : null;
}

function freshLine(about, now) {
  const sources = about.frontier.sources;
  const freshness = sources.map((source) => source.freshness_seconds).filter((it) => it !== null);
  const source = sources[0];
  const part = (...words) => h("li", words);
  return h("ul", { class: "facts", "data-key": "fresh" },
    freshness.length > 0 && part("Newest record ", h("b", duration(Math.max(...freshness))), " old"),
    source && part("Watermark ", h("b", time(source.watermark))),
    source && part(source.run ? ["Run ", h("b", source.run), " published ", h("b", ago(source.published_at, now))] : "No batch run yet"),
    sources.some((one) => one.waiting_records + one.late_waiting > 0) && part(h("b", count(sources.reduce((sum, one) => sum + one.waiting_records + one.late_waiting, 0))), " records come with the next run"),
    sources.some((one) => one.gaps.length) && part({}, h("b", "The log has lost records"), " that are in no answer"));
}

function controls(context, about, question) {
  const select = (label, name, among, current) => h("label", { class: "field" }, h("span", label), h("select", { value: current ?? "", onchange: (event) => context.choose({ [name]: event.target.value }) }, among.map(([value, words]) => h("option", { value }, words))));
  const same = (list) => list.map((one) => [one, one]);
  return h("div", { class: "controls", "data-key": "controls" },
    select("Measure", "measure", same(question.measures), question.measure),
    question.groups.length > 0 && select("Lines", "group", [["", "all together"], ...question.groups.map((one) => [one, `by ${one}`])], question.group),
    question.group && select("Largest", "top", same(["3", "5", "8"]), question.top),
    select("Range", "range", Object.entries(rangeWords), question.range),
    select("Bucket", "bucket", Object.entries(buckets), question.bucket));
}

function filters(context, about) {
  const chosen = about.columns.flatMap((column) => context.query.getAll(`f.${column.name}`).map((it) => [column.name, it]));
  return chosen.map(([column, it]) => h("button", { type: "button", class: "chip", "aria-label": `Remove the filter ${column} = ${it}`, onclick: () => context.choose({ [`f.${column}`]: null }) }, h("span", `${column} = ${it}`), h("span", { "aria-hidden": "true" }, " ×")));
}

function snippet(title, text) {
  return h("div", { class: "snippet" }, h("div", { class: "head" }, h("h3", title), copyButton(text, title)), h("pre", { tabindex: "0" }, text));
}

const identifier = (name) => `"${name.replaceAll('"', '""')}"`;

function psql(about, question) {
  const order = about.time_column ? ` ORDER BY ${identifier(about.time_column)} DESC` : "";
  return `parallax psql -c '${`SELECT * FROM serving.${identifier(about.view)}${order} LIMIT 100`.replaceAll("'", "'\\''")}'`;
}
