// Draws the charts of a page from the specifications in it. Without them the table tells the same.
const holders = [...document.querySelectorAll("[data-spec]")];

function config(width) {
  const style = getComputedStyle(document.documentElement);
  const [muted, line, accent] = ["--muted", "--line", "--accent"].map((name) => style.getPropertyValue(name).trim());
  return {
    background: "transparent",
    font: "system-ui, sans-serif",
    mark: { color: accent },
    bar: { color: accent },
    line: { color: accent },
    point: { color: accent },
    view: { stroke: null },
    title: { disable: true },
    axis: { labelColor: muted, titleColor: muted, gridColor: line, domainColor: line, tickColor: line, labelFontSize: 12, titleFontWeight: 500 },
    // Side by side, legends would run out of a telephone's screen.
    legend: { labelColor: muted, titleColor: muted, orient: "bottom", columns: width < 500 ? 2 : 6, labelLimit: 160, layout: { bottom: { direction: width < 500 ? "vertical" : "horizontal" } } },
    range: { category: ["#0f766e", "#d97706", "#4f46e5", "#be185d", "#0284c7", "#65a30d", "#7c3aed", "#dc2626", "#0891b2", "#a16207", "#6b7280"] },
  };
}

async function draw() {
  for (const holder of holders) {
    const spec = JSON.parse(document.getElementById(holder.dataset.spec).textContent);
    delete spec.title;
    // The interpreter instead of generated code: the page's security policy forbids eval. Styles are in style.css.
    await window.vegaEmbed(holder, spec, { ast: true, actions: false, renderer: "canvas", defaultStyle: false, config: config(holder.clientWidth), tooltip: { disableDefaultStyle: true } });
    holder.dataset.drawn = "true";
  }
}

if (holders.length && window.vegaEmbed) {
  draw();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
}
