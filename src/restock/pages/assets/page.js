(() => {
  "use strict";
  const root = document.documentElement;

  // -- Tables: a press on a heading sorts; missing values stay last. --------------------------

  function sortBy(table, column, direction) {
    const body = table.tBodies[0];
    const value = (row) => row.cells[column].dataset.value;
    const numeric = [...body.rows].every((row) => value(row) === undefined || !isNaN(value(row)));
    const compare = numeric ? (a, b) => a - b : (a, b) => a.localeCompare(b, undefined, { numeric: true });
    const rows = [...body.rows].sort((a, b) => {
      const [x, y] = [value(a), value(b)];
      if (x === undefined || y === undefined) return (x === undefined) - (y === undefined);
      return direction * compare(x, y);
    });
    body.append(...rows);
  }

  for (const table of document.querySelectorAll("table.sortable")) {
    const headings = [...table.tHead.rows[0].cells];
    headings.forEach((heading, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...heading.childNodes);
      heading.append(button);
      button.addEventListener("click", () => {
        const rising = heading.getAttribute("aria-sort") !== "ascending";
        headings.forEach((other) => other.removeAttribute("aria-sort"));
        heading.setAttribute("aria-sort", rising ? "ascending" : "descending");
        sortBy(table, column, rising ? 1 : -1);
      });
    });
  }

  // -- Plots ---------------------------------------------------------------------------------

  const charts = [];
  const tone = (name) => getComputedStyle(root).getPropertyValue(name).trim();
  const faded = (color, opacity) => color + Math.round(255 * opacity).toString(16).padStart(2, "0");

  function points(panel, part, values) {
    const numeric = typeof panel.labels[0] === "number";
    return values.map((y, n) => ({ x: numeric ? panel.labels[part.start + n] : part.start + n, y }));
  }

  function datasets(panel) {
    const plain = { pointRadius: 0, pointHitRadius: 6, tension: 0 };
    const bands = panel.bands.flatMap((band) => [
      { ...plain, label: band.name, data: points(panel, band, band.low), borderWidth: 0, isBand: true },
      { ...plain, label: band.name, data: points(panel, band, band.high), borderWidth: 0, isBand: true,
        fill: "-1", backgroundColor: faded(band.color, band.opacity) },
    ]);
    const lines = panel.lines.map((line) => ({
      ...plain, label: line.name, data: points(panel, line, line.values), borderColor: line.color,
      backgroundColor: line.color, borderWidth: line.width, borderDash: line.dash,
      followsInk: line.color === "currentColor",
    }));
    const diagonal = { ...plain, label: "", data: [{ x: 0, y: 0 }, { x: 1, y: 1 }], borderWidth: 1, isDiagonal: true };
    return [...bands, ...lines, ...(panel.square ? [diagonal] : [])];
  }

  function axis(title, panel) {
    return {
      type: "linear",
      title: { display: true, text: title },
      ...(panel.square ? { min: 0, max: 1 } : {}),
      ticks: { maxRotation: 0, maxTicksLimit: 8 },
    };
  }

  function options(panel) {
    const texts = typeof panel.labels[0] === "number" ? null : panel.labels;
    const x = axis(panel.x, panel);
    if (texts) {
      x.min = 0;
      x.max = texts.length - 1;
      x.ticks = { ...x.ticks, precision: 0, maxTicksLimit: 6, callback: (place) => texts[place] ?? "" };
    }
    const named = (item) => item.dataset.label && !item.dataset.isBand;
    return {
      animation: false,
      maintainAspectRatio: false,
      interaction: { mode: "x", intersect: false },
      scales: { x, y: axis(panel.y, panel) },
      plugins: {
        legend: { display: false },
        tooltip: {
          filter: named,
          callbacks: {
            title: (items) => (items.length ? String(texts ? texts[items[0].parsed.x] : items[0].parsed.x) : ""),
            label: (item) => `${item.dataset.label}: ${Number(item.parsed.y.toPrecision(4))}`,
          },
        },
      },
    };
  }

  function paint(chart) {
    const [ink, quiet, grid] = ["--ink", "--quiet", "--grid"].map(tone);
    for (const scale of Object.values(chart.options.scales)) {
      scale.ticks.color = quiet;
      scale.title.color = quiet;
      scale.grid = { color: grid };
      scale.border = { color: quiet };
    }
    for (const set of chart.data.datasets) {
      if (set.isDiagonal) set.borderColor = quiet;
      if (set.followsInk) set.borderColor = set.backgroundColor = ink;
    }
    chart.update("none");
  }

  function draw(canvas) {
    const panel = JSON.parse(canvas.closest(".panel").querySelector("script").textContent);
    const chart = new Chart(canvas, { type: "line", data: { datasets: datasets(panel) }, options: options(panel) });
    charts.push(chart);
    return chart;
  }

  for (const plot of document.querySelectorAll(".plot")) {
    const own = [...plot.querySelectorAll("canvas")].map(draw);
    for (const button of plot.querySelectorAll(".legend button")) {
      button.addEventListener("click", () => {
        const shown = button.getAttribute("aria-pressed") !== "true";
        button.setAttribute("aria-pressed", shown);
        for (const chart of own) {
          chart.data.datasets.forEach((set, n) => {
            if (set.label === button.dataset.name) chart.setDatasetVisibility(n, shown);
          });
          chart.update("none");
        }
      });
    }
  }

  // -- Theme: the system's, or the reader's own choice; paper is always light. -----------------

  const THEMES = ["system", "light", "dark"];
  const kept = {
    read() { try { return localStorage.getItem("restock-theme"); } catch { return null; } },
    write(theme) { try { localStorage.setItem("restock-theme", theme); } catch { /* a frame without storage */ } },
  };
  const button = document.getElementById("theme");

  function show(theme) {
    if (theme === "system") delete root.dataset.theme;
    else root.dataset.theme = theme;
    button.textContent = `Theme: ${theme}`;
    charts.forEach(paint);
  }

  let theme = THEMES.includes(kept.read()) ? kept.read() : "system";
  button.hidden = false;
  button.addEventListener("click", () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
    kept.write(theme);
    show(theme);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => show(theme));
  addEventListener("beforeprint", () => { root.dataset.theme = "light"; charts.forEach((c) => { c.resize(); paint(c); }); });
  addEventListener("afterprint", () => { charts.forEach((c) => c.resize()); show(theme); });
  show(theme);
})();
