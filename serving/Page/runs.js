// Batch runs: what they did, and what a person decides about one that is held.

import { get, post } from "./api.js";
import { h, render } from "./dom.js";
import { confirmation, link } from "./app.js";
import { ago, count, duration, none, plural, time } from "./format.js";

const over = new Set(["published", "failed", "reverted", "discarded"]);

export function runs(context) {
  let list = null, said = "";

  async function load() {
    list = (await get("/v1/runs?limit=100", context.signal)).runs;
    if (context.signal.aborted) return;
    context.answered();
    draw();
  }

  function draw() {
    const now = Date.now();
    const held = list.filter((run) => run.state === "held");
    render(context.main, h("h1", { "data-key": "title" }, "Runs"),
      h("p", { class: "said", role: "status", "data-key": "said" }, said),
      held.map((run) => heldBox(run)),
      list.length ? history(now) : h("section", { class: "empty", "data-key": "none" }, h("p", "No batch run yet. ", h("code", "parallax up"), " starts one by itself; ", h("code", "parallax batch run"), " does at once.")));
  }

  function heldBox(run) {
    const decide = (verb, title, words) => () => confirmation(title, words, verb === "publish" ? "Publish it" : "Discard it", async () => {
      const answer = await post(`/v1/runs/${run.run}/${verb}`);
      said = [`Run ${run.run} is ${answer.run.state}.`, ...answer.notes].join(" ");
      await load();
    });
    const views = (run.statistics?.views ?? []).map((one) => one.view);
    return h("section", { class: "verdict warn", "data-key": `held ${run.run}` }, h("h2", h("span", { class: "dot", "aria-hidden": "true" }), `Run ${run.run} of ${run.source} is held`), h("p", run.held_reason ?? ""),
      views.length > 0 && h("p", "Look at the difference first: ", views.map((name, index) => [index ? ", " : "", h("a", { href: link(["view", name, "comparison"], { run: run.run }) }, name)]), "."),
      h("div", { class: "actions left" },
        h("button", { type: "button", class: "main", onclick: decide("publish", `Publish run ${run.run}?`, [`Readers of ${views.join(", ") || run.source} see its rows from then on, all at once.`, "It can be taken back for as long as the publication before it is kept."]) }, "Publish"),
        h("button", { type: "button", onclick: decide("discard", `Discard run ${run.run}?`, ["Its rows are thrown away. Readers go on seeing what was published before, with what is live since.", "The next run computes them anew."]) }, "Discard")));
  }

  function history(now) {
    const columns = [["Run", 1], ["Source"], ["State"], ["Began"], ["Took", 1], ["Records", 1], ["Archived", 1], ["Rows added", 1], ["Differing", 1]];
    return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Runs, the newest first", "data-key": "history" }, h("table",
      h("thead", h("tr", columns.map(([title, isNumber]) => h("th", { scope: "col", class: isNumber ? "number" : "" }, title)))),
      h("tbody", list.map((run) => {
        const statistics = run.statistics ?? {}, views = statistics.views ?? [];
        const sum = (name) => views.length ? views.reduce((total, one) => total + (one[name] ?? 0), 0) : null;
        const differing = views.length ? views.reduce((total, one) => total + (one.causes ?? []).reduce((part, cause) => part + cause.groups, 0), 0) : null;
        const state = run.interrupted && !over.has(run.state) ? "interrupted" : run.state;
        const took = run.finished_at ? (Date.parse(run.finished_at) - Date.parse(run.started_at)) / 1000 : null;
        return h("tr", { "data-key": String(run.run) }, h("td", { class: "number" }, run.run), h("td", { class: "long" }, run.source),
          h("td", h("span", { class: `pill ${state === "published" ? "good" : state === "held" ? "warn" : state === "failed" || state === "interrupted" ? "bad" : ""}`, title: run.error?.message ?? run.held_reason ?? "" }, state), run.current && h("span", { class: "muted" }, " served now")),
          h("td", h("span", { title: time(run.started_at) }, ago(run.started_at, now))), h("td", { class: "number" }, took === null ? none : duration(took)),
          h("td", { class: "number" }, count(statistics.records_read)), h("td", { class: "number" }, count(statistics.records_archived)), h("td", { class: "number" }, count(sum("rows_added"))), h("td", { class: "number" }, count(differing)));
      }))));
  }

  return { update: () => context.repeat(2000, load) };
}
