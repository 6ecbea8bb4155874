'use strict';
// The model: coefficients with their intervals, importances, explained variance.
(function (luthier) {
  const { short, significant, count, list, number, slug } = luthier.format;
  const most = 40;
  /** The columns that are drawn, if a table has one of them. */
  const drawn = ['coefficient', 'importance', 'explained_variance', 'share', 'weight'];
  const plural = { coefficient: 'coefficients', importance: 'importances', share: 'shares', weight: 'weights' };

  function model(doc) {
    const stages = (doc.raw.model && doc.raw.model.stages) || [];
    const plots = stages.flatMap((stage) => (stage.tables || []).map((table) => plotOf(stage, table))).filter(Boolean);
    // Named for what is drawn, and for the stage where several stages have that.
    const isShared = (kind) => plots.filter((plot) => plot.kind === kind).length > 1;
    const ids = luthier.plots.parts.distinct(plots.map(({ kind, stage }) => (isShared(kind) ? `${kind}-of-${slug(stage.name)}` : kind)));
    return plots.map((plot, at) => ({ ...plot, id: ids[at] }));
  }

  function plotOf(stage, table) {
    const column = (name) => table.columns.find((one) => one.name === name);
    const value = drawn.map(column).find(Boolean);
    if (!value || value.values.length < 2) return null;
    const [low, high] = [column('low'), column('high')];
    const names = table.names || value.values.map((_, at) => `${at}`);
    const all = names.map((name, at) => ({
      name, value: number(value.values[at]), low: low ? number(low.values[at]) : NaN, high: high ? number(high.values[at]) : NaN,
    })).filter((row) => Number.isFinite(row.value));
    const isOrdered = value.name === 'explained_variance';
    // The intercept is of the size of the label, and says nothing beside coefficients.
    const intercept = value.name === 'coefficient' ? all.find((row) => row.name === 'intercept') : undefined;
    const features = all.filter((row) => row !== intercept);
    const rows = isOrdered ? features : features.filter((row) => row.value !== 0 || Number.isFinite(row.low));
    if (!rows.length) return null;
    const zeros = features.length - rows.length;
    if (!isOrdered) rows.sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
    const shown = rows.slice(0, most);
    const hasInterval = shown.some((row) => Number.isFinite(row.low) && Number.isFinite(row.high));
    const through = shown.filter((row) => row.low <= 0 && row.high >= 0);
    const what = plural[value.name] || value.name.replace(/_/g, ' ');
    return {
      kind: isOrdered ? 'explained-variance' : plural[value.name],
      stage,
      table,
      title: `${what[0].toUpperCase()}${what.slice(1)} of ${short(stage.name, 40)}`,
      description: `${isOrdered ? 'In order' : 'Largest first, whatever the sign'}: ${list(shown.slice(0, 3).map((row) => `${short(row.name)} ${significant(row.value, 4)}`))}`
        + `${rows.length > shown.length ? `; the first ${most} of ${rows.length} are shown` : ''}.`
        + (zeros ? ` ${count(zeros, plural[value.name].slice(0, -1), plural[value.name])} of ${features.length} ${zeros === 1 ? 'is' : 'are'} 0 and not drawn.` : '')
        + (intercept ? ` The intercept is ${significant(intercept.value, 5)}.` : '')
        + (hasInterval ? ` Bars are intervals; ${through.length ? `${count(through.length, 'of them')} ${through.length === 1 ? 'includes' : 'include'} zero` : 'none includes zero'}.`.replace('of thems', 'of them') : ''),
      columns: [table.of || 'name', ...table.columns.map((one) => one.name)],
      rows: names.map((name, at) => [name, ...table.columns.map((one) => one.values[at])]),
      height: 44 + 22 * shown.length,
      option: (view) => (hasInterval ? intervals(shown, view)
        : luthier.plots.parts.bars(shown.map((row) => row.name), shown.map((row) => row.value), view, {
          format: (x) => significant(x, 3), label: (x) => significant(x, 4),
          colours: shown.map((row) => (row.value < 0 ? view.theme.best : view.theme.accent)),
        })),
    };
  }

  /** A point and its interval for each row. */
  function intervals(rows, view) {
    const { theme } = view;
    const { axisStyle, spread } = luthier.plots.parts;
    const style = axisStyle(theme);
    const positions = rows.map((_, at) => at);
    return {
      animation: false,
      grid: { left: luthier.plots.parts.namesMargin(rows.map((row) => row.name), view), right: 24, top: 6, bottom: 6, containLabel: true },
      tooltip: {
        trigger: 'item', confine: true,
        formatter: (p) => {
          const row = rows[p.dataIndex];
          return [row.name, significant(row.value, 6), `from ${significant(row.low, 6)} to ${significant(row.high, 6)}`];
        },
      },
      xAxis: { ...style, type: 'value', axisLabel: { ...style.axisLabel, formatter: (x) => significant(x, 4) } },
      yAxis: {
        ...style, type: 'category', inverse: true, data: positions, axisTick: { show: false }, splitLine: { show: true, lineStyle: { color: theme.grid, type: 'dotted' } },
        axisLabel: { color: theme.text, interval: 0, width: view.isNarrow ? 110 : 220, overflow: 'truncate', formatter: (at) => short(rows[at].name, 60) },
      },
      series: [
        spread(rows.map((row, at) => [at, row.low, row.high]), theme, true),
        {
          type: 'scatter', data: rows.map((row, at) => [row.value, at]), symbolSize: 9, itemStyle: { color: theme.accent }, z: 3,
          markLine: { silent: true, symbol: 'none', label: { show: false }, lineStyle: { color: theme.axis, type: 'solid' }, data: [{ xAxis: 0 }] },
        },
      ],
    };
  }

  luthier.plots.model = model;
})(globalThis.luthier);
