'use strict';
// A plot on the page: a figure with a caption, a description, the drawing, and its rows as a table.
(function (luthier) {
  const { el } = luthier.dom;
  const narrow = 560;

  /** The figures of the page, in order: they are drawn anew when the theme or the width changes. */
  const figures = [];

  function isDark() {
    const chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === 'dark' : window.matchMedia('(prefers-color-scheme: dark)').matches;
  }

  function theme() {
    return isDark() ? luthier.theme.dark : luthier.theme.light;
  }

  /** Makes the figure of a plot. `tools` stand over the drawing. `ready(chart, view)` is called after each drawing. */
  function figure(plot, { tools = null, level = 3, ready = null, view: more = {} } = {}) {
    const canvas = el('div.canvas', { role: 'img', 'aria-labelledby': `${plot.id}-title`, 'aria-describedby': `${plot.id}-text` });
    const node = el('figure', { id: plot.id },
      el('figcaption', null, el(`h${level}`, { id: `${plot.id}-title` }, plot.title), el('p', { id: `${plot.id}-text` }, plot.description)),
      tools, canvas, rows(plot));
    const entry = { node, canvas, plot, chart: null, width: 0, more, ready };
    canvas.style.height = `${plot.height}px`;
    figures.push(entry);
    return Object.assign(node, { entry });
  }

  /** The rows are made when they are asked for. */
  function rows(plot) {
    const details = el('details.rows', {
      toggle: () => {
        if (!details.open || details.children.length > 1) return;
        details.append(luthier.plainTable(`Rows of: ${plot.title}`, plot.columns, plot.rows, { page: 10 }));
      },
    }, el('summary', null, 'The rows of this plot as a table'));
    return details;
  }

  function draw(entry) {
    const width = entry.canvas.clientWidth;
    if (width === 0) return;
    const height = entry.plot.heightFor ? entry.plot.heightFor(width) : entry.plot.height;
    entry.canvas.style.height = `${height}px`;
    entry.width = width;
    const view = { theme: theme(), width, isNarrow: width < narrow, ...entry.more };
    if (entry.chart) entry.chart.resize();
    else entry.chart = globalThis.echarts.init(entry.canvas, null, { renderer: 'canvas' });
    entry.chart.setOption(withTips({ textStyle: { fontFamily: 'system-ui, sans-serif' }, ...entry.plot.option(view) }, view.theme), { notMerge: true });
    if (entry.ready) entry.ready(entry.chart, view);
  }

  /** Tips are lists of lines in an option; here they become elements, so that no text of the data is read as markup. */
  function withTips(option, colours) {
    const wrap = (tooltip) => (tooltip && tooltip.formatter ? { ...tooltip, formatter: (params) => tipElement(tooltip.formatter(params)) } : tooltip);
    const tooltip = {
      backgroundColor: colours.surface, borderColor: colours.axis, textStyle: { color: colours.text, fontSize: 12 }, extraCssText: 'max-width: 26rem; white-space: normal; overflow-wrap: anywhere;', ...wrap(option.tooltip),
    };
    return { ...option, tooltip, series: option.series.map((one) => (one.tooltip ? { ...one, tooltip: wrap(one.tooltip) } : one)) };
  }

  function tipElement(lines) {
    return el('div.tip', null, lines.map((line, at) => el(at === 0 ? 'strong' : 'span', null, luthier.format.short(line, 300))));
  }

  /** Draws all figures, one after the other, so that the page answers in between; then calls `done`. */
  function drawAll(done) {
    const waiting = figures.slice();
    const next = () => {
      const from = Date.now();
      while (waiting.length && Date.now() - from < 40) {
        const entry = waiting.shift();
        if (entry.node.isConnected) draw(entry);
      }
      if (waiting.length) setTimeout(next, 0);
      else if (done) done();
    };
    next();
  }

  /** Paper is light: what is drawn in the dark is drawn anew for it. */
  function watchPrint() {
    let chosen;
    window.addEventListener('beforeprint', () => {
      if (!isDark()) return;
      chosen = document.documentElement.dataset.theme || '';
      document.documentElement.dataset.theme = 'light';
      luthier.repaint();
      for (const entry of figures) if (entry.chart) draw(entry);
    });
    window.addEventListener('afterprint', () => {
      if (chosen === undefined) return;
      if (chosen) document.documentElement.dataset.theme = chosen;
      else delete document.documentElement.dataset.theme;
      chosen = undefined;
      luthier.repaint();
      for (const entry of figures) if (entry.chart) draw(entry);
    });
  }

  function watch() {
    watchPrint();
    let timer = 0;
    new ResizeObserver(() => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        for (const entry of figures) if (entry.chart && entry.canvas.clientWidth !== entry.width) draw(entry);
      }, 120);
    }).observe(document.querySelector('main'));
    window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => drawAll());
  }

  luthier.figure = figure;
  luthier.figures = { all: figures, draw, drawAll, watch, isDark, theme };
})(globalThis.luthier);
