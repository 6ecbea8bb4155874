'use strict';
// How much of the differences between scores each parameter explains alone.
(function (luthier) {
  const { percent, short, count, list, value } = luthier.format;
  const { stats } = luthier;
  /** More numeric values than these are taken together in fifths. */
  const mostValues = 10;

  /** The share of each factor, largest first: `[{factor, share}]`. */
  function shares(doc) {
    const { mean } = doc.candidates;
    const scored = doc.order.filter((c) => Number.isFinite(mean[c]));
    const values = scored.map((c) => mean[c]);
    const found = doc.factors.map((factor) => {
      const own = scored.map((c) => factor.values[c]);
      const isContinuous = factor.isNumeric && factor.distinct.length > mostValues && own.every((x) => typeof x === 'number');
      const keys = isContinuous ? stats.fifths(own) : own.map((x) => value(x));
      return { factor, share: stats.varianceShare(keys, values), isContinuous };
    });
    return found.filter((one) => Number.isFinite(one.share)).sort((a, b) => b.share - a.share);
  }

  function importance(doc) {
    const found = shares(doc);
    if (found.length < 2) return [];
    const shown = found.slice(0, 20);
    const said = shown.slice(0, 3).map(({ factor, share }) => `${short(factor.name)} ${percent(share, 0)}`);
    return [{
      id: 'importance',
      title: 'Importance of the parameters',
      description: `The share of the variance of the mean scores that each parameter explains alone: ${list(said)}. `
        + 'It is the variance between the groups of candidates with the same value (fifths of the values where there are more than '
        + `${mostValues}), adjusted for the number of groups. What parameters only do together is in none of them`
        + (found.length > shown.length ? `; the ${count(shown.length, 'parameter')} with the largest share are shown.` : '.'),
      columns: ['parameter', 'share of the variance'],
      rows: found.map(({ factor, share }) => [factor.name, share]),
      height: 40 + 30 * shown.length,
      option: (view) => bars(shown.map(({ factor }) => factor.name), shown.map(({ share }) => share), view, {
        max: 1, format: (x) => percent(x, 0), label: (x) => percent(x, 1),
      }),
    }];
  }

  /** Left of names: in a picture their widths are estimates, and a viewer's font may be wider. */
  function namesMargin(names, view) {
    const longest = Math.max(...names.map((name) => short(name, 60).length));
    return view.isPicture ? 8 + Math.min(2 * longest, 60) : 8;
  }

  /** Horizontal bars, the first at the top. */
  function bars(names, values, view, { min, max, format, label, colours, room = 56, hidesEnds = false, labelsRight = false }) {
    const { theme } = view;
    const style = luthier.plots.parts.axisStyle(theme);
    const [low, high] = [Math.min(0, ...values), Math.max(0, ...values)];
    if (low < 0 && min === undefined) {
      // Room for the labels of negative bars, which are on the side of the names.
      const longest = Math.max(...names.map((name) => short(name, 60).length));
      const width = view.width - room - 24 - Math.min(7 * longest, view.isNarrow ? 110 : 220);
      min = low - (high - low) * (58 / Math.max(width - 58, 80));
      max = high;
      hidesEnds = true;
    }
    return {
      animation: false,
      grid: { left: luthier.plots.parts.namesMargin(names, view), right: room, top: 6, bottom: 6, containLabel: true },
      tooltip: { trigger: 'item', confine: true, formatter: (p) => [names[p.dataIndex], label(values[p.dataIndex], p.dataIndex)] },
      xAxis: { ...style, type: 'value', min, max, axisLabel: { ...style.axisLabel, ...(hidesEnds ? luthier.plots.parts.inner : {}), formatter: format } },
      yAxis: {
        ...style, type: 'category', inverse: true, data: names.map((_, at) => at), axisTick: { show: false }, splitLine: { show: false },
        axisLabel: { color: theme.text, interval: 0, width: view.isNarrow ? 110 : 220, overflow: 'truncate', formatter: (at) => short(names[at], 60) },
      },
      series: [{
        type: 'bar', barMaxWidth: 20,
        data: values.map((x, at) => ({ value: x, itemStyle: { color: colours ? colours[at] : theme.accent }, label: { position: x < 0 && !labelsRight ? 'left' : 'right' } })),
        label: { show: true, color: theme.muted, formatter: (p) => label(values[p.dataIndex], p.dataIndex) },
      }],
    };
  }

  luthier.plots.importance = importance;
  Object.assign(luthier.plots.parts, { bars, namesMargin });
  luthier.importance = shares;
})(globalThis.luthier);
