// One member: a row with its state, load, hand-outs, and the button for orders.
const MOST_SHOWN = 1.5; // the share of the capacity at which a bar ends

function newMember(pool, name) {
  const row = { root: make("li", { class: "member" }), badge: make("span", { class: "badge" }), why: make("p", { class: "why" }) };
  row.meter = make("div", { class: "meter", role: "meter", "aria-valuemin": "0" });
  row.predicted = make("i", { class: "predicted" });
  row.load = make("i", { class: "load" });
  row.meter.append(row.predicted, row.load);
  row.amount = make("span"); row.share = make("span");
  row.spark = spark(); row.given = make("p", { class: "given" });
  row.button = make("button", { type: "button" });
  row.button.addEventListener("click", () => ask(pool, row.member));
  row.root.append(
    make("div", { class: "who" }, make("b", {}, name), row.badge, row.why),
    make("div", { class: "use" }, row.meter, make("p", { class: "told" }, row.amount, row.share)),
    make("div", { class: "hands" }, row.spark, row.given),
    make("div", { class: "act" }, row.button));
  return row;
}
function whyOf(member, now) {
  const parts = [member.reason];
  if (member.order === "up") parts.push(`up by order${member.by ? ` of ${member.by}` : ""}`);
  if (member.order_reason && !member.reason.includes(member.order_reason)) parts.push(`“${member.order_reason}”`);
  if (member.until !== null) parts.push(`until ${clock(member.until).slice(0, -3)}, ${span(member.until - now)} more`);
  for (const [one, why] of Object.entries(member.addresses_out ?? {})) parts.push(`${one} is out: ${why}`);
  if (member.feed_failure) parts.push(`no load: ${member.feed_failure}`);
  return parts.filter(Boolean).join(" · ");
}
function describe(meter, label, most, value, text) {
  meter.setAttribute("aria-label", label);
  meter.setAttribute("aria-valuemax", most);
  meter.setAttribute("aria-valuenow", Math.min(most, value));
  meter.setAttribute("aria-valuetext", text);
}
function width(bar, share) {
  bar.style.width = `${(100 * Math.min(MOST_SHOWN, share || 0)) / MOST_SHOWN}%`;
  bar.dataset.level = level(share || 0);
}
function showLoad(row, member) {
  const room = member.capacity || 1, load = member.load;
  const use = load === null ? null : load / room, ahead = member.predicted === null ? null : member.predicted / room;
  width(row.load, use);
  width(row.predicted, ahead);
  row.meter.classList.toggle("beyond", Math.max(use || 0, ahead || 0) > MOST_SHOWN);
  say(row.amount, use === null ? "no report" : `${number(load)} of ${number(room)}`);
  const shares = [use, ahead].filter((share) => share !== null).map((share) => `${Math.round(100 * share)} %`);
  const price = member.price >= 0.5 ? `price ${Math.round(member.price)} ms · ` : "";
  say(row.share, price + (shares.join(" → ") || `weight ${number(member.weight)}`));
  describe(row.meter, `Load of ${member.name}`, room * MOST_SHOWN, load ?? 0,
    `${row.amount.textContent}${ahead === null ? "" : `, ${Math.round(100 * ahead)} percent predicted`}`);
}
function showShare(row, pool, member, given) {
  const share = sum(given) / (pool.sum || 1);
  row.load.style.width = `${100 * share}%`;
  row.load.dataset.level = "share";
  row.predicted.style.width = "0";
  row.meter.classList.remove("beyond");
  say(row.amount, given.length ? `${percent(share)} of ${pool.large ? "those shown" : "the hand-outs"}` : "");
  say(row.share, `weight ${number(member.weight)}`);
  describe(row.meter, `Share of ${member.name}`, 100, 100 * share, row.amount.textContent || "not known");
}
function showHandOuts(row, pool, member, totals) {
  const given = gains(totals), recent = given.slice(-5);
  row.spark.classList.toggle("unseen", !given.length);
  if (!given.length) {
    say(row.given, `${short.format(member.hand_outs)} hand-outs`);
    row.spark.setAttribute("aria-label", "no hand-outs are known yet");
    return;
  }
  const rate = sum(recent) / (recent.length * state.step), minutes = Math.max(1, Math.round((totals.length * state.step) / 60));
  line(row.spark, thinned(given, 3), Math.ceil(state.points / 3), pool.top);
  say(row.given, `${number(rate)}/s`);
  row.spark.setAttribute("aria-label", `Hand-outs of the last ${minutes} minutes: ${whole.format(sum(given))}, ${number(rate)} a second now`);
}
function announce(key, member) {
  const before = state.known.get(key);
  if (before !== undefined && before !== member.state) say($("news"), `${key} is now ${member.state}${member.reason ? `: ${member.reason}` : ""}`);
  state.known.set(key, member.state);
}
function showMember(row, pool, member, now) {
  const key = `${pool.name}/${member.name}`, totals = state.handOuts.get(key) || [];
  row.member = member;
  row.root.dataset.state = row.badge.dataset.state = member.state;
  row.root.dataset.kind = member.kind;
  say(row.badge, member.kind === "over" ? "over" : member.state);
  row.badge.dataset.state = member.kind === "over" ? "down" : member.state;
  say(row.why, whyOf(member, now));
  row.meter.classList.toggle("shares", !pool.loads);
  if (pool.loads) showLoad(row, member);
  else showShare(row, pool, member, gains(totals));
  showHandOuts(row, pool, member, totals);
  row.root.title = `${whole.format(member.hand_outs)} hand-outs in all; ${member.addresses.join(", ")}`;
  const free = member.order === "auto";
  say(row.button, free ? "Drain…" : "Auto…");
  row.button.setAttribute("aria-label", `${free ? "Drain…" : "Auto…"} ${key}`);
  announce(key, member);
}
