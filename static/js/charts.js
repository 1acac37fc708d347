// Draws the tables of a page, and of what htmx brings. A <figure data-chart="bars|lying|lines"> holds a place for
// the chart and a table: columns whose head has data-drawn are its series, data-value
// their figures; a row with data-to-come has not happened yet. The library (data-library) is fetched once a chart is nearly in sight;
// until then, and without it, the table stands open.

const library = (() => {
  let asked;
  return (address) =>
    (asked ??= new Promise((ready, fail) => {
      const script = document.createElement("script");
      script.src = address;
      script.onload = () => ready(window.Chart);
      script.onerror = fail;
      document.head.append(script);
    }));
})();

// A colour of the style sheet as the canvas takes it: resolved for light or dark.
function colour(figure, name) {
  const probe = document.createElement("i");
  probe.className = name;
  figure.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

function read(figure) {
  const table = figure.querySelector("table");
  const heads = [...table.tHead.rows[0].cells];
  const rows = [...table.tBodies[0].rows];
  return {
    labels: rows.map(({ cells: [name] }) => [...name.children].map((part) => part.textContent)),
    toCome: rows.map((row) => row.hasAttribute("data-to-come")),
    series: heads
      .map((head, column) => ({ head, column }))
      .filter(({ head }) => head.hasAttribute("data-drawn"))
      .map(({ head, column }) => ({
        label: head.textContent.trim(),
        unit: head.dataset.unit,
        values: rows.map(({ cells }) =>
          cells[column].dataset.value === "" ? null : Number(cells[column].dataset.value)
        ),
        words: rows.map(({ cells }) => cells[column].textContent.trim()),
      })),
  };
}

function options(figure, { series }) {
  const kind = figure.dataset.chart;
  const percent = series[0].unit === "%";
  const currency = /^[A-Z]{3}$/.test(series[0].unit) ? series[0].unit : undefined;
  const asMoney = currency && new Intl.NumberFormat(document.documentElement.lang, {
    style: "currency", currency, notation: "compact", maximumFractionDigits: 1,
  });
  const ink = colour(figure, "figure-ink");
  const line = colour(figure, "figure-line");
  const stacked = kind !== "lines";
  const amount = {
    stacked,
    beginAtZero: true,
    max: percent ? 100 : undefined,
    border: { display: false },
    grid: { color: line },
    ticks: {
      color: ink,
      precision: asMoney ? undefined : 0,
      callback: (value) =>
        asMoney
          ? asMoney.format(value)
          : value.toLocaleString(document.documentElement.lang) + (percent ? " %" : ""),
    },
  };
  const name = {
    stacked,
    border: { color: line },
    grid: { display: false },
    ticks: { color: ink, maxRotation: 0, autoSkipPadding: 12 },
  };
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  return {
    indexAxis: kind === "lying" ? "y" : "x",
    maintainAspectRatio: false,
    animation: still ? false : { duration: 250 },
    interaction: { mode: "index", axis: kind === "lying" ? "y" : "x", intersect: false },
    scales: kind === "lying" ? { x: amount, y: name } : { x: name, y: amount },
    plugins: {
      legend: {
        position: "bottom",
        align: "start",
        labels: { color: ink, boxWidth: 10, boxHeight: 10, useBorderRadius: true, borderRadius: 2 },
      },
      tooltip: {
        filter: ({ raw }) => raw !== null && raw !== 0,
        callbacks: {
          label: ({ dataset, dataIndex }) => `${dataset.label}: ${dataset.words[dataIndex]}`,
        },
      },
    },
  };
}

// Many series go from good to bad, unless they are names; few are told apart.
function shades(figure, { length }) {
  if (figure.hasAttribute("data-names"))
    return [1, 2, 3, 4, 5, 6, 7, 8, 9].map((shade) => `figure-many-${shade}`);
  if (length > 4) return [1, 2, 3, 4, 5, 6].map((shade) => `figure-age-${shade}`);
  if (length > 3) return [1, 3, 4, 6].map((shade) => `figure-age-${shade}`);
  return [1, 2, 3].map((shade) => `figure-series-${shade}`);
}

// What has not happened yet is paler.
const paler = (drawn) => drawn.replace(/^rgb\((.*)\)$/, "rgba($1, 0.45)");

function datasets(figure, { series, toCome }) {
  const names = shades(figure, series);
  return series.map(({ label, values, words }, place) => {
    const drawn = colour(figure, names[place % names.length]);
    const look =
      figure.dataset.chart === "lines"
        ? { borderWidth: 2, pointRadius: 3, spanGaps: true, clip: 8, borderDash: place ? [5, 4] : [] }
        : { borderRadius: 3, maxBarThickness: 34 };
    const fill = toCome.includes(true)
      ? toCome.map((later) => (later ? paler(drawn) : drawn))
      : drawn;
    return { label, data: values, words, backgroundColor: fill, borderColor: drawn, ...look };
  });
}

function draw(figure, Chart) {
  const content = read(figure);
  const place = figure.querySelector(".figure-canvas");
  const canvas = document.createElement("canvas");
  place.replaceChildren(canvas);
  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  const chart = new Chart(canvas, {
    type: figure.dataset.chart === "lines" ? "line" : "bar",
    data: { labels: content.labels, datasets: datasets(figure, content) },
    options: options(figure, content),
  });
  const again = () => {
    chart.data.datasets = datasets(figure, content);
    chart.options = options(figure, content);
    chart.update("none");
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  new MutationObserver(again).observe(document.documentElement, {
    attributeFilter: ["data-bs-theme"],
  });
  figure.querySelector("details").open = false;
}

const inSight = new IntersectionObserver(
  (seen) => {
    for (const { target, isIntersecting } of seen) {
      if (!isIntersecting) continue;
      inSight.unobserve(target);
      library(target.dataset.library)
        .then((Chart) => draw(target, Chart))
        .catch(() => target.querySelector(".figure-canvas").remove());
    }
  },
  { rootMargin: "200px" }
);
const watch = (place) =>
  place.querySelectorAll("figure[data-chart]").forEach((figure) => inSight.observe(figure));
watch(document);
document.addEventListener("htmx:load", ({ target }) => watch(target));
