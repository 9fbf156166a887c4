// Elements out of names, attributes and children, and a document that is changed no more than it must be. Text is always text: nothing here, and nothing
// that uses it, ever makes markup of a string.

const svgNames = new Set(["svg", "path", "line", "circle", "polyline", "rect"]);

/** h("p", {class: "note", onclick: f}, "text", h("b", "more")): null and false children are left out. */
export function h(name, ...rest) {
  const isSVG = svgNames.has(name);
  const element = isSVG ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  const first = rest[0];
  if (first && typeof first === "object" && !(first instanceof Node) && !Array.isArray(first)) {
    for (const [key, value] of Object.entries(rest.shift())) {
      if (value === null || value === undefined || value === false) continue;
      if (key.startsWith("on")) element[key] = value;
      else if (key === "value") { element.value = value; element.wanted = String(value); }
      else element.setAttribute(key, value === true ? "" : String(value));
    }
  }
  const add = (child) => {
    if (child === null || child === undefined || child === false) return;
    if (Array.isArray(child)) child.forEach(add);
    else element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  };
  rest.forEach(add);
  // A select can only be set to what it has.
  if (name === "select" && element.wanted !== undefined) element.value = element.wanted;
  return element;
}

const handlers = ["onclick", "onchange", "onsubmit", "oninput", "onkeydown", "ontoggle"];

/** Makes `container` hold what `children` say. What is there already stays the same element: focus, selection, scrolling and open details survive. */
export function render(container, ...children) {
  const wanted = h("div", ...children);
  patchChildren(container, wanted);
}

function patchChildren(from, to) {
  const wanted = [...to.childNodes];
  const keyed = new Map();
  for (const node of from.childNodes) { const key = node.dataset?.key; if (key) keyed.set(key, node); }
  let at = from.firstChild;
  for (const node of wanted) {
    const key = node.dataset?.key;
    const match = key ? keyed.get(key) : at && !at.dataset?.key && at.nodeName === node.nodeName ? at : null;
    if (match) {
      if (match !== at) from.insertBefore(match, at); else at = at.nextSibling;
      patch(match, node);
    } else {
      from.insertBefore(node, at);
    }
  }
  while (at) { const next = at.nextSibling; from.removeChild(at); at = next; }
}

function patch(from, to) {
  if (from.nodeType === Node.TEXT_NODE) { if (from.data !== to.data) from.data = to.data; return; }
  if (from.nodeName !== to.nodeName) { from.replaceWith(to); return; }
  // An island is drawn by others; `open` of details is the reader's.
  if (from.hasAttribute("data-island") && to.hasAttribute("data-island")) return;
  for (const { name } of [...from.attributes]) if (!to.hasAttribute(name) && name !== "open") from.removeAttribute(name);
  for (const { name, value } of to.attributes) if (from.getAttribute(name) !== value) from.setAttribute(name, value);
  for (const name of handlers) from[name] = to[name];
  patchChildren(from, to);
  if (to.wanted !== undefined) {
    from.wanted = to.wanted;
    if (document.activeElement !== from || from.nodeName === "SELECT") from.value = to.wanted;
  }
}

/** A button that puts text on the clipboard, and says so. */
export function copyButton(text, label) {
  return h("button", { class: "quiet", type: "button", "aria-label": `Copy ${label}`, onclick: async (event) => {
    const button = event.currentTarget;
    try { await navigator.clipboard.writeText(text); button.textContent = "Copied"; } catch { button.textContent = "Select it and copy"; }
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  } }, "Copy");
}
