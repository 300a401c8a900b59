// Elements, numbers and times, as all parts of the page need them.
const $ = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";
const whole = new Intl.NumberFormat("en");
const short = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}
const make = (tag, attributes = {}, ...children) => filled(document.createElement(tag), attributes, children);
const draw = (tag, attributes = {}, ...children) => filled(document.createElementNS(SVG, tag), attributes, children);
function say(element, text) { if (element.textContent !== text) element.textContent = text; }
function sync(parent, wanted) {
  wanted.forEach((element, at) => {
    if (parent.children[at] !== element) parent.insertBefore(element, parent.children[at] || null);
  });
  while (parent.children.length > wanted.length) parent.lastElementChild.remove();
}

const number = (value) => (value >= 10000 ? short.format(value) : String(Number(value.toPrecision(3))));
const percent = (share) => `${share > 0 && share < 0.0995 ? (100 * share).toFixed(1) : Math.round(100 * share)} %`;
const UNITS = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
function span(seconds) {
  for (let at = 0; at < UNITS.length - 1; at++) {
    const [name, size] = UNITS[at], [next, smaller] = UNITS[at + 1];
    if (seconds >= size) {
      const rest = Math.floor((seconds % size) / smaller);
      return `${Math.floor(seconds / size)} ${name}${rest ? ` ${rest} ${next}` : ""}`;
    }
  }
  return `${Math.max(0, Math.round(seconds))} s`;
}
// "90", "90s", "1h30m" or "2d" in seconds; null if it is none of these.
function seconds(text) {
  const sizes = { d: 86400, h: 3600, m: 60, s: 1, w: 604800 };
  text = text.replace(/\s+/g, "").replace(/min/g, "m").toLowerCase();
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) || null;
  if (!/^(\d+(\.\d+)?[wdhms])+$/.test(text)) return null;
  return [...text.matchAll(/([\d.]+)([wdhms])/g)].reduce((sum, [, count, unit]) => sum + count * sizes[unit], 0) || null;
}
function clock(at) {
  const date = new Date(1000 * at), today = new Date().toDateString() === date.toDateString();
  const time = date.toTimeString().slice(0, 8);
  return today ? time : `${date.toLocaleDateString("sv")} ${time}`;
}
const gains = (totals) => totals.slice(1).map((total, at) => Math.max(0, total - totals[at]));
const sum = (values) => values.reduce((all, one) => all + one, 0);
const level = (use) => (use >= 0.9 ? "bad" : use >= 0.7 ? "warn" : "good");

async function told(path) {
  const reply = await fetch(`/api/v1/${path}`);
  const body = await reply.json();
  if (!reply.ok) throw new Error(body.error);
  return body;
}

// What one looks at is in the address of the page, so that it can be sent to others.
const address = new URLSearchParams(location.hash.includes("=") ? location.hash.slice(1) : "");
function keep(values) {
  for (const [name, value] of Object.entries(values)) value ? address.set(name, value) : address.delete(name);
  history.replaceState(null, "", `${location.pathname}${[...address].length ? `#${address}` : ""}`);
}

const state = { step: 2, points: 150, questions: [], replies: {}, handOuts: new Map(), fresh: true, known: new Map(), now: 0 };
