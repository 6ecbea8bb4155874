'use strict';
// Plots as SVG text, in any engine that runs the scripts: no document is needed.
(function (luthier) {
  /** `[{id, title, description, rows, svg}]` of a document as it is written in a report; `rows` is how many rows a plot has. */
  function svg(raw, { width = 900, isDark = false } = {}) {
    const doc = luthier.document.read(raw);
    const theme = isDark ? luthier.theme.dark : luthier.theme.light;
    const view = { theme, width, isNarrow: false, isPicture: true, masks: null, doc };
    return luthier.plots.all(doc).map((plot) => {
      const height = plot.heightFor ? plot.heightFor(width) : plot.height - (plot.slider || 0);
      const chart = globalThis.echarts.init(null, null, { renderer: 'svg', ssr: true, width, height });
      const option = plot.option(view);
      // What only a pointer uses has no place in a picture.
      delete option.tooltip;
      if (option.dataZoom) delete option.dataZoom;
      // The widths of texts are estimates here: a viewer's font may be wider.
      if (option.legend) option.legend = { ...option.legend, itemGap: 30 };
      chart.setOption({ backgroundColor: theme.surface, textStyle: { fontFamily: 'system-ui, sans-serif' }, ...option });
      const drawing = chart.renderToSVGString();
      chart.dispose();
      return { id: plot.id, title: plot.title, description: plot.description, rows: plot.rows.length, svg: page(plot, drawing, view, width, height) };
    });
  }

  /** The drawing under its title and, where stages have colours, what they are. */
  function page(plot, drawing, { theme, doc }, width, height) {
    const font = 'font-family="system-ui, sans-serif"';
    const parts = [`<text x="8" y="24" font-size="16" font-weight="600" fill="${theme.text}" ${font}>${escaped(luthier.format.short(plot.title, width / 9))}</text>`];
    let top = 38;
    if (plot.stages) {
      const colours = luthier.theme.stageColours(doc, theme);
      let left = 8;
      for (const name of plot.stages) {
        const text = luthier.format.short(luthier.events.stageText(name), 40);
        const room = 40 + 7 * text.length;
        if (left + room > width) {
          left = 8;
          top += 20;
        }
        parts.push(`<rect x="${left}" y="${top}" width="14" height="10" rx="2" fill="${colours.get(name)}"/>`,
          `<text x="${left + 20}" y="${top + 10}" font-size="12" fill="${theme.text}" ${font}>${escaped(text)}</text>`);
        left += room;
      }
      top += 26;
    }
    const inner = drawing.replace(/^<svg /, `<svg y="${top}" `);
    return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${top + height}" viewBox="0 0 ${width} ${top + height}" role="img">`
      + `<title>${escaped(plot.title)}</title><desc>${escaped(plot.description)}</desc><rect width="100%" height="100%" fill="${theme.surface}"/>${parts.join('')}${inner}</svg>`;
  }

  /** Text inside of an element of XML, without the characters that XML does not allow. */
  function escaped(text) {
    const signs = { '<': '&lt;', '>': '&gt;', '&': '&amp;' };
    return text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, ' ').replace(/[<>&]/g, (sign) => signs[sign]);
  }

  luthier.svg = svg;
})(globalThis.luthier);
