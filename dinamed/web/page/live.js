// The stream of figures: each tick tells everything anew.
const ICON = (colour) => `data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cpath d='M2 12h3V7H2zm4.500 0h3V3h-3zM11 12h3V5h-3z' fill='%23${colour}'/%3E%3C/svg%3E`;
$("icon").href = ICON("0b7a75");

function showWrong(tick) {
  const box = $("wrong"), lines = tick.wrong;
  document.title = `${lines.length ? `(${lines.length}) ` : ""}${tick.identity} · dinamed`;
  const icon = ICON(lines.length ? "c0273b" : "0b7a75");
  if ($("icon").href !== icon) $("icon").href = icon;
  box.hidden = !lines.length;
  const key = JSON.stringify(lines);
  if (box.dataset.key === key) return;
  box.dataset.key = key;
  say($("wrong-title"), lines.length === 1 ? "One thing is wrong" : `${lines.length} things are wrong`);
  box.querySelector("ul").replaceChildren(...lines.map((one) => {
    const id = `pool ${one.pool}`.replace(/[^\w.-]/g, "-");
    return make("li", {}, one.pool ? make("a", { href: `#${id}` }, one.text) : one.text);
  }));
}
function showFigures(tick) {
  say($("identity"), tick.identity);
  say($("about"), `dinamed ${tick.version} · up ${span(tick.up)}`);
  say($("total"), short.format(tick.questions));
  say($("failures"), tick.failures ? `${whole.format(tick.failures)} failed` : "none failed");
  const usable = sum(tick.pools.map((pool) => pool.usable)), size = sum(tick.pools.map((pool) => pool.size));
  say($("usable"), whole.format(usable));
  say($("out"), size > usable ? `${whole.format(size - usable)} of ${whole.format(size)} out` : `all of ${tick.pools.length} ${tick.pools.length === 1 ? "pool" : "pools"}`);
  say($("connections"), whole.format(tick.connections));
  say($("zone-count"), `${whole.format(tick.zones)} ${tick.zones === 1 ? "zone" : "zones"} served`);
}
function remember(points, value) {
  points.push(value);
  if (points.length > state.points) points.shift();
}
function showTick(tick) {
  state.now = tick.now;
  state.tick = tick;
  if (!state.fresh) {
    remember(state.questions, tick.questions);
    for (const [code, total] of Object.entries(tick.replies)) remember(state.replies[code] ??= [], total);
    for (const pool of tick.pools) for (const member of pool.members) {
      const key = `${pool.name}/${member.name}`;
      if (!state.handOuts.has(key)) state.handOuts.set(key, []);
      remember(state.handOuts.get(key), member.hand_outs);
    }
  }
  state.fresh = false;
  showFigures(tick);
  showWrong(tick);
  showRates();
  showPools(tick);
  showCountries(tick.countries);
  showEvents(tick.events);
  showMap(tick);
}
function linked(kind, text) {
  $("link").dataset.link = kind;
  say($("link").lastElementChild, text);
}
// A browser opens six connections to a server, and hidden pages must not hold them.
let source = null;
function leave() {
  if (source) source.close();
  source = null;
}
function watch() {
  if (source || document.hidden) return;
  const mine = new EventSource("/api/v1/live");
  source = mine;
  source.addEventListener("history", (event) => {
    const past = JSON.parse(event.data);
    Object.assign(state, { step: past.step, points: past.points, questions: past.questions, replies: past.replies, fresh: true, handOuts: new Map() });
    for (const [pool, members] of Object.entries(past.hand_outs)) for (const [member, totals] of Object.entries(members)) state.handOuts.set(`${pool}/${member}`, totals);
  });
  source.addEventListener("tick", (event) => { linked("live", "live"); showTick(JSON.parse(event.data)); });
  source.addEventListener("error", () => {
    linked("lost", "not connected, trying again");
    if (mine.readyState === EventSource.CLOSED && source === mine) {
      leave();
      setTimeout(watch, 10000);
    }
  });
}
document.addEventListener("visibilitychange", () => (document.hidden ? leave() : watch()));
addEventListener("pagehide", leave);
addEventListener("pageshow", watch);
