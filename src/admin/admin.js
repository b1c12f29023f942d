// What pages do beside what they do without it: suggest rows while somebody types, choose all rows of a
// page, and keep what was typed.

/** Suggests rows for what stands in a field. */
function suggest(field) {
  const list = document.createElement("datalist");
  list.id = `${field.id}-suggestions`;
  field.after(list);
  field.setAttribute("list", list.id);
  let asked = 0;
  field.addEventListener("input", async () => {
    const text = field.value.trim();
    const turn = ++asked;
    if (text.length < 2 || /#\d+$/.test(text)) return;
    await new Promise((done) => setTimeout(done, 150));
    if (turn !== asked) return;
    const answer = await fetch(`${field.dataset.suggest}?q=${encodeURIComponent(text)}`);
    if (turn !== asked || !answer.ok || answer.redirected) return;
    const rows = await answer.json();
    list.replaceChildren(...rows.map(({ value, label }) => Object.assign(document.createElement("option"), { value, label: `${value} ${label}` })));
  });
}

/** The box in the head of a table chooses all of its rows. */
function chooseAll(box) {
  const boxes = [...box.form.querySelectorAll('input[name="id"]')];
  const show = () => {
    const count = boxes.filter(({ checked }) => checked).length;
    box.checked = count === boxes.length;
    box.indeterminate = count > 0 && count < boxes.length;
  };
  box.hidden = false;
  box.addEventListener("change", () => boxes.forEach((one) => { one.checked = box.checked; }));
  boxes.forEach((one) => one.addEventListener("change", show));
  show();
}

/** Asks before what was typed is lost; and does not send it where nobody is logged in any more. */
function guard(form) {
  let isChanged = false;
  let isSent = false;
  form.addEventListener("input", () => { isChanged = true; });
  form.addEventListener("submit", async (event) => {
    if (!isSent) {
      event.preventDefault();
      const button = event.submitter;
      const answer = await fetch(form.dataset.login, { method: "HEAD", redirect: "manual" }).catch(() => null);
      const isOut = answer?.type === "opaqueredirect";
      form.querySelector("[data-out]").hidden = !isOut;
      if (isOut) return;
      isSent = true;
      form.requestSubmit(button);
      isSent = false;
      return;
    }
    isChanged = false;
  });
  addEventListener("beforeunload", (event) => { if (isChanged) event.preventDefault(); });
}

document.querySelectorAll("[data-suggest]").forEach(suggest);
document.querySelectorAll("[data-all]").forEach(chooseAll);
document.querySelectorAll("form[data-login]").forEach(guard);
