// The dashboard by keyboard: / searches, j and k move, Enter opens, x chooses, r retries, u goes up, ? shows the keys.
const rows = () => [...document.querySelectorAll("[data-row]")];
let current = null;

function move(step) {
  const all = rows();
  if (!all.length) return;
  const from = all.findIndex((row) => row.dataset.row === current);
  current = all[from < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(Math.max(from + step, 0), all.length - 1)].dataset.row;
  mark();
  row().scrollIntoView({ block: "nearest" });
  row().querySelector("a").focus({ preventScroll: true });
}

const row = () => rows().find((one) => one.dataset.row === current);

function mark() {
  for (const one of rows()) {
    if (one.dataset.row === current) one.setAttribute("aria-current", "true");
    else one.removeAttribute("aria-current");
  }
}

function choose() {
  const box = row()?.querySelector("input[name=ids]");
  if (box) box.checked = !box.checked;
}

function retry() {
  const button = document.querySelector("main button[value=retry]");
  if (!button) return;
  const box = row()?.querySelector("input[name=ids]");
  if (box && !document.querySelector("input[name=ids]:checked")) box.checked = true;
  button.form.requestSubmit(button);
}

const KEYS = {
  "/": () => document.querySelector("[data-search]")?.focus(),
  "?": () => document.getElementById("keys").showModal(),
  j: () => move(1),
  k: () => move(-1),
  x: choose,
  r: retry,
  u: () => document.querySelector("[data-up]")?.click(),
};

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input:not([type=checkbox]), select, textarea, dialog");
  if (typing && event.key === "Escape") event.target.blur();
  if (typing || event.ctrlKey || event.metaKey || event.altKey || !KEYS[event.key]) return;
  event.preventDefault();
  KEYS[event.key]();
});

function dress() {
  mark();
  const all = document.querySelector("[data-all]");
  if (!all) return;
  all.hidden = false;
  all.addEventListener("change", () => {
    for (const box of document.querySelectorAll("input[name=ids]")) box.checked = all.checked;
  });
}

document.addEventListener("renewed", dress);
for (const hint of document.querySelectorAll(".keyed")) hint.hidden = false;
dress();
