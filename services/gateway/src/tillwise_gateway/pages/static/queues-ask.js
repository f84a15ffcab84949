// Asks before something is done that cannot be undone, with the number of jobs that are meant. Without it, a page asks before bulk changes.
const dialog = document.getElementById("ask");
const status = document.getElementById("status");

function ask(question) {
  document.getElementById("ask-text").textContent = question;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((answered) => dialog.addEventListener("close", () => answered(dialog.returnValue === "yes"), { once: true }));
}

const jobs = (count) => `${count.toLocaleString("en")} ${count === 1 ? "job" : "jobs"}`;

function question(button, form) {
  const verb = button.dataset.confirm;
  if (form.elements.schedule) return `${verb} the schedule ${form.elements.schedule.value}? Its jobs stay.`;
  if (button.dataset.single !== undefined) return `${verb} this job?`;
  return `${verb} ${jobs(form.querySelectorAll("input[name=ids]:checked").length)}?`;
}

async function bulk(form) {
  const fields = new FormData(form);
  const wish = { action: fields.get("action"), state: fields.get("state"), older_than: Number(fields.get("older_than") ?? 0) };
  const answer = await fetch(form.dataset.bulk, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ ...wish, dry_run: true }),
  });
  const told = await answer.json();
  if (!answer.ok) {
    status.textContent = told.detail;
    return;
  }
  const chosen = (name) => form.elements[name]?.selectedOptions[0].textContent ?? "";
  const age = wish.older_than ? ` ${chosen("older_than")}` : "";
  if (!told.meant) status.textContent = `There is no such job${age}.`;
  else if (await ask(`${chosen("action").replace(/ all$/, "")} ${jobs(told.meant)} (${form.dataset.stateTitle}${age})?`)) send({ ...wish, do: "bulk" });
}

function send(fields) {
  const form = document.createElement("form");
  form.method = "post";
  form.action = location.pathname;
  for (const [name, value] of Object.entries(fields)) {
    const input = document.createElement("input");
    Object.assign(input, { type: "hidden", name, value });
    form.append(input);
  }
  document.body.append(form);
  form.submit();
}

document.addEventListener("submit", async (event) => {
  const form = event.target, button = event.submitter;
  if (form.dataset.bulk) {
    event.preventDefault();
    await bulk(form);
  } else if (form.id === "jobs" && button && !form.querySelector("input[name=ids]:checked")) {
    event.preventDefault();
    status.textContent = "Choose jobs first.";
  } else if (button?.dataset.confirm && !button.dataset.sure) {
    event.preventDefault();
    if (await ask(question(button, form))) {
      button.dataset.sure = "yes";
      form.requestSubmit(button);
    }
  }
});
