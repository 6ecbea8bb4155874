'use strict';
// The columns of the data: small histograms, correlations with the label, classes.
(function (luthier) {
  const { short, significant, count, list, shares, value, grouped, number } = luthier.format;
  const perPage = 24;
  const mostCorrelations = 20;

  function data(doc) {
    const found = doc.raw.data;
    if (!found || !found.columns) return [];
    return [...classes(found), ...correlations(found), ...histograms(found)];
  }

  /** Counts of a column with the labels of the ends. */
  function shape(column) {
    // A number with few values is read best by value.
    const isListed = column.levels && column.levels.length > 1 && !column.more_levels && column.levels.length <= 12;
    if (!isListed && column.histogram && column.histogram.counts && column.histogram.counts.length) {
      const { edges, counts } = column.histogram;
      return {
        counts, ends: [significant(edges[0], 3), significant(edges[edges.length - 1], 3)],
        name: (at) => `${significant(edges[at], 4)} to ${significant(edges[at + 1], 4)}`,
      };
    }
    if (column.levels && column.levels.length) {
      const names = column.levels.map((level) => value(level.value));
      const ends = [names[0], names[names.length - 1]].map((name) => short(name, 11));
      return { counts: column.levels.map((level) => level.count), ends: names.length > 1 && names.length <= 12 ? ends : [count(names.length + (column.more_levels || 0), 'value'), ''], name: (at) => names[at] };
    }
    return null;
  }

  function histograms(found) {
    const all = found.columns.map((column) => ({ column, shape: shape(column) })).filter((one) => one.shape);
    const pages = [];
    for (let from = 0; from < all.length; from += perPage) pages.push(all.slice(from, from + perPage));
    return pages.map((page, number) => ({
      id: pages.length > 1 ? `histograms-${number + 1}` : 'histograms',
      title: pages.length > 1 ? `Distributions of columns ${number * perPage + 1} to ${number * perPage + page.length}` : 'Distributions of the columns',
      description: `How often values occur in each of ${count(page.length, 'column')}${pages.length > 1 ? ` of ${all.length}` : ''}: `
        + 'numbers in bins of equal width from the smallest to the largest, or value by value where they are few.',
      columns: ['column', 'values', 'rows'],
      rows: page.flatMap(({ column, shape }) => shape.counts.map((n, at) => [column.name, shape.name(at), n])),
      height: 0,
      heightFor: (width) => gridSize(width, page.length).height,
      option: (view) => histogramsOption(page, view),
    }));
  }

  function gridSize(width, n) {
    const across = Math.max(2, Math.min(6, Math.floor(width / 180)));
    const cell = 124;
    return { across, cell, height: Math.ceil(n / across) * cell + 4 };
  }

  function histogramsOption(page, view) {
    const { theme } = view;
    const { across, cell } = gridSize(view.width, page.length);
    const width = view.width / across;
    const place = (at) => ({ left: (at % across) * width, top: Math.floor(at / across) * cell });
    return {
      animation: false,
      tooltip: {
        trigger: 'item', confine: true,
        formatter: (p) => {
          const { column, shape } = page[p.seriesIndex];
          return [column.name, `${shape.name(p.dataIndex)}: ${count(shape.counts[p.dataIndex], 'row')}`];
        },
      },
      title: page.map(({ column }, at) => ({
        text: short(column.name, 20), left: place(at).left + 4, top: place(at).top,
        textStyle: { fontSize: 12, fontWeight: column.role === 'label' ? 'bold' : 'normal', color: column.suspect ? theme.best : theme.text, width: width - 20, overflow: 'truncate' },
      })),
      grid: page.map((_, at) => ({ left: place(at).left + 6, top: place(at).top + 24, width: width - 22, height: cell - 50 })),
      xAxis: page.map(({ shape }, at) => ({
        type: 'category', gridIndex: at, data: shape.counts.map((_, k) => k), axisTick: { show: false }, axisLine: { lineStyle: { color: theme.axis } },
        axisLabel: {
          color: theme.muted, fontSize: 10, interval: (k) => k === 0 || k === shape.counts.length - 1, showMinLabel: true, showMaxLabel: true,
          alignMinLabel: 'left', alignMaxLabel: 'right', formatter: (k) => (Number(k) === 0 ? shape.ends[0] : shape.ends[1]),
        },
      })),
      yAxis: page.map((_, at) => ({ type: 'value', gridIndex: at, show: false, min: 0 })),
      series: page.map(({ column, shape }, at) => ({
        type: 'bar', xAxisIndex: at, yAxisIndex: at, data: shape.counts, barCategoryGap: '6%', itemStyle: { color: column.role === 'label' ? theme.best : theme.accent },
      })),
    };
  }

  function correlations(found) {
    const all = found.columns.filter((column) => column.role !== 'label' && Number.isFinite(number(column.correlation)));
    if (all.length < 2) return [];
    all.sort((a, b) => Math.abs(b.correlation) - Math.abs(a.correlation));
    const shown = all.slice(0, mostCorrelations);
    const said = shown.slice(0, 3).map((column) => `${short(column.name)} (${significant(column.correlation, 2)})`);
    return [{
      id: 'correlations',
      title: `Correlation with ${short(found.label || 'the label', 60)}`,
      description: `Pearson's correlation of number columns with the label, and the correlation ratio of the others, largest first, whatever its sign: ${list(said)}`
        + `${all.length > shown.length ? `; the first ${shown.length} of ${all.length} are shown.` : '.'}`,
      columns: ['column', 'correlation'],
      rows: all.map((column) => [column.name, column.correlation]),
      height: 40 + 22 * shown.length,
      option: (view) => luthier.plots.parts.bars(shown.map((c) => c.name), shown.map((c) => c.correlation), view, {
        min: -1, max: 1, labelsRight: true, format: (x) => significant(x, 2), label: (x) => significant(x, 3),
        colours: shown.map((c) => (c.correlation < 0 ? view.theme.best : view.theme.accent)),
      }),
    }];
  }

  function classes(found) {
    const label = found.columns.find((column) => column.role === 'label' && column.levels && column.levels.length > 1);
    if (!label) return [];
    const total = found.rows_described || found.rows || label.levels.reduce((sum, level) => sum + level.count, 0);
    const sorted = label.levels.slice().sort((a, b) => b.count - a.count);
    const [most, least] = [sorted[0], sorted[sorted.length - 1]];
    const counts = label.levels.map((level) => level.count);
    const texts = shares(counts, total);
    const share = (level) => texts[label.levels.indexOf(level)];
    return [{
      id: 'classes',
      title: `Classes of ${short(label.name, 60)}`,
      description: `${count(label.levels.length + (label.more_levels || 0), 'class', 'classes')} in ${count(total, 'row')}: ${short(value(most.value))} with ${share(most)} is the most frequent`
        + ` and ${short(value(least.value))} with ${share(least)} the least.`,
      columns: ['class', 'rows', 'share'],
      rows: label.levels.map((level) => [value(level.value), level.count, level.count / total]),
      height: 40 + 28 * label.levels.length,
      option: (view) => luthier.plots.parts.bars(label.levels.map((l) => value(l.value)), label.levels.map((l) => l.count), view, {
        min: 0, format: (x) => significant(x, 4), label: (n, at) => `${grouped(String(n))} (${texts[at]})`, room: 100,
      }),
    }];
  }

  luthier.plots.data = data;
})(globalThis.luthier);
