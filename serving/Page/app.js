// Which page the address means, and what all pages share: the head, the state of the connection, the token.

import { Problem, token } from "./api.js";
import { h, render } from "./dom.js";
import { zone } from "./format.js";
import { overview } from "./overview.js";
import { view } from "./view.js";
import { comparison } from "./comparison.js";
import { runs } from "./runs.js";

const main = document.getElementById("main");
const stateBox = document.getElementById("state");
let current = null;

/** The page's address: `#/view/NAME?measure=views`. All that a person chose is in it, so that a link shows the same. */
function place() {
  const [path, query] = location.hash.replace(/^#/, "").split("?", 2);
  let parts;
  try { parts = path.split("/").filter(Boolean).map(decodeURIComponent); } catch { parts = ["?"]; }
  return { parts, query: new URLSearchParams(query ?? "") };
}

export function link(parts, query) {
  const text = query ? new URLSearchParams(Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "")).toString() : "";
  return `#/${parts.map(encodeURIComponent).join("/")}${text ? "?" + text : ""}`;
}

function pageFor({ parts }) {
  if (parts.length === 0) return { make: overview, title: "Overview", nav: "overview" };
  if (parts[0] === "view" && parts.length === 2) return { make: view, title: parts[1], nav: "overview" };
  if (parts[0] === "view" && parts.length === 3 && parts[2] === "comparison") return { make: comparison, title: `${parts[1]}: comparison`, nav: "overview" };
  if (parts[0] === "runs" && parts.length === 1) return { make: runs, title: "Runs", nav: "runs" };
  return { make: missing, title: "Not found", nav: null };
}

function missing() {
  return { update() {
    render(main, h("h1", "There is nothing here"), h("p", h("a", { href: "#/" }, "Go to the overview"), "."));
  } };
}

/** What pages are given: where to draw, what was asked for, and how to say how the connection is. */
class Context {
  constructor(place) {
    this.main = main;
    this.parts = place.parts;
    this.query = place.query;
    this.ending = new AbortController();
    this.signal = this.ending.signal;
    this.answeredAt = null;
    this.problem = null;
  }

  /** Calls `work` now, and again `milliseconds` after it has ended, for as long as the page is shown. While nobody looks, nothing is asked. */
  repeat(milliseconds, work) {
    let failures = 0, timer = null;
    const turn = async () => {
      timer = null;
      if (this.signal.aborted || document.hidden) return;
      try { await work(); failures = 0; } catch (error) {
        if (this.signal.aborted) return;
        failures += 1;
        this.failed(error);
      }
      if (!this.signal.aborted) timer ??= setTimeout(turn, Math.min(milliseconds * 2 ** Math.min(failures, 4), 15000));
    };
    const wake = () => { if (!document.hidden) { clearTimeout(timer); timer = null; turn(); } };
    document.addEventListener("visibilitychange", wake, { signal: this.signal });
    turn();
    return wake;
  }

  answered() {
    this.answeredAt = Date.now();
    this.problem = null;
    showState(this);
  }

  failed(error) {
    if (!(error instanceof Problem)) { console.error(error); error = new Problem(0, { title: String(error.message ?? error) }); }
    this.problem = error;
    if (error.status === 401) askForToken(error);
    showState(this);
    if (!this.answeredAt) render(main, problemBox(error));
  }

  /** Changes what the address asks for, without a new entry in the history. It goes on from the address: what is shown may be an answer behind it. */
  choose(changes) {
    const { query } = place();
    location.replace(link(this.parts, { ...Object.fromEntries(query), ...(typeof changes === "function" ? changes(query) : changes) }));
  }
}

export function problemBox(problem) {
  const words = problem.status === 403 ? "This token may not see this page." : problem.status === 401 ? "A token is needed." : sentence(problem.message);
  return h("section", { class: "notice bad", role: "alert" }, h("h2", words), problem.detail && h("p", problem.detail), problem.hint && h("p", sentence(problem.hint)),
    [401, 403].includes(problem.status) && h("p", h("button", { type: "button", onclick: () => askForToken(problem) }, "Enter a token")));
}

function sentence(text) { return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : "."); }

