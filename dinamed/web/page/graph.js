// Lines of the last minutes: small ones beside members, and the one of all questions.
function through(values, width, top) {
  const left = width - values.length;
  const points = values.map((value, at) => `${left + at},${(30 - (28 * value) / Math.max(top, 1e-9)).toFixed(1)}`);
  return points.length > 1 ? `M${points.join("L")}` : "";
}
function line(svg, values, width, top) {
  const path = through(values, width, top), left = width - values.length;
  svg.setAttribute("viewBox", `0 0 ${width - 1} 30`);
  svg.querySelector(".line").setAttribute("d", path);
  svg.querySelector(".area").setAttribute("d", path && `${path}V30H${left}Z`);
}
const spark = () => draw("svg", { class: "spark", preserveAspectRatio: "none", role: "img" },
  draw("path", { class: "area" }), draw("path", { class: "line" }));
function thinned(values, by) {
  const sums = [];
  for (let end = values.length; end > 0; end -= by) sums.unshift(sum(values.slice(Math.max(0, end - by), end)));
  return sums;
}
// The next number of 1, 2 or 5 and noughts.
function round(value) {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
  return power * [1, 2, 5, 10].find((step) => step * power >= value);
}

const plot = $("questions"), graph = { rates: [], replies: new Map(), at: null };
const perSecond = (totals) => gains(totals).map((gain) => gain / state.step);
function showRates() {
  const rates = perSecond(state.questions), box = plot.parentElement;
  const rate = rates.length ? rates[rates.length - 1] : 0, top = round(Math.max(0, ...rates));
  graph.rates = rates;
  say($("rate"), number(rate));
  say($("peak"), rates.length ? `at most ${number(Math.max(...rates))}` : "");
  line(plot.querySelector("svg"), rates, state.points, top);
  for (const key of document.querySelectorAll("#replies [data-code]")) {
    const code = key.dataset.code, some = perSecond(state.replies[code] || []);
    graph.replies.set(code, some);
    say(key.querySelector("b"), number(some[some.length - 1] || 0));
    plot.querySelector(`.line[data-code="${code}"]`).setAttribute("d", some.some(Boolean) ? through(some, state.points, top) : "");
  }
  say(box.querySelector(".top"), number(top));
  say(box.querySelector(".from"), `${span(state.points * state.step)} ago`);
  plot.setAttribute("aria-valuemax", Math.max(0, rates.length - 1));
  point();
}
function point() {
  const cursor = plot.querySelector(".cursor"), tip = plot.querySelector(".tip"), last = graph.rates.length - 1;
  const shown = graph.at !== null && last >= 0, at = shown ? Math.min(last, Math.max(0, graph.at)) : last;
  const parts = [...graph.replies].filter(([, some]) => some[at]).map(([code, some]) => `, ${number(some[at])} ${code}`).join("");
  const text = last < 0 ? "nothing yet" : `${number(graph.rates[at])} a second${parts}, ${at === last ? "now" : `${span((last - at) * state.step)} ago`}`;
  plot.setAttribute("aria-valuenow", Math.max(0, at));
  plot.setAttribute("aria-valuetext", text);
  cursor.hidden = tip.hidden = !shown;
  if (!shown) return;
  const left = (100 * (state.points - 1 - (last - at) - 1)) / Math.max(1, state.points - 1);
  cursor.style.left = `${left}%`;
  tip.style.left = left > 50 ? "auto" : `calc(${left}% + 8px)`;
  tip.style.right = left > 50 ? `calc(${100 - left}% + 8px)` : "auto";
  say(tip, text);
}
plot.addEventListener("pointermove", (event) => {
  const box = plot.getBoundingClientRect(), place = ((event.clientX - box.left) / box.width) * (state.points - 1);
  graph.at = graph.rates.length - 1 - (state.points - 2 - Math.round(place));
  point();
});
plot.addEventListener("pointerleave", () => { graph.at = null; point(); });
plot.addEventListener("focus", () => { graph.at = graph.rates.length - 1; point(); });
plot.addEventListener("blur", () => { graph.at = null; point(); });
plot.addEventListener("keydown", (event) => {
  const last = graph.rates.length - 1, at = Math.min(last, graph.at ?? last);
  const to = { ArrowLeft: at - 1, ArrowDown: at - 1, ArrowRight: at + 1, ArrowUp: at + 1, PageUp: at + 15, PageDown: at - 15, Home: 0, End: last }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  graph.at = Math.min(last, Math.max(0, to));
  point();
});
