// How far the live rows were from the exact ones, over the same records: figures, causes, where, and the rows.

import { get, viewPath } from "./api.js";
import { h, render } from "./dom.js";
import { link } from "./app.js";
import { count, none, percent, plural, time, value } from "./format.js";

const causeWords = {
  late: "events came later than the source's lateness allows", duplicate: "a copy came when the first was forgotten, and was counted again", healed: "records were no events then, and are now",
  sketch: "an estimate, as close as it promises", sketch_beyond_bound: "an estimate, further off than it promises", table: "a joined table has changed since", source: "the source's declaration has changed since",
  history: "what is given up of the log has changed since", rejected: "the layers rejected different records", not_recorded: "the live rows did not say", unknown: "none of the known causes: please report it",
};

export function comparison(context) {
  const name = context.parts[1];
  let about = null, answer = null, runs = [];


  async function load() {
    about = await get(viewPath(name), context.signal);
    const source = about.frontier.sources[0]?.source;
    const run = context.query.get("run");
    try {
      answer = await get(viewPath(name, `/comparison?${new URLSearchParams({ limit: "100", ...(run ? { run } : {}) })}`), context.signal);
    } catch (error) {
      // Before the first run there is nothing to compare: that is no failure.
      if (error.status !== 404 || run) throw error;
      answer = null;
    }
    if (source) runs = (await get(`/v1/runs?${new URLSearchParams({ source, limit: "50" })}`, context.signal).catch(() => ({ runs: [] }))).runs;
    if (context.signal.aborted) return;
    context.answered();
    draw();
  }

  function draw() {
    render(context.main,
      h("div", { class: "title", "data-key": "title" }, h("h1", `${name}: live beside exact`), h("a", { class: "button", href: link(["view", name]) }, "The view")),
      answer ? body() : h("section", { class: "empty", "data-key": "none" }, h("p", "No run has compared live rows of this view yet. The next batch run does: ", h("code", "parallax batch run"), ".")));
  }

  function body() {
    const isSame = answer.rows_different === 0;
    // One output at a time: where it differs is told best by one that adds up.
    const names = answer.outputs.map((one) => one.output);
    const output = names.includes(context.query.get("output")) ? context.query.get("output") : (answer.outputs.find((one) => one.batch_total !== null && one.batch_total !== one.merged_total)?.output ?? names[0]);
    const groups = answer.groups.filter((one) => one.output === output), windows = answer.windows.filter((one) => one.output === output);
    const choices = runs.filter((run) => run.statistics?.views?.some((one) => one.view === name));
    return [
      h("section", { class: `verdict ${!answer.within_max_drift ? "warn" : "good"}`, "data-key": "verdict" },
        h("h2", h("span", { class: "dot", "aria-hidden": "true" }), !answer.is_compared ? "There were no live rows to compare" : isSame ? "The live rows were exact" : `${count(answer.rows_different)} of ${plural(answer.rows_compared, "row")} differed`),
        h("ul", { class: "facts" }, h("li", "Run ", h("b", answer.run), `, ${answer.state}`), h("li", answer.max_drift === null ? "No limit is set" : ["Limit ", h("b", percent(answer.max_drift))]),
          h("li", "Over exactly the same records"),
          choices.length > 1 && h("li", h("label", { class: "field inline" }, h("span", "Run"), h("select", { value: String(answer.run), onchange: (event) => context.choose({ run: event.target.value }) },
            choices.map((run) => h("option", { value: String(run.run) }, `${run.run} (${time(run.finished_at, { withSeconds: false })})`))))))),
      h("section", { "data-key": "outputs" }, h("h2", "By output"), table("Figures by output",
        [["Output"], ["Rows", 1], ["Differing", 1], ["Only live", 1], ["Only exact", 1], ["Live total", 1], ["Exact total", 1], ["Share that differs", 1], ["99 of 100 within", 1]],
        answer.outputs.map((one) => [one.output, count(one.groups), count(one.differing), count(one.only_merged), count(one.only_batch), value(one.merged_total), value(one.batch_total), percent(one.share), one.p99_relative === null ? none : percent(one.p99_relative)]))),
      h("div", { class: "pair", "data-key": "why" },
        h("section", h("h2", "Why"), answer.causes.length ? table("Causes", [["Cause", 2], ["Rows", 1], ["Records", 1]], answer.causes.map((one) => [[h("b", one.cause.replaceAll("_", " ")), causeWords[one.cause] && `: ${causeWords[one.cause]}`], count(one.rows), count(one.records)])) : h("p", { class: "muted" }, "Nothing to explain.")),
        h("section", h("div", { class: "head" }, h("h2", "Where"), h("label", { class: "field inline" }, h("span", "by output"), h("select", { value: output, onchange: (event) => context.choose({ output: event.target.value }) }, names.map((one) => h("option", { value: one }, one))))), groups.length ? table("Groups with the largest part of the difference", [["Group", 2], ["Rows", 1], ["Difference", 1], ["Part of all", 1]], groups.map((one) => [`${one.column} = ${one.value ?? "null"}`, count(one.rows), value(one.difference), percent(one.share)])) : h("p", { class: "muted" }, "No group stands out."))),
      windows.length > 0 && h("section", { "data-key": "windows" }, h("h2", `By window: ${output}`), table("Windows that differ", [["Window"], ["Rows", 1], ["Differing", 1], ["Only live", 1], ["Only exact", 1], ["Live total", 1], ["Exact total", 1]],
        windows.slice(0, 100).map((one) => [time(one.window_start), count(one.groups), count(one.differing), count(one.only_merged), count(one.only_batch), value(one.merged_total), value(one.batch_total)]))),
      h("section", { "data-key": "rows" }, h("h2", "Rows, those that differ most first"), rowTable()),
    ];
  }

  function rowTable() {
    if (!answer.rows.length) return h("p", { class: "muted" }, "No row differs.");
    const keys = about.columns.filter((column) => column.role === "window" || column.role === "group");
    const measures = about.columns.filter((column) => column.role === "measure").map((column) => column.name);
    return table("Rows that differ", [...keys.map((column) => [column.name, column.role === "group" ? 2 : 0]), ["Cause"], ...measures.flatMap((measure) => [[`${measure} live`, 1], [`${measure} exact`, 1]])],
      answer.rows.map((row) => [...keys.map((column) => column.type.startsWith("timestamp") ? time(row[column.name]) : value(row[column.name])), (row.causes ?? []).join(", "),
        ...measures.flatMap((measure) => { const [live, exact] = [row[`${measure}_live`], row[`${measure}_batch`]]; return [value(live), live !== exact ? h("b", value(exact)) : value(exact)]; })]));
  }

  return { update: () => context.repeat(5000, load) };
}

/** Columns are [title], [title, 1] for numbers, or [title, 2] for texts of any length. */
export function table(label, columns, rows) {
  return h("div", { class: "scroll tall", tabindex: "0", role: "region", "aria-label": label }, h("table",
    h("thead", h("tr", columns.map(([title, kind]) => h("th", { scope: "col", class: kind === 1 ? "number" : "" }, title)))),
    h("tbody", rows.map((row) => h("tr", row.map((it, index) => h("td", { class: ["", "number", "long"][columns[index][1] ?? 0] }, it)))))));
}
