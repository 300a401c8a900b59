// The right column: events, the last reload, the fleet, zones, keys, countries.
const regions = new Intl.DisplayNames(["en"], { type: "region", fallback: "none" });
const FEW = 8;
const events = { last: 0, all: [], most: FEW };

async function showEvents(last) {
  if (last === events.last) return;
  const since = last < events.last ? 0 : events.last; // numbers begin anew with each process
  events.last = last;
  try {
    const fresh = await told(`events?since=${since}`);
    events.all = [...(since ? events.all : []), ...fresh].slice(-1000);
  } catch {
    events.last = 0;
    return;
  }
  listEvents();
  const reload = events.all.findLast((one) => one.kind === "reload" && !one.subject);
  say($("reloaded"), reload ? `Last reload ${clock(reload.at)}: ${reload.text}${reload.reason ? ` (${reload.reason})` : ""}` : "Not reloaded since the start.");
  showZones();
}
function listEvents() {
  $("events").replaceChildren(...events.all.slice(-events.most).reverse().map((one) => {
    const who = one.by ? ` by ${one.by}` : "", why = one.reason ? ` (${one.reason})` : "";
    return make("li", { "data-kind": one.kind },
      make("time", { datetime: new Date(1000 * one.at).toISOString() }, clock(one.at)), ` ${one.kind} `,
      make("b", {}, one.subject), ` ${one.text.replace(/ until (\d+)$/, (_, at) => ` until ${clock(at).slice(0, -3)}`)}${who}${why}`);
  }));
  $("more-events").hidden = events.all.length <= events.most;
}
$("more-events").addEventListener("click", () => { events.most += 40; listEvents(); });

async function showZones() {
  try {
    const { found, zones } = await told("zones?most=8");
    $("zones").hidden = !found;
    $("zones").querySelector("ul").replaceChildren(...zones.map((zone) => make("li", {}, make("b", {}, zone.name), make("span", {}, ` serial ${zone.serial}, ${whole.format(zone.records)} records`))));
    say($("zones").querySelector(".note"), found > zones.length ? `and ${whole.format(found - zones.length)} more` : "");
  } catch { /* the state of the connection is told elsewhere */ }
}
function showCountries(countries) {
  const all = sum(countries.map(([, count]) => count)), known = countries.some(([code]) => code && code !== "??");
  $("countries").hidden = !known;
  if (!known) return;
  $("countries").querySelector("ul").replaceChildren(...countries.map(([code, count]) => {
    const name = code === "" ? "others" : code === "??" ? "unknown" : regions.of(code) || code, bar = make("i");
    bar.style.width = `${(100 * count) / all}%`;
    return make("li", {}, make("span", {}, name), make("span", { class: "bar", "aria-hidden": "true" }, bar), make("span", {}, percent(count / all)));
  }));
}
async function showFleet() {
  if (document.hidden) return;
  try {
    const fleet = await told("fleet"), card = $("fleet"), now = Date.now() / 1000;
    if (!fleet.name) { clearInterval(fleetTimer); return; }
    card.hidden = false;
    say(card.querySelector("p"), `${fleet.mode} for ${span(now - fleet.since)}: ${fleet.why}`);
    card.querySelector("ul").replaceChildren(...fleet.servers.map((one) => {
      const parts = [one.region, one.self ? "this server" : one.live ? "live" : "not heard of"];
      if (one.lag !== null) parts.push(`lag ${one.lag.toFixed(1)} s`);
      if (one.pools_differ.length) parts.push("other config");
      return make("li", {}, make("b", {}, one.server), ` ${parts.filter(Boolean).join(", ")}`);
    }));
  } catch { /* the state of the connection is told elsewhere */ }
}
const fleetTimer = setInterval(showFleet, 5000);
showFleet();

// Keys change over days: once a minute is often enough.
async function showSigning() {
  if (document.hidden) return;
  try {
    const zones = await told("dnssec"), now = Date.now() / 1000;
    $("signing").hidden = !zones.length;
    $("signing").querySelector("ul").replaceChildren(...zones.map((zone) => {
      const waits = zone.waiting.map((one) => `waits for ${one.what} (${span(now - one.since)})`);
      const good = zone.expires === null ? [] : [`signatures are good for ${span(zone.expires - now)}`];
      const tags = zone.keys.filter((key) => key.published).map((key) => key.tag).join(", ");
      const row = make("li", {}, make("b", {}, zone.zone), ` ${zone.signed ? `key ${tags}` : "not signed"}`);
      if (zone.problem) row.append(make("p", { class: "wrong" }, zone.problem));
      for (const text of [...waits, ...good]) row.append(make("p", { class: "note" }, text));
      return row;
    }));
  } catch { /* the state of the connection is told elsewhere */ }
}
showSigning();
setInterval(showSigning, 60000);
