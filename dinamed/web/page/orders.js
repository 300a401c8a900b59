// The dialog for an order: state, end, reason, and what will become of the clients.
const dialog = $("order"), form = dialog.querySelector("form"), refusal = dialog.querySelector(".wrong");
const USUAL = "2h";
let asked = null, token = "";

function ask(pool, member) {
  asked = { pool, member };
  say($("order-title"), `Order for ${pool.name}/${member.name}`);
  say($("order-now"), `Now ${member.state}${whyOf(member, state.now) ? `: ${whyOf(member, state.now)}` : ""}`);
  form.elements.state.value = member.order === "auto" ? "drain" : "auto";
  form.elements.for.value = USUAL;
  form.elements.reason.value = "";
  say(refusal, "");
  foretell();
  dialog.showModal();
  form.querySelector("input:checked").focus();
}
function foretell() {
  const order = form.elements.state.value, text = form.elements.for.value.trim(), ends = seconds(text);
  $("order-for").hidden = order === "auto";
  say($("order-end"), !text ? "It stays until ordered otherwise." : ends ? `It ends at ${clock(Date.now() / 1000 + ends).slice(0, -3)}.` : "A span of time is 90s, 15m, 2h or 1d.");
  say($("order-effect"), order === "drain" || order === "down" ? effect() : "");
}
function effect() {
  const { pool, member } = asked, { usable, when_down: decides } = pool.told;
  if (member.reason) return "It has no clients now.";
  if (usable > 1) return `Its clients go to ${usable === 2 ? "the other member" : `${whole.format(usable - 1)} other members`} as answers run out.`;
  const then = { all: "all members are handed out", none: "its names have no address", last: "those usable last are handed out" };
  return `This is the last usable member of ${pool.name}. Without it ${then[decides] || `pool ${decides} stands in`}.`;
}
form.addEventListener("input", foretell);
// It submits nothing, so that Enter in the form means the other button.
form.querySelector("[value=cancel]").addEventListener("click", () => dialog.close());
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { pool, member } = asked, body = { state: form.elements.state.value }, text = form.elements.for.value.trim();
  if (body.state !== "auto" && text) body.for = seconds(text);
  if (body.for === null) { form.elements.for.focus(); say(refusal, "For how long? 90s, 15m, 2h, 1d or nothing."); return; }
  if (form.elements.reason.value.trim()) body.reason = form.elements.reason.value.trim();
  token = form.elements.token.value || token;
  const headers = { "Content-Type": "application/json" };
  if (token) headers.Authorization = `Bearer ${token}`;
  try {
    const path = `/api/v1/pools/${encodeURIComponent(pool.name)}/members/${encodeURIComponent(member.name)}`;
    const reply = await fetch(path, { method: "PUT", headers, body: JSON.stringify(body) });
    const answer = await reply.json();
    if (reply.ok) {
      say($("news"), `${pool.name}/${member.name}: ${answer.state}${answer.effect ? `. ${answer.effect}` : ""}`);
      Object.assign(member, { state: answer.state, order: answer.order, until: answer.until, reason: answer.reason, by: answer.by, order_reason: answer.order_reason });
      const row = pool.rows.get(member.name);
      if (row) showMember(row, pool, member, Date.now() / 1000);
      pool.asked = "";
      dialog.close();
      return;
    }
    say(refusal, answer.error);
    if (reply.status === 401 || (reply.status === 403 && token)) {
      token = "";
      $("order-token").hidden = false;
      form.elements.token.value = "";
      form.elements.token.focus();
    }
  } catch (error) {
    say(refusal, `The server was not reached: ${error.message}`);
  }
});