function showState(context) {
  const problem = context.problem;
  document.body.classList.toggle("stale", Boolean(problem && context.answeredAt));
  const seconds = context.answeredAt ? Math.round((Date.now() - context.answeredAt) / 1000) : null;
  const [kind, words] =
    !problem ? ["good", "Live"]
    : problem.status === 401 ? ["bad", "Token needed"]
    : problem.status === 403 ? ["bad", "Not allowed"]
    : problem.status === 0 ? ["bad", seconds === null ? "API down, asking again" : `API down: this is ${seconds} s old`]
    : ["warn", seconds === null ? "Asking again" : `Trouble: this is ${seconds} s old`];
  render(stateBox, h("span", { class: `pill ${kind}` }, words),
    h("button", { class: "quiet", type: "button", title: "Which clock times are shown in", onclick: () => { zone.isLocal = !zone.isLocal; go(); } }, zone.isLocal ? "Local time" : "UTC"),
    token.value && h("button", { class: "quiet", type: "button", onclick: () => { token.value = null; go(); } }, "Forget token"));
}

function askForToken(problem) {
  const box = document.getElementById("dialogs");
  if (box.querySelector("dialog")) return;
  const wrong = token.value && problem.status === 401;
  const input = h("input", { id: "token", type: "password", autocomplete: "off", spellcheck: "false", required: true });
  const dialog = h("dialog", { "aria-labelledby": "token-title", onclose: () => dialog.remove() },
    h("form", { method: "dialog", onsubmit: (event) => {
      event.preventDefault();
      token.value = input.value.trim();
      dialog.close();
      go();
    } },
    h("h2", { id: "token-title" }, wrong ? "The token is not valid" : problem.status === 403 ? "Another token is needed" : "A token is needed"),
    h("p", wrong ? "It was revoked, has expired, or was not copied whole. " : "", "Whoever runs the pipeline makes one: ", h("code", "parallax token create --scope read"), ". It is kept in this tab alone, until the tab is closed."),
    problem.status === 403 && h("p", "The overview needs the scope ", h("code", "admin"), "; views need ", h("code", "read"), "."),
    h("label", { for: "token" }, "Token"), input,
    h("div", { class: "actions" }, h("button", { type: "button", class: "quiet", onclick: () => dialog.close() }, "Not now"), h("button", { type: "submit", class: "main" }, "Use it"))));
  box.append(dialog);
  dialog.showModal();
}

/** Asks before something is done that others see. */
export function confirmation(title, words, verb, act) {
  const box = document.getElementById("dialogs");
  const trouble = h("p", { class: "error", role: "alert" });
  const button = h("button", { type: "submit", class: "main" }, verb);
  const dialog = h("dialog", { "aria-labelledby": "confirm-title", onclose: () => dialog.remove() },
    h("form", { method: "dialog", onsubmit: async (event) => {
      event.preventDefault();
      button.disabled = true;
      try { await act(); dialog.close(); } catch (error) { trouble.textContent = [error.message, error.hint].filter(Boolean).join(". "); button.disabled = false; }
    } }, h("h2", { id: "confirm-title" }, title), words.map((text) => h("p", text)), trouble,
    h("div", { class: "actions" }, h("button", { type: "button", class: "quiet", onclick: () => dialog.close() }, "Leave it"), button)));
  box.append(dialog);
  dialog.showModal();
}

let shown = "";
export function go() {
  current?.ending.abort();
  const where = place(), page = pageFor(where);
  const context = current = new Context(where);
  document.title = `${page.title} · Parallax`;
  document.body.classList.remove("stale");
  render(document.getElementById("nav"), [["Overview", "#/", "overview"], ["Runs", "#/runs", "runs"]].map(([words, address, name]) =>
    h("a", { href: address, "aria-current": page.nav === name ? "page" : null }, words)));
  const path = where.parts.join("/");
  // A choice on the same page leaves what is shown until the answer is there.
  if (shown !== path || !main.childElementCount) {
    render(main, h("p", { class: "loading" }, "Loading…"));
    scrollTo(0, 0);
    shown = path;
  }
  page.make(context).update?.();
}

addEventListener("hashchange", go);
// What is shown grows old while nothing comes.
setInterval(() => { if (current?.problem) showState(current); }, 1000);
go();
