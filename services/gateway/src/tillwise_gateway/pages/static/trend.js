// Draws the chart from the specification in the page. Without it the table tells the same.
const holder = document.getElementById("chart");
const source = document.getElementById("spec");

function colours() {
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(name).trim();
  return { ink: of("--ink"), muted: of("--muted"), line: of("--line"), accent: of("--accent") };
}

async function draw() {
  const { muted, line, accent } = colours();
  const config = {
    background: "transparent",
    font: "system-ui, sans-serif",
    mark: { color: accent },
    line: { color: accent },
    point: { color: accent },
    view: { stroke: null },
    title: { disable: true, color: muted },
    axis: { labelColor: muted, titleColor: muted, gridColor: line, domainColor: line, tickColor: line, labelFontSize: 12, titleFontWeight: 500 },
    axisX: { grid: false },
    legend: { labelColor: muted, titleColor: muted, orient: "bottom", columns: holder.clientWidth < 500 ? 2 : 6, labelLimit: 160 },
    range: { category: ["#0f766e", "#d97706", "#4f46e5", "#be185d", "#0284c7", "#65a30d", "#7c3aed", "#dc2626", "#0891b2", "#a16207", "#6b7280"] },
  };
  const spec = JSON.parse(source.textContent);
  delete spec.title;
  // The interpreter instead of generated code: the page's security policy forbids eval. Styles are in style.css.
  await window.vegaEmbed(holder, spec, { ast: true, actions: false, renderer: "canvas", defaultStyle: false, config, tooltip: { disableDefaultStyle: true } });
  holder.dataset.drawn = "true";
}

if (holder && source && window.vegaEmbed) {
  draw();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
}
