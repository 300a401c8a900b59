// Pools with their members, a page at a time; what is looked for, and in which state.
const PAGE = 25, STALE = 6000; // members of a page; ms after which one is asked for again
const KINDS = ["down", "over", "drain", "out", "up"];
const pools = new Map(), wanted = { find: address.get("find") || "", kind: address.get("kind") || "" };
const filter = $("filter"), chips = new Map();

function newPool(name) {
  const id = `pool ${name}`.replace(/[^\w.-]/g, "-");
  const pool = { name, rows: new Map(), first: 0, page: null, asked: "", root: make("section", { class: "card pool", id, tabindex: "-1", "aria-labelledby": `${id}-title` }) };
  pool.select = make("span", { class: "select" }); pool.names = make("span", { class: "names" });
  pool.loaded = make("span", { class: "sum" }); pool.alarm = make("p", { class: "alarm" });
  pool.list = make("ul"); pool.place = make("p", { class: "note" });
  pool.back = make("button", { type: "button", "aria-label": `Members of ${name} before these` }, "‹ Before");
  pool.next = make("button", { type: "button", "aria-label": `Members of ${name} after these` }, "After ›");
  pool.pager = make("div", { class: "pager" }, pool.back, pool.place, pool.next);
  pool.back.addEventListener("click", () => turn(pool, -PAGE));
  pool.next.addEventListener("click", () => turn(pool, PAGE));
  pool.root.append(make("div", { class: "head" }, make("h2", { id: `${id}-title` }, name), pool.select, pool.names, pool.loaded, pool.alarm), pool.list, pool.pager);
  told(`names?most=4&pool=${encodeURIComponent(name)}`).then((names) => {
    say(pool.names, names.slice(0, 3).map((one) => one.name).join(", ") + (names.length > 3 ? ", …" : ""));
  }).catch(() => {});
  return pool;
}
function turn(pool, by) {
  pool.first = Math.max(0, pool.first + by);
  pool.asked = "";
  showPool(pool, state.now);
}
function fits(pool, member) {
  const text = `${pool}/${member.name}`.toLowerCase();
  return wanted.find.toLowerCase().split(/\s+/).every((word) => text.includes(word) || member.addresses.some((one) => one.includes(word)));
}
// The page of a pool: out of what each tick tells, or asked for if it can't tell of all.
function pageOf(pool) {
  const { members, size } = pool.told;
  pool.large = members.length < size;
  if (pool.large) {
    look(pool);
    return pool.page || { found: size, counts: {}, members: members.slice(0, PAGE) };
  }
  const hits = members.filter((member) => fits(pool.name, member)), counts = {};
  for (const one of hits) counts[one.kind] = (counts[one.kind] || 0) + 1;
  const shown = wanted.kind ? hits.filter((one) => one.kind === wanted.kind) : hits;
  if (pool.first >= shown.length) pool.first = Math.max(0, PAGE * (Math.ceil(shown.length / PAGE) - 1));
  return { found: shown.length, counts, members: shown.slice(pool.first, pool.first + PAGE) };
}
async function look(pool) {
  const query = new URLSearchParams({ pool: pool.name, first: pool.first, most: PAGE, ...wanted }), now = Date.now();
  if (pool.asked === String(query) && now - pool.at < STALE) return;
  pool.asked = String(query);
  pool.at = now;
  try {
    const page = await told(`members?${query}`);
    if (pool.asked !== String(query)) return;
    pool.page = page;
    if (pool.first && !page.members.length) { turn(pool, -pool.first); return; }
    showPool(pool, state.now);
    showChips();
  } catch { /* the state of the connection is told elsewhere */ }
}
function showHead(pool) {
  const { select, members, usable, size, down, families_down: families, when_down: decides } = pool.told;
  const lacking = down ? pool.told.lacking : families.map((family) => `no usable ${family} address`).join(" and ");
  // A tick tells of the worst of a large pool alone, which say nothing of all.
  const known = members.length < size ? [] : members.filter((member) => member.load !== null);
  const room = sum(known.map((member) => member.capacity)), load = sum(known.map((member) => member.load));
  say(pool.select, select.join(" › "));
  say(pool.loaded, `${whole.format(usable)} of ${whole.format(size)} in use${room ? ` · ${Math.round((100 * load) / room)} % loaded` : ""}`);
  say(pool.alarm, lacking ? `${lacking[0].toUpperCase()}${lacking.slice(1)}: when_down = “${decides}” decides` : "");
  pool.loads = known.length > 0;
}
function showPool(pool, now) {
  showHead(pool);
  const page = pageOf(pool), rows = new Map();
  pool.counts = page.counts;
  const given = pool.told.members.map((member) => thinned(gains(state.handOuts.get(`${pool.name}/${member.name}`) || []), 3)).flat();
  pool.top = Math.max(0, ...given);
  pool.sum = sum(given);
  for (const member of page.members) {
    const row = pool.rows.get(member.name) || newMember(pool, member.name);
    rows.set(member.name, row);
    showMember(row, pool, member, now);
  }
  pool.rows = rows;
  sync(pool.list, [...rows.values()].map((row) => row.root));
  pool.root.hidden = !page.found && Boolean(wanted.find || wanted.kind);
  pool.pager.hidden = page.found <= PAGE;
  say(pool.place, `${whole.format(pool.first + 1)} to ${whole.format(Math.min(page.found, pool.first + PAGE))} of ${whole.format(page.found)}`);
  pool.back.disabled = pool.first === 0;
  pool.next.disabled = pool.first + PAGE >= page.found;
}
function chip(kind, text) {
  const button = make("button", { type: "button", "data-kind": kind });
  button.addEventListener("click", () => narrow({ kind: wanted.kind === kind ? "" : kind }));
  chips.set(kind, { button, text });
  filter.querySelector(".chips").append(button);
}
for (const [kind, text] of [["", "All"], ["down", "Down"], ["over", "Over"], ["drain", "Drained"], ["out", "Weight 0"], ["up", "Up"]]) chip(kind, text);
function showChips() {
  const counts = Object.fromEntries(KINDS.map((kind) => [kind, sum([...pools.values()].map((pool) => pool.counts?.[kind] || 0))]));
  for (const [kind, { button, text }] of chips) {
    const count = kind ? counts[kind] : sum(Object.values(counts));
    say(button, `${text} ${whole.format(count)}`);
    button.setAttribute("aria-pressed", String(wanted.kind === kind));
    button.hidden = Boolean(kind) && !count && wanted.kind !== kind;
  }
  $("nobody").hidden = !pools.size || [...pools.values()].some((pool) => !pool.root.hidden);
}
function showPools(tick) {
  const names = new Set(tick.pools.map((pool) => pool.name));
  for (const name of pools.keys()) if (!names.has(name)) pools.delete(name);
  for (const one of tick.pools) {
    if (!pools.has(one.name)) pools.set(one.name, newPool(one.name));
    const pool = pools.get(one.name);
    pool.told = one;
    showPool(pool, tick.now);
  }
  sync($("pools").querySelector(".list"), tick.pools.map((pool) => pools.get(pool.name).root));
  filter.hidden = !pools.size;
  $("empty").hidden = pools.size > 0;
  $("key").hidden = ![...pools.values()].some((pool) => pool.loads);
  showChips();
}
function narrow(change) {
  Object.assign(wanted, change);
  keep(wanted);
  for (const pool of pools.values()) {
    pool.first = 0;
    showPool(pool, state.now);
  }
  showChips();
}
let typing = 0;
filter.elements.find.value = wanted.find;
filter.elements.find.addEventListener("input", (event) => {
  clearTimeout(typing);
  typing = setTimeout(() => narrow({ find: event.target.value.trim() }), 120);
});
filter.addEventListener("submit", (event) => event.preventDefault());
$("nobody").querySelector("button").addEventListener("click", () => {
  filter.elements.find.value = "";
  narrow({ find: "", kind: "" });
  filter.elements.find.focus();
});
