// Why a client gets its answer; with names to choose from, and a link to what was asked.
const question = $("explain"), explained = $("explained");

async function explain() {
  const query = new URLSearchParams();
  for (const [name, value] of new FormData(question)) if (value.trim()) query.set(name, value.trim());
  keep({ name: query.get("name"), type: query.get("type"), client: query.get("client") });
  try {
    const answer = await told(`explain?${query}`);
    const steps = answer.steps.map((step) => make("li", {}, make("b", {}, step.topic), step.text));
    const scope = answer.scope === null ? "" : `, scope /${answer.scope}`;
    const records = [...answer.answer, ...answer.authority, ...answer.additional];
    const copy = make("button", { type: "button" }, "Copy a link to this");
    copy.addEventListener("click", () => copyLink(copy));
    explained.replaceChildren(
      make("ol", { "aria-label": "Steps to the answer" }, ...steps),
      make("pre", { tabindex: "0", role: "region", "aria-label": "The answer" }, [`${answer.rcode}${answer.authoritative ? " aa" : ""}${scope}`, ...records].join("\n")),
      copy);
  } catch (error) {
    explained.replaceChildren(make("p", { class: "wrong" }, error.message));
  }
}
async function copyLink(button) {
  const link = new URL(location.href);
  try {
    await navigator.clipboard.writeText(link.href);
    say(button, "Copied");
  } catch {
    // Without HTTPS a browser lends no clipboard: then the link can be marked.
    const field = make("input", { readonly: "", value: link.href, "aria-label": "Link to this explanation" });
    button.replaceWith(field);
    field.focus();
    field.select();
  }
}
let suggesting = 0;
function suggest() {
  clearTimeout(suggesting);
  suggesting = setTimeout(async () => {
    try {
      const names = await told(`names?find=${encodeURIComponent(question.elements.name.value.trim())}`);
      $("names").replaceChildren(...names.map((one) => make("option", { value: one.name, label: `${one.name}, pool ${one.pool}` })));
    } catch { /* then there are no suggestions */ }
  }, 120);
}
question.elements.name.addEventListener("focus", suggest);
question.elements.name.addEventListener("input", suggest);
question.addEventListener("submit", (event) => {
  event.preventDefault();
  explain();
});
for (const name of ["name", "type", "client"]) if (address.get(name)) question.elements[name].value = address.get(name);
if (address.get("name")) explain();
