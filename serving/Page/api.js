// The public API, and nothing else: what this page knows, any program can know.

const tokenKey = "parallax.token";

/** For as long as the tab is open, and in no address. */
export const token = {
  get value() { return sessionStorage.getItem(tokenKey); },
  set value(text) { if (text) sessionStorage.setItem(tokenKey, text); else sessionStorage.removeItem(tokenKey); },
};

/** What the API says of a failure. `status` 0: it did not answer at all. */
export class Problem extends Error {
  constructor(status, body) {
    super(body.title ?? "the API did not answer");
    this.status = status;
    this.code = body.code ?? "unreachable";
    this.detail = body.detail ?? null;
    this.hint = body.hint ?? null;
  }
}

function unreachable() { return new Problem(0, { title: "the API does not answer", hint: "it is asked again by itself; parallax up or parallax serve starts it" }); }

function headers(more = {}) {
  return token.value ? { ...more, Authorization: `Bearer ${token.value}` } : more;
}

async function ask(path, options) {
  let response;
  try { response = await fetch(path, { cache: "no-store", ...options, headers: headers(options?.headers) }); } catch (error) {
    if (error.name === "AbortError") throw error;
    throw unreachable();
  }
  if (!response.ok) throw new Problem(response.status, await response.json().catch(() => ({ title: `the API answered ${response.status}` })));
  return response;
}

export async function get(path, signal) {
  // A server that hangs is one that does not answer.
  const limit = AbortSignal.timeout(40000);
  try { return await (await ask(path, { signal: signal ? AbortSignal.any([signal, limit]) : limit })).json(); } catch (error) {
    if (limit.aborted || error instanceof TypeError || error instanceof SyntaxError) throw unreachable();
    throw error;
  }
}

export async function post(path) { return await (await ask(path, { method: "POST" })).json(); }

export function viewPath(view, rest = "") { return `/v1/views/${encodeURIComponent(view)}${rest}`; }

/**
 * Follows server-sent events until `signal` ends it. An EventSource can send no token, so the stream is read here; as there, a stream that breaks off
 * is asked for again with the last id. `on.event(name, data)`, `on.open()`, `on.lost(problem)`.
 */
export async function follow(path, signal, on) {
  let last = null, wait = 1000;
  while (!signal.aborted) {
    try {
      const response = await ask(path, { signal, headers: { Accept: "text/event-stream", ...(last ? { "Last-Event-ID": last } : {}) } });
      on.open();
      wait = 1000;
      await read(response.body, (event) => { if (event.id) last = event.id; on.event(event.name, event.data); });
    } catch (error) {
      if (signal.aborted) return;
      const problem = error instanceof Problem ? error : unreachable();
      on.lost(problem);
      // Asking again would give the same answer.
      if ([400, 401, 403, 404].includes(problem.status)) return;
      if (problem.status === 410) last = null;
    }
    await new Promise((resolve) => { const timer = setTimeout(resolve, wait); signal.addEventListener("abort", () => { clearTimeout(timer); resolve(); }, { once: true }); });
    wait = Math.min(wait * 2, 15000);
  }
}

async function read(body, take) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    rest += value;
    let end;
    while ((end = rest.indexOf("\n\n")) >= 0) {
      const event = { name: "message", id: null, data: "" };
      for (const line of rest.slice(0, end).split("\n")) {
        if (line.startsWith("event: ")) event.name = line.slice(7);
        else if (line.startsWith("id: ")) event.id = line.slice(4);
        else if (line.startsWith("data: ")) event.data += line.slice(6);
      }
      rest = rest.slice(end + 2);
      if (event.data) take({ ...event, data: JSON.parse(event.data) });
    }
  }
}
