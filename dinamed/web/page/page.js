"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const SVG = "http://www.w3.org/2000/svg";
  const regions = new Intl.DisplayNames(["en"], { type: "region", fallback: "none" });
  const whole = new Intl.NumberFormat("en");
  const short = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });
  const state = { step: 2, points: 150, questions: [], handOuts: new Map(), fresh: true, rows: new Map(), pools: new Map(), token: "", known: new Map() };

  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  };
  const say = (element, text) => { if (element.textContent !== text) element.textContent = text; };
  const number = (value) => (value >= 10000 ? short.format(value) : String(Number(value.toPrecision(3))));
  const span = (seconds) => {
    const units = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
    for (let at = 0; at < units.length - 1; at++) {
      const [name, size] = units[at], [next, smaller] = units[at + 1];
      if (seconds >= size) return `${Math.floor(seconds / size)} ${name} ${Math.floor((seconds % size) / smaller)} ${next}`;
    }
    return `${Math.max(0, Math.round(seconds))} s`;
  };
  const gains = (totals) => totals.slice(1).map((total, at) => Math.max(0, total - totals[at]));

  function draw(svg, values, width, top = Math.max(...values)) {
    top = Math.max(top, 1e-9);
    const left = width - values.length;
    const points = values.map((value, at) => `${left + at},${(30 - (28 * value) / top).toFixed(1)}`);
    svg.setAttribute("viewBox", `0 0 ${width - 1} 30`);
    const line = points.length > 1 ? `M${points.join("L")}` : "";
    svg.querySelector(".line").setAttribute("d", line);
    svg.querySelector(".area").setAttribute("d", line && `${line}V30H${left}Z`);
  }
  function thinned(values, by) {
    const sums = [];
    for (let end = values.length; end > 0; end -= by) sums.unshift(values.slice(Math.max(0, end - by), end).reduce((a, b) => a + b, 0));
    return sums;
  }
  function trend() {
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("class", "spark");
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("role", "img");
    for (const name of ["area", "line"]) {
      const path = document.createElementNS(SVG, "path");
      path.setAttribute("class", name);
      svg.append(path);
    }
    return svg;
  }

  function newMember(pool, name) {
    const row = { root: make("li", { class: "member" }), name: make("b", {}, name), badge: make("span", { class: "badge" }), why: make("p", { class: "why" }) };
    row.meter = make("div", { class: "meter", role: "meter", "aria-valuemin": "0" });
    row.predicted = make("i", { class: "predicted" });
    row.load = make("i", { class: "load" });
    row.meter.append(row.predicted, row.load);
    row.share = make("span"); row.amount = make("span");
    row.spark = trend(); row.given = make("p", { class: "given" });
    row.button = make("button", { type: "button" });
    row.button.addEventListener("click", () => ask(pool, name, row.member));
    row.root.append(
      make("div", { class: "who" }, row.name, row.badge, row.why),
      make("div", { class: "use" }, row.meter, make("p", { class: "told" }, row.amount, row.share)),
      make("div", { class: "hands" }, row.spark, row.given),
      make("div", { class: "act" }, row.button));
    return row;
  }
  function describe(meter, label, most, value, text) {
    meter.setAttribute("aria-label", label);
    meter.setAttribute("aria-valuemax", most);
    meter.setAttribute("aria-valuenow", Math.min(most, value));
    meter.setAttribute("aria-valuetext", text);
  }
  function totalsOf(pool, member) { return state.handOuts.get(`${pool}\n${member}`) || []; }
  function level(use) { return use >= 0.9 ? "bad" : use >= 0.7 ? "warn" : "good"; }
  function showMember(row, pool, member, now) {
    const { top, sum, loads } = pool;
    row.member = member;
    row.root.dataset.state = row.badge.dataset.state = member.state;
    say(row.badge, member.state);
    const parts = [member.reason];
    if (member.order === "up") parts.push("up by order");
    if (member.until !== null) parts.push(`${span(member.until - now)} more`);
    for (const [address, why] of Object.entries(member.addresses_out ?? {})) parts.push(`${address} is out: ${why}`);
    if (member.feed_failure) parts.push(`no load: ${member.feed_failure}`);
    say(row.why, parts.filter(Boolean).join(" · "));
    const load = member.load, predicted = member.predicted, room = member.capacity || 1;
    const use = load === null ? null : load / room, ahead = predicted === null ? null : predicted / room;
    row.load.style.width = `${100 * Math.min(1, use || 0)}%`;
    row.predicted.style.width = `${100 * Math.min(1, ahead || 0)}%`;
    row.load.dataset.level = level(use || 0);
    row.predicted.dataset.level = level(ahead || 0);
    const totals = totalsOf(pool.name, member.name), given = gains(totals);
    row.meter.classList.toggle("shares", !loads);
    if (loads) {
      say(row.amount, use === null ? "no report" : `${number(load)} of ${number(room)}`);
      say(row.share, ahead !== null ? `${use === null ? "" : `${Math.round(100 * use)} % → `}${Math.round(100 * ahead)} %` : use === null ? `weight ${number(member.weight)}` : `${Math.round(100 * use)} %`);
      describe(row.meter, `Load of ${member.name}`, room, load ?? 0, `${row.amount.textContent}${ahead === null ? "" : `, ${Math.round(100 * ahead)} percent predicted`}`);
    } else {
      const share = (100 * given.reduce((a, b) => a + b, 0)) / (sum || 1);
      row.load.dataset.level = "share";
      row.load.style.width = `${share}%`;
      say(row.amount, `${share > 0 && share < 10 ? share.toFixed(1) : Math.round(share)} % of ${pool.partly ? "those shown" : "the hand-outs"}`);
      say(row.share, `weight ${number(member.weight)}`);
      describe(row.meter, `Share of ${member.name}`, 100, share, row.amount.textContent);
    }
    draw(row.spark, thinned(given, 3), Math.ceil(state.points / 3), top);
    const recent = given.slice(-5), minutes = Math.max(1, Math.round((totals.length * state.step) / 60));
    const rate = recent.reduce((a, b) => a + b, 0) / Math.max(1, recent.length * state.step);
    say(row.given, `${number(rate)} hand-outs/s`);
    row.spark.setAttribute("aria-label", `Hand-outs of the last ${minutes} minutes: ${whole.format(given.reduce((a, b) => a + b, 0))}, ${number(rate)} a second now`);
    row.root.title = `${whole.format(member.hand_outs)} hand-outs in all`;
    say(row.button, member.order === "auto" ? "Drain…" : "Enable…");
    row.button.setAttribute("aria-label", `${member.order === "auto" ? "Drain" : "Enable"} ${pool.name}/${member.name}`);
    const key = `${pool.name}/${member.name}`, before = state.known.get(key);
    if (before !== undefined && before !== member.state) say($("news"), `${key} is now ${member.state}${member.reason ? `: ${member.reason}` : ""}`);
    state.known.set(key, member.state);
  }
  function newPool(name) {
    const id = `pool-${state.pools.size}-${Math.random().toString(36).slice(2)}`;
    const pool = { root: make("section", { class: "card pool", "aria-labelledby": id }), select: make("span", { class: "select" }), loaded: make("span", { class: "sum" }), alarm: make("p", { class: "alarm" }), list: make("ul"), more: make("p", { class: "note" }), rows: new Map() };
    pool.root.append(make("div", {}, make("h2", { id }, name), pool.select, pool.loaded, pool.alarm), pool.list, pool.more);
    return pool;
  }
  function sync(parent, wanted) {
    wanted.forEach((element, at) => { if (parent.children[at] !== element) parent.insertBefore(element, parent.children[at] || null); });
    while (parent.children.length > wanted.length) parent.lastElementChild.remove();
  }
  function showPool(told, now) {
    let pool = state.pools.get(told.name);
    if (!pool) state.pools.set(told.name, (pool = newPool(told.name)));
    say(pool.select, told.select.join(" › "));
    const known = told.members.filter((member) => member.load !== null);
    const room = known.reduce((sum, member) => sum + member.capacity, 0), load = known.reduce((sum, member) => sum + member.load, 0);
    say(pool.loaded, `${told.usable} of ${told.size} in use${room ? ` · ${Math.round((100 * load) / room)} % loaded` : ""}`);
    pool.usable = told.usable;
    pool.whenDown = told.when_down;
    const families = told.families_down.map((family) => `no usable ${family} address`).join(" and ");
    const lacking = told.down ? told.lacking : families;
    say(pool.alarm, lacking ? `${lacking[0].toUpperCase()}${lacking.slice(1)}: when_down = “${told.when_down}” decides` : "");
    say(pool.more, told.members.length < told.size ? `${whole.format(told.members.length)} of ${whole.format(told.size)} members are shown; those that are out come first.` : "");
    pool.more.hidden = !pool.more.textContent;
    const given = told.members.map((member) => thinned(gains(totalsOf(told.name, member.name)), 3));
    pool.name = told.name;
    pool.loads = known.length > 0;
    pool.partly = told.members.length < told.size;
    pool.root.classList.toggle("many", told.members.length > 12);
    pool.top = Math.max(0, ...given.flat());
    pool.sum = given.flat().reduce((a, b) => a + b, 0);
    const rows = new Map();
    for (const member of told.members) {
      const row = pool.rows.get(member.name) || newMember(told.name, member.name);
      rows.set(member.name, row);
      showMember(row, pool, member, now);
    }
    pool.rows = rows;
    sync(pool.list, [...rows.values()].map((row) => row.root));
    return pool.root;
  }
  function showCountries(countries) {
    const sum = countries.reduce((all, [, count]) => all + count, 0);
    const known = countries.some(([code]) => code && code !== "??");
    $("countries").hidden = !known;
    if (!known) return;
    const items = countries.map(([code, count]) => {
      const name = code === "" ? "others" : code === "??" ? "unknown" : regions.of(code) || code;
      const bar = make("i"), share = (100 * count) / sum;
      bar.style.width = `${share}%`;
      return make("li", {}, make("span", {}, name), make("span", { class: "bar", "aria-hidden": "true" }, bar), make("span", {}, `${share < 10 ? share.toFixed(1) : Math.round(share)} %`));
    });
    $("countries").querySelector("ul").replaceChildren(...items);
  }
  function showTick(tick) {
    if (!state.fresh) {
      remember(state.questions, tick.questions);
      for (const pool of tick.pools) for (const member of pool.members) {
        const key = `${pool.name}\n${member.name}`;
        if (!state.handOuts.has(key)) state.handOuts.set(key, []);
        remember(state.handOuts.get(key), member.hand_outs);
      }
    }
    state.fresh = false;
    document.title = `${tick.identity} · dinamed`;
    say($("identity"), tick.identity);
    say($("about"), `dinamed ${tick.version} · up ${span(tick.up)}`);
    const rates = gains(state.questions).map((gain) => gain / state.step);
    const rate = rates.length ? rates[rates.length - 1] : 0, peak = Math.max(0, ...rates);
    say($("rate"), number(rate));
    say($("peak"), rates.length ? `most ${number(peak)} in ${span(rates.length * state.step)}` : "");
    draw($("questions"), rates, state.points);
    $("questions").setAttribute("aria-label", `Questions a second: ${number(rate)} now, at most ${number(peak)} in the last minutes`);
    say($("total"), short.format(tick.questions));
    say($("failures"), tick.failures ? `${whole.format(tick.failures)} failed` : "none failed");
    const usable = tick.pools.reduce((sum, pool) => sum + pool.usable, 0), size = tick.pools.reduce((sum, pool) => sum + pool.size, 0);
    say($("usable"), whole.format(usable));
    say($("out"), size > usable ? `${whole.format(size - usable)} of ${whole.format(size)} out` : `all of ${tick.pools.length} ${tick.pools.length === 1 ? "pool" : "pools"}`);
    say($("connections"), whole.format(tick.connections));
    say($("zones"), `${whole.format(tick.zones)} ${tick.zones === 1 ? "zone" : "zones"}`);
    showCountries(tick.countries);
    sync($("pools"), tick.pools.map((pool) => showPool(pool, tick.now)));
  }
  function remember(points, value) {
    points.push(value);
    if (points.length > state.points) points.shift();
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
      const told = JSON.parse(event.data);
      Object.assign(state, { step: told.step, points: told.points, questions: told.questions, fresh: true, handOuts: new Map() });
      for (const [pool, members] of Object.entries(told.hand_outs)) for (const [member, totals] of Object.entries(members)) state.handOuts.set(`${pool}\n${member}`, totals);
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

  const dialog = $("order"), form = dialog.querySelector("form"), wrong = dialog.querySelector(".wrong");
  let asked = null;
  function ask(pool, name, member) {
    asked = { pool, name };
    say($("order-title"), `Order for ${pool}/${name}`);
    form.elements.state.value = member.order === "auto" ? "drain" : "auto";
    form.elements.for.value = "";
    say(wrong, "");
    timed();
    dialog.showModal();
    form.querySelector("input:checked").focus();
  }
  function timed() {
    const wanted = form.elements.state.value;
    $("order-for").hidden = wanted === "auto";
    say($("order-effect"), wanted === "drain" || wanted === "down" ? lastUsable() : "");
  }
  function lastUsable() {
    const pool = asked && state.pools.get(asked.pool), row = pool && pool.rows.get(asked.name);
    if (!row || pool.usable !== 1 || row.member.state !== "up" || !row.member.weight) return "";
    const then = { all: "all members are handed out", none: "its names have no address", last: "those usable last are handed out" };
    return `This is the last usable member of ${asked.pool}. Without it ${then[pool.whenDown] || `pool ${pool.whenDown} stands in`}.`;
  }
  form.addEventListener("change", timed);
  form.addEventListener("submit", async (event) => {
    if (event.submitter && event.submitter.value === "cancel") return;
    event.preventDefault();
    const body = { state: form.elements.state.value };
    if (body.state !== "auto" && form.elements.for.value) body.for = Number(form.elements.for.value);
    state.token = form.elements.token.value || state.token;
    const headers = { "Content-Type": "application/json" };
    if (state.token) headers.Authorization = `Bearer ${state.token}`;
    try {
      const path = `/api/v1/pools/${encodeURIComponent(asked.pool)}/members/${encodeURIComponent(asked.name)}`;
      const reply = await fetch(path, { method: "PUT", headers, body: JSON.stringify(body) });
      const told = await reply.json();
      if (reply.ok) {
        say($("news"), `${asked.pool}/${asked.name}: ${told.state}${told.effect ? `. ${told.effect}` : ""}`);
        const pool = state.pools.get(asked.pool), row = pool && pool.rows.get(asked.name);
        if (row) showMember(row, pool, { ...row.member, state: told.state, order: told.order, until: told.until, reason: told.reason }, Date.now() / 1000);
        dialog.close();
        return;
      }
      say(wrong, told.error);
      if (reply.status === 401 || (reply.status === 403 && state.token)) {
        state.token = "";
        $("order-token").hidden = false;
        form.elements.token.value = "";
        form.elements.token.focus();
      }
    } catch (error) {
      say(wrong, `The server was not reached: ${error.message}`);
    }
  });

  $("explain").addEventListener("submit", async (event) => {
    event.preventDefault();
    const data = new FormData(event.target), query = new URLSearchParams();
    for (const [name, value] of data) if (value.trim()) query.set(name, value.trim());
    const out = $("explained");
    try {
      const reply = await fetch(`/api/v1/explain?${query}`);
      const told = await reply.json();
      if (!reply.ok) { out.replaceChildren(make("p", { class: "wrong" }, told.error)); return; }
      const steps = told.steps.map((step) => make("li", {}, make("b", {}, step.topic), step.text));
      const scope = told.scope === null ? "" : `, scope /${told.scope}`;
      const records = [...told.answer, ...told.authority, ...told.additional];
      out.replaceChildren(
        make("ol", { "aria-label": "Steps to the answer" }, ...steps),
        make("pre", { tabindex: "0", "aria-label": "The answer" }, [`${told.rcode}${told.authoritative ? " aa" : ""}${scope}`, ...records].join("\n")));
    } catch (error) {
      out.replaceChildren(make("p", { class: "wrong" }, `The server was not reached: ${error.message}`));
    }
  });
  async function showFleet() {
    if (document.hidden) return;
    try {
      const reply = await fetch("/api/v1/fleet");
      if (!reply.ok) return;
      const told = await reply.json(), card = $("fleet"), now = Date.now() / 1000;
      if (!told.name) { clearInterval(fleet); return; }
      card.hidden = false;
      say(card.querySelector("p"), `${told.mode} for ${span(now - told.since)}: ${told.why}`);
      card.querySelector("ul").replaceChildren(...told.servers.map((one) => {
        const parts = [one.region, one.self ? "this server" : one.live ? "live" : "not heard of"];
        if (one.lag !== null) parts.push(`lag ${one.lag.toFixed(1)} s`);
        if (one.pools_differ.length) parts.push("other config");
        return make("li", {}, make("b", {}, one.server), ` ${parts.filter(Boolean).join(", ")}`);
      }));
    } catch { /* the state of the connection is told elsewhere */ }
  }
  const fleet = setInterval(showFleet, 5000);
  showFleet();

  // Keys change over days: once a minute is often enough.
  async function signing() {
    if (document.hidden) return;
    try {
      const reply = await fetch("/api/v1/dnssec");
      if (!reply.ok) return;
      const zones = await reply.json(), now = Date.now() / 1000;
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
    } catch { /* the line at the top says that the server is gone */ }
  }
  signing();
  setInterval(signing, 60000);
  document.addEventListener("visibilitychange", () => (document.hidden ? leave() : watch()));
  addEventListener("pagehide", leave);
  addEventListener("pageshow", watch);
})();
