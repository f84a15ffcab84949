// Keeps counts and lists as they are, by the news that the server sends; nothing is asked for while nothing happens or nobody looks.
const about = document.getElementById("live");
const status = document.getElementById("status");
const SECONDS_BETWEEN = 2;
let source = null;
let stale = false;
let renewing = false;
let told = false;

function show(news) {
  let other = false;
  for (const [state, count] of Object.entries(news.counts)) {
    for (const place of document.querySelectorAll(`[data-count="${news.queue}:${state}"]`)) {
      const text = count.toLocaleString("en");
      other ||= place.textContent !== text;
      place.textContent = text;
      place.classList.toggle("none", !count);
    }
  }
  const job = document.querySelector("[data-job]");
  // The first news may tell of what happened while the page came.
  const concerned = job ? !told || news.jobs.includes(job.dataset.job) : other || Object.keys(news.happened).length > 0;
  stale ||= concerned;
  told = true;
  renew();
}

// Somebody who chooses, types or is asked is not disturbed.
const typing = (element) => element.matches("input, select, textarea");
const busy = (region) => (region.contains(document.activeElement) && typing(document.activeElement)) || region.querySelector("input[name=ids]:checked") || document.querySelector("dialog[open]");

async function renew() {
  if (!stale || renewing || document.hidden) return;
  renewing = true;
  stale = false;
  try {
    const answer = await fetch(about.dataset.self || location.pathname, { headers: { Accept: "text/html" } });
    if (answer.ok && !answer.redirected) replace(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } catch {
    // The stream tells when the server is back.
  }
  setTimeout(() => { renewing = false; renew(); }, SECONDS_BETWEEN * 1000);
}

function replace(fresh) {
  for (const region of document.querySelectorAll("[data-live]")) {
    const other = fresh.getElementById(region.id);
    if (!other || busy(region) || other.innerHTML === region.innerHTML) continue;
    const held = region.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    region.replaceWith(document.adoptNode(other));
    if (held) [...other.querySelectorAll("a")].find((link) => link.getAttribute("href") === held)?.focus({ preventScroll: true });
  }
  document.dispatchEvent(new CustomEvent("renewed"));
}

function listen() {
  if (source || document.hidden) return;
  source = new EventSource(about.dataset.stream);
  source.addEventListener("news", (event) => show(JSON.parse(event.data)));
  source.addEventListener("open", () => { status.textContent = "Live"; });
  source.addEventListener("error", () => { status.textContent = "Not live: trying to connect again"; });
}

function rest() {
  source?.close();
  source = null;
  status.textContent = "Paused while hidden";
}

if (about?.dataset.stream) {
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return rest();
    // Whatever happened meanwhile.
    stale = true;
    listen();
    renew();
  });
  addEventListener("pagehide", rest);
  addEventListener("pageshow", listen);
  listen();
}
