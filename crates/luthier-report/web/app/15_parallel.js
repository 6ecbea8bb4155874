'use strict';
// All parameters at once: a line for each candidate. The page brushes it; the test of a brush is here, without a page.
(function (luthier) {
  const { short, count, value, significant } = luthier.format;
  const mostAxes = 10;

  /** The factors that have an axis: those that explain most, in the order of the document. */
  function axes(doc) {
    if (doc.factors.length <= mostAxes) return doc.factors;
    const kept = new Set(luthier.importance(doc).slice(0, mostAxes).map((one) => one.factor));
    return doc.factors.filter((factor) => kept.has(factor));
  }

  function parallel(doc) {
    const { mean } = doc.candidates;
    const kept = axes(doc);
    const shown = doc.order.filter((c) => Number.isFinite(mean[c]));
    if (kept.length < 3 || shown.length < 2) return [];
    // The best are drawn last, over the others.
    const drawn = shown.slice().reverse();
    const left = doc.factors.length - kept.length;
    return [{
      id: 'parallel',
      title: 'All parameters at once',
      description: `A line for each of ${count(shown.length, 'candidate')} across ${count(kept.length, 'parameter')} and the ${doc.metric}: the further a colour is from the background, the better. `
        + (left ? `${count(left, 'parameter')} that explain least are left out. ` : '')
        + 'Drag along an axis to keep the candidates of that range, here and in the leaderboard; the fields below do the same.',
      columns: ['candidate', ...kept.map((factor) => factor.name), doc.metric],
      rows: shown.map((c) => [c, ...kept.map((factor) => factor.values[c]), mean[c]]),
      height: 380,
      axes: kept,
      drawn,
      option: (view) => option(doc, kept, drawn, view),
    }];
  }

  /** Of a long name of stages and a parameter, the end tells more than the beginning. */
  function tail(name, length) {
    const characters = Array.from(short(name, 600));
    return characters.length <= length ? characters.join('') : `…${characters.slice(1 - length).join('')}`;
  }

  function option(doc, kept, drawn, view) {
    const { theme } = view;
    const { mean } = doc.candidates;
    const { axisOf, scale, key } = luthier.plots.parts;
    const text = { color: theme.muted, fontSize: 11 };
    const letters = view.isNarrow ? 13 : Math.max(14, Math.min(40, Math.floor((view.width - 214) / kept.length / 7.5)));
    // The name of the first axis is around it.
    const left = Math.max(64, 10 + Math.ceil((view.isPicture ? 4.5 : 3.8) * Math.min(Array.from(kept[0].name).length, letters)));
    const dress = (axis, dim, name) => ({
      ...axis, dim, id: `axis ${dim}`, name: tail(name, letters), nameTextStyle: { color: theme.text, fontSize: 12 },
      axisLine: { lineStyle: { color: theme.axis } }, axisTick: { lineStyle: { color: theme.axis } }, splitLine: { show: false },
      axisLabel: { ...axis.axisLabel, ...text, width: 70, overflow: 'truncate', textBorderColor: theme.surface, textBorderWidth: 3 }, z: 10,
    });
    const shared = {
      nameLocation: 'end', nameGap: view.isNarrow ? 8 : 14,
      areaSelectStyle: { width: 18, borderColor: theme.best, color: theme.best, opacity: 0.25, borderWidth: 1 },
    };
    const scores = drawn.map((c) => mean[c]);
    const [low, high] = [Math.min(...scores), Math.max(...scores)];
    const whole = high > low ? luthier.plots.parts.nice(low, high) : {};
    const scoreAxis = dress({ type: 'value', scale: true, ...whole, axisLabel: { ...luthier.plots.parts.inner, formatter: (t) => significant(t, 5) } }, kept.length, doc.metric);
    return {
      animation: false,
      tooltip: { trigger: 'item', confine: true, formatter: (p) => luthier.plots.parts.tip(doc, drawn[p.dataIndex]) },
      visualMap: { ...scale(doc, scores, view, kept.length), show: !view.isNarrow },
      parallel: view.isNarrow
        ? { layout: 'vertical', left: 14, right: 110, top: 20, bottom: 24, parallelAxisDefault: shared }
        : { left, right: 150, top: 44, bottom: 26, parallelAxisDefault: shared },
      parallelAxis: [...kept.map((factor, dim) => dress(axisOf(factor, view), dim, factor.name)), scoreAxis],
      series: [{
        type: 'parallel', progressive: 0, smooth: false,
        lineStyle: { width: drawn.length > 300 ? 1 : 1.6, opacity: drawn.length > 300 ? 0.4 : 0.75 },
        inactiveOpacity: 0.03, activeOpacity: 0.8, emphasis: { lineStyle: { width: 3, opacity: 1 } },
        data: drawn.map((c) => [...kept.map((factor) => (factor.values[c] === null || factor.values[c] === undefined ? '-' : key(factor.values[c]))), mean[c]]),
      }],
    };
  }

  /** Whether a candidate lies in the intervals of every axis that has some. Those of listed values are of their positions. */
  function inBrush(doc, kept, intervals, c) {
    return intervals.every((ranges, dim) => {
      if (!ranges || !ranges.length) return true;
      const factor = kept[dim];
      let x = factor ? factor.values[c] : doc.candidates.mean[c];
      if (x === null || x === undefined) return false;
      if (factor && !factor.isNumeric) x = factor.distinct.filter((v) => v !== null && v !== undefined).map((v) => value(v)).indexOf(value(x));
      return ranges.some(([low, high]) => x >= low && x <= high);
    });
  }

  luthier.plots.parallel = parallel;
  luthier.inBrush = inBrush;
})(globalThis.luthier);
