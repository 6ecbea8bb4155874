'use strict';
// Plots as SVG text, in any engine that runs the scripts: no document is needed.
(function (luthier) {
  /** `[{id, title, description, rows, svg}]` of a document as it is written in a report; `rows` is how many rows a plot has. */
  function svg(raw, { width = 900, isDark = false } = {}) {
    const doc = luthier.document.read(raw);
    const theme = isDark ? luthier.theme.dark : luthier.theme.light;
    const view = { theme, width, isNarrow: false, masks: null, doc };
    return luthier.plots.all(doc).map((plot) => {
      const height = plot.heightFor ? plot.heightFor(width) : plot.height;
      const chart = globalThis.echarts.init(null, null, { renderer: 'svg', ssr: true, width, height });
      const option = plot.option(view);
      // What only a pointer uses has no place in a picture.
      delete option.tooltip;
      if (option.dataZoom) delete option.dataZoom;
      chart.setOption({ backgroundColor: theme.surface, textStyle: { fontFamily: 'system-ui, sans-serif' }, ...option });
      const told = `<title>${escaped(plot.title)}</title><desc>${escaped(plot.description)}</desc>`;
      const text = chart.renderToSVGString().replace(/^<svg[^>]*>/, (start) => `${start.slice(0, -1)} role="img">${told}`);
      chart.dispose();
      return { id: plot.id, title: plot.title, description: plot.description, rows: plot.rows.length, svg: text };
    });
  }

  /** Text inside of an element of XML, without the characters that XML does not allow. */
  function escaped(text) {
    const signs = { '<': '&lt;', '>': '&gt;', '&': '&amp;' };
    return text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, ' ').replace(/[<>&]/g, (sign) => signs[sign]);
  }

  luthier.svg = svg;
})(globalThis.luthier);
