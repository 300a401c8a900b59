// The world: members by load, where clients go and where they spill, and what room costs.
const world = $("world"), chart = { pool: address.get("map") || "", at: 0, size: 9, drawn: null };
const spot = ([north, east]) => [((((east + 169.5) % 360) + 360) % 360) * 2, Math.min(278, Math.max(4, (84 - north) * 2))];

function arc([x0, y0], [x1, y1]) {
  const bend = Math.min(60, 0.25 * Math.hypot(x1 - x0, y1 - y0));
  return `M${x0.toFixed(1)},${y0.toFixed(1)}Q${((x0 + x1) / 2).toFixed(1)},${Math.max(2, (y0 + y1) / 2 - bend).toFixed(1)} ${x1.toFixed(1)},${y1.toFixed(1)}`;
}
// Members of one site stand around it, so that each can be seen.
function spots(members) {
  const sites = new Map(), found = new Map();
  for (const one of members) if (one.at) {
    const key = spot(one.at).map((value) => Math.round(value / 5)).join();
    sites.set(key, [...(sites.get(key) || []), one]);
  }
  for (const site of sites.values()) site.forEach((one, at) => {
    const [x, y] = spot(one.at), turn = (2 * Math.PI * at) / site.length, away = site.length > 1 ? chart.size / 2 + site.length : 0;
    found.set(one.name, [x + away * Math.sin(turn), y - away * Math.cos(turn)]);
  });
  return found;
}
function levelOf(member) {
  if (member.kind !== "up" && member.kind !== "over") return "out";
  return member.used === null ? "none" : level(member.used);
}
function words(member) {
  const used = member.used === null ? "load not known" : `${Math.round(100 * member.used)} %`;
  return `${member.name}: ${member.kind === "up" || member.kind === "over" ? used : member.kind}${member.price >= 0.5 ? `, price ${Math.round(member.price)} ms` : ""}`;
}
// A label where it meets no other and no member: right, left, above or below, or none.
function labelled(member, [x, y], taken) {
  const text = member.price >= 0.5 ? `${member.name} ${Math.round(member.price)} ms` : member.name, size = chart.size, wide = 0.62 * size * text.length, high = 1.15 * size, near = 0.5 * size + 3;
  for (const [left, top, anchor, at] of [[x + near, y - high / 2, "start", x + near], [x - near - wide, y - high / 2, "end", x - near], [x - wide / 2, y - near - high, "middle", x], [x - wide / 2, y + near, "middle", x]]) {
    if (left < 0 || left + wide > 720) continue;
    if (taken.some((box) => left < box[2] && left + wide > box[0] && top < box[3] && top + high > box[1])) continue;
    taken.push([left, top, left + wide, top + high]);
    return [draw("text", { x: at.toFixed(1), y: (top + 0.8 * high).toFixed(1), "text-anchor": anchor }, text)];
  }
  return [];
}
function drawWorld(map) {
  // Letters and dots are as large on a phone as on a desk.
  chart.size = Math.min(24, Math.max(8, (11 * 720) / (world.clientWidth || 720)));
  world.style.fontSize = `${chart.size}px`;
  const dotted = chart.size / 2;
  const places = spots(map.members), taken = [...places.values()].map(([x, y]) => [x - dotted, y - dotted, x + dotted, y + dotted]);
  world.querySelector(".arcs").replaceChildren(...map.flows.filter((flow) => places.has(flow.member)).flatMap((flow) => {
    const from = spot(flow.at), far = flow.detour >= 1;
    const title = `${percent(flow.share)} of the clients, ${flow.country}, to ${flow.member}${far ? `, ${Math.round(flow.detour)} ms farther than the nearest` : ""}`;
    return [
      draw("path", { class: far ? "far" : "near", d: arc(from, places.get(flow.member)), "stroke-width": (0.8 + 5 * Math.sqrt(flow.share)).toFixed(1) }, draw("title", {}, title)),
      draw("circle", { class: "client", cx: from[0].toFixed(1), cy: from[1].toFixed(1), r: 1.6 })];
  }));
  world.querySelector(".hosts").replaceChildren(...map.members.filter((one) => places.has(one.name)).flatMap((one) => {
    const place = places.get(one.name), [x, y] = place.map((value) => value.toFixed(1));
    const dot = draw("circle", { class: `host ${levelOf(one)}`, cx: x, cy: y, r: dotted.toFixed(1) }, draw("title", {}, words(one)));
    return [...(one.short ? [draw("circle", { class: "buy", cx: x, cy: y, r: (1.8 * dotted).toFixed(1) })] : []), dot, ...labelled(one, place, taken)];
  }));
}
function showTable(map) {
  const clients = new Map();
  for (const { member, share, detour } of map.flows) {
    const [all, far] = clients.get(member) || [0, 0];
    clients.set(member, [all + share, far + (detour >= 1 ? share : 0)]);
  }
  const rows = map.members.slice(0, 100).map((one) => {
    const [all, far] = clients.get(one.name) || [0, 0];
    return make("tr", {}, make("th", { scope: "row" }, one.name), ...[
      one.used === null ? "–" : percent(one.used), one.price === null ? "–" : `${Math.round(one.price)} ms`,
      map.flows.length ? percent(all) : "–", map.spilled === null ? "–" : percent(far),
    ].map((text) => make("td", {}, text)));
  });
  $("map").querySelector("tbody").replaceChildren(...rows);
}
function showWorld(map) {
  const placed = map.members.some((one) => one.at);
  $("map").hidden = $("to-map").hidden = !placed && $("map-pool").options.length < 2;
  const parts = [map.flows.length ? "A sample of the resolvers that asked lately." : "Nobody has asked yet whose place is known."];
  if (map.spilled !== null) parts.unshift(`${percent(map.spilled)} of the clients spill to a farther member; ${Math.round(map.detour)} ms of detour in the mean.`);
  if (!placed) parts.unshift("No member of this pool has a place.");
  say($("map-sum"), parts.join(" "));
  $("buy").replaceChildren(...map.members.filter((one) => one.short).map((one) => make("li", {}, make("b", {}, `Buy capacity here: ${one.name}.`), ` Its price of ${Math.round(one.price)} ms stands above every detour: no other member is worth the way.`)));
  drawWorld(map);
  showTable(map);
}
async function showMap(tick) {
  const names = tick.pools.map((pool) => pool.name), select = $("map-pool");
  if (!names.length) { $("map").hidden = $("to-map").hidden = true; return; }
  if (!names.includes(chart.pool)) chart.pool = (tick.pools.find((pool) => pool.members.some((one) => one.price !== null)) || tick.pools[0]).name;
  if ([...select.options].map((one) => one.value).join() !== names.join()) select.replaceChildren(...names.map((name) => make("option", {}, name)));
  select.value = chart.pool;
  if (Date.now() - chart.at < 6000) return;
  chart.at = Date.now();
  try {
    const map = await told(`map?pool=${encodeURIComponent(chart.pool)}`);
    if (map.pool === chart.pool) showWorld((chart.drawn = map));
  } catch { /* the state of the connection is told elsewhere */ }
}
new ResizeObserver(() => { if (chart.drawn) drawWorld(chart.drawn); }).observe(world);
$("map-pool").addEventListener("change", (event) => {
  chart.pool = event.target.value;
  chart.at = 0;
  keep({ map: chart.pool });
  if (state.tick) showMap(state.tick);
});
