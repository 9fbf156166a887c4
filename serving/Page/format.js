// Numbers and times as people read them.

const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 });

export const none = "–";

export function count(number) { return number === null || number === undefined ? none : whole.format(number); }
export function plural(number, one, many = one + "s") { return `${count(number)} ${number === 1 ? one : many}`; }
export function compact(number) { return Math.abs(number) < 10000 ? value(number) : short.format(number); }
export function percent(share) { return share === null || share === undefined ? none : `${(share * 100).toFixed(share !== 0 && Math.abs(share) < 0.0995 ? 2 : 1)} %`; }

/** A measure: numbers get their groups of digits, texts stay as they are. */
export function value(it) {
  if (it === null || it === undefined) return none;
  if (typeof it === "boolean") return it ? "yes" : "no";
  if (typeof it === "object") return JSON.stringify(it);
  if (typeof it !== "number") return String(it);
  if (Number.isInteger(it)) return whole.format(it);
  const digits = Math.abs(it) >= 1000 ? 1 : Math.abs(it) >= 1 ? 2 : 4;
  return new Intl.NumberFormat("en-US", { maximumFractionDigits: digits }).format(it);
}

export function rate(perSecond) {
  if (perSecond === null) return none;
  return `${perSecond >= 10 ? whole.format(perSecond) : perSecond.toFixed(1)}/s`;
}

export function duration(seconds) {
  if (seconds === null || seconds === undefined || Number.isNaN(seconds)) return none;
  if (seconds < 0) return "0 s";
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} days`;
}

export function secondsSince(text, now) { return text ? Math.max(0, (now - Date.parse(text)) / 1000) : null; }
export function ago(text, now) { return text ? `${duration(secondsSince(text, now))} ago` : "never"; }

const pad = (number) => String(number).padStart(2, "0");
export const zone = {
  get isLocal() { return localStorage.getItem("parallax.zone") === "local"; },
  set isLocal(is) { localStorage.setItem("parallax.zone", is ? "local" : "utc"); },
  get name() { return this.isLocal ? Intl.DateTimeFormat().resolvedOptions().timeZone : "UTC"; },
};

/** Without parts that say nothing: a whole minute has no seconds. */
export function time(text, { withDate = true, withSeconds = true } = {}) {
  if (!text) return none;
  const at = new Date(text);
  if (Number.isNaN(at.getTime())) return String(text);
  const [year, month, day, hour, minute, second] = zone.isLocal
    ? [at.getFullYear(), at.getMonth() + 1, at.getDate(), at.getHours(), at.getMinutes(), at.getSeconds()]
    : [at.getUTCFullYear(), at.getUTCMonth() + 1, at.getUTCDate(), at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds()];
  return `${withDate ? `${year}-${pad(month)}-${pad(day)} ` : ""}${pad(hour)}:${pad(minute)}${withSeconds ? `:${pad(second)}` : ""}`;
}
