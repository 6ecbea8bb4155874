'use strict';
// The score against each parameter that varies.
(function (luthier) {
  const { significant, value, count, short, slug } = luthier.format;
  const { stats } = luthier;
  const { around } = luthier.document;
  /** With more values than these, a mean for each says nothing. */
  const mostGroups = 30;
  const whiskers = '± standard error';
  const whiskerIcon = 'path://M0,0 L6,0 L6,1 L3.5,1 L3.5,9 L6,9 L6,10 L0,10 L0,9 L2.5,9 L2.5,1 L0,1 Z';
  /** With more candidates than these, error bars hide each other. */
  const mostBars = 200;

  function scores(doc) {
    const ids = luthier.plots.parts.distinct(doc.factors.map((factor) => `score-by-${slug(factor.name)}`));
    return doc.factors.map((parameter, number) => score(doc, parameter, ids[number])).filter(Boolean);
  }

  /** Ids that differ, also where large and small letters are the same, as in the names of files. */
  function distinct(ids) {
    const seen = new Set();
    return ids.map((id) => {
      let found = id;
      for (let n = 2; seen.has(found.toLowerCase()); n += 1) found = `${id}-${n}`;
      seen.add(found.toLowerCase());
      return found;
    });
  }

  function score(doc, parameter, id) {
    const { mean, stdError } = doc.candidates;
    const shown = doc.order.filter((c) => Number.isFinite(mean[c]) && parameter.values[c] !== null && parameter.values[c] !== undefined);
    const groups = stats.groups(shown.map((c) => key(parameter.values[c])), shown);
    // Where only candidates of one value have a score, there is nothing to compare.
    if (groups.size < 2) return null;
    const isListed = groups.size <= mostGroups;
    return {
      id,
      title: `${short(doc.metric, 40)} against ${short(parameter.name, 60)}`,
      description: describe(doc, parameter, shown, isListed ? groups : null),
      columns: ['candidate', parameter.name, doc.metric, 'standard error'],
      rows: shown.map((c) => [c, parameter.values[c], mean[c], stdError[c]]),
      height: 260,
      option: (view) => option(doc, parameter, shown, isListed ? groups : null, view),
    };
  }

  function key(x) {
    return typeof x === 'number' ? x : value(x);
  }

  function describe(doc, parameter, shown, groups) {
    const start = `Mean ${doc.metric} of ${count(shown.length, 'candidate')} (${doc.isLarger ? 'larger' : 'smaller'} is better)`;
    const axis = parameter.isLog ? ', on a logarithmic axis' : '';
    const best = shown.reduce((a, b) => (luthier.document.lead(doc, doc.candidates.mean[b], doc.candidates.mean[a]) > 0 ? b : a));
    const { min, max } = range(doc, extent(doc, shown).ends);
    const beyond = shown.filter((c) => doc.candidates.mean[c] < min || doc.candidates.mean[c] > max).length;
    const left = beyond ? ` ${count(beyond, 'candidate')} ${beyond === 1 ? 'scores' : 'score'} so badly that ${beyond === 1 ? 'it lies' : 'they lie'} beyond the axis.` : '';
    const at = told(doc, parameter, shown, best);
    if (!groups) return `${start} against ${count(shown.length, 'value')}${axis}. ${at}${left}`;
    const means = [...groups].map(([k, members]) => [k, stats.mean(members.map((c) => doc.candidates.mean[c]))]);
    means.sort((a, b) => luthier.document.lead(doc, b[1], a[1]));
    const [first, last] = [means[0], means[means.length - 1]];
    const [high, low] = [significant(first[1], 5), significant(last[1], 5)];
    if (high === low) return `${start} against ${count(groups.size, 'value')}${axis}. ${at} Averaged over the other parameters, all values score about ${high}.${left}`;
    return `${start} against ${count(groups.size, 'value')}${axis}. ${at} Averaged over the other parameters, ${short(value(first[0]))} scores best `
      + `(${high}) and ${short(value(last[0]))} worst (${low}).${left}`;
  }

  /** Where the best is, the chosen one where that is another, and how many means are of fewer rounds. */
  function told(doc, parameter, shown, best) {
    const at = (c) => short(value(parameter.values[c]));
    const { scored } = doc.candidates;
    const rounds = Math.max(...shown.map((c) => scored[c] || 0));
    const fewer = shown.filter((c) => scored[c] < rounds).length;
    let text = `The best has ${short(parameter.name)} = ${at(best)}.`;
    if (!shown.includes(doc.best)) text = text.replace('The best', 'The best of these candidates');
    else if (at(best) !== at(doc.best)) text = `The chosen candidate has ${short(parameter.name)} = ${at(doc.best)}; the best mean is at ${at(best)}.`;
    return fewer ? `${text} ${count(fewer, 'mean')} ${fewer === 1 ? 'is' : 'are'} over fewer folds than the others.` : text;
  }

  /** What the axis of the score must hold: means, and their error bars where they are drawn. */
  function extent(doc, shown) {
    const { mean, stdError } = doc.candidates;
    const hasBars = shown.length <= mostBars && shown.some((c) => Number.isFinite(stdError[c]));
    const ends = shown.flatMap((c) => {
      if (!hasBars || !Number.isFinite(stdError[c])) return [mean[c]];
      const { low, high } = around(doc, c, stdError[c]);
      return [low, high];
    });
    return { hasBars, ends };
  }

  /** The ends of the axis of a score: a little beyond the scores, and without what is so far off that it flattens the rest. */
  function range(doc, values) {
    const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
    if (!sorted.length) return {};
    const [low, high] = [stats.quantile(sorted, 0.25), stats.quantile(sorted, 0.75)];
    const reach = 6 * (high - low) || Infinity;
    const kept = sorted.filter((x) => (doc.isLarger ? x >= low - reach : x <= high + reach));
    const [from, to] = [kept[0], kept[kept.length - 1]];
    const margin = (to - from) * 0.06 || Math.abs(to) * 0.01 || 1;
    return nice(from - margin, to + margin);
  }

  /** Ends that are multiples of a tenth of the power of ten below the distance between them. */
  function nice(from, to) {
    const step = 10 ** (Math.floor(Math.log10(to - from)) - 1);
    const round = (x) => Number(x.toPrecision(12));
    return { min: round(Math.floor(from / step) * step), max: round(Math.ceil(to / step) * step) };
  }

  /** Ends of an axis that are not ticks have no label, which would crowd those of the ticks. */
  const inner = { showMinLabel: false, showMaxLabel: false };

  function axisStyle(theme) {
    return {
      axisLabel: { color: theme.muted, hideOverlap: true },
      axisLine: { show: true, lineStyle: { color: theme.axis } },
      splitLine: { lineStyle: { color: theme.grid } },
      nameTextStyle: { color: theme.muted },
    };
  }

  function option(doc, parameter, shown, groups, view) {
    const { theme } = view;
    const { mean, stdError } = doc.candidates;
    const x = (c) => key(parameter.values[c]);
    const { hasBars, ends } = extent(doc, shown);
    const style = axisStyle(theme);
    // Points of the same value are moved apart, evenly and always the same way.
    const room = groups && shown.length > 60 ? Math.min(view.width / groups.size / 3.2, 26) : 0;
    const offset = (_, p) => [room * 2 * (((p.dataIndex * 0.618034) % 1) - 0.5), 0];
    const series = [];
    if (hasBars) {
      series.push(spread(shown.map((c) => {
        const { low, high } = around(doc, c, stdError[c]);
        return [x(c), low, high];
      }), theme));
    }
    if (groups) {
      const of = (reduce) => [...groups].map(([k, members]) => [k, reduce(members.map((c) => mean[c]))])
        .sort((a, b) => (parameter.isNumeric ? a[0] - b[0] : 0));
      const best = doc.isLarger ? (values) => Math.max(...values) : (values) => Math.min(...values);
      series.push(
        { name: 'mean', type: 'line', data: of(stats.mean), symbol: 'none', lineStyle: { color: theme.muted, type: 'dashed', width: 1.5 }, color: theme.muted, silent: true, z: 3 },
        { name: 'best', type: 'line', data: of(best), symbol: 'none', lineStyle: { color: theme.accent, width: 1.5 }, color: theme.accent, silent: true, z: 3 },
      );
    }
    series.push({
      name: 'candidates', type: 'scatter', data: shown.map((c) => [x(c), mean[c], c]), symbolSize: shown.length > 300 ? 4 : 7,
      symbolOffset: room ? offset : [0, 0], emphasis: { disabled: shown.length > 300 },
      itemStyle: { color: theme.accent, opacity: shown.length > 300 ? 0.45 : 0.75 }, z: 4,
    });
    if (doc.best !== null && shown.includes(doc.best)) {
      series.push({
        name: 'chosen', type: 'scatter', data: [[x(doc.best), mean[doc.best], doc.best]], symbol: 'diamond', symbolSize: 14,
        itemStyle: { color: theme.best, borderColor: theme.surface, borderWidth: 1.5 }, z: 5,
      });
    }
    const legend = series.map(({ name }) => (name === whiskers ? { name, icon: whiskerIcon } : { name }));
    return {
      animation: false,
      grid: { left: 8, right: 18, top: view.isNarrow ? 46 : 28, bottom: 8, outerBoundsMode: 'same', containLabel: true },
      legend: { data: legend, top: 0, left: 0, itemHeight: 8, itemWidth: 14, itemGap: 8, textStyle: { color: theme.muted, fontSize: 11 }, selectedMode: false, type: 'plain' },
      tooltip: { trigger: 'item', confine: true, formatter: (p) => tip(doc, p.value[2]) },
      xAxis: luthier.plots.parts.axisOf(parameter, view, room),
      yAxis: { ...style, type: 'value', scale: true, ...range(doc, ends), axisLine: { ...style.axisLine, onZero: false }, axisLabel: { ...style.axisLabel, ...inner, formatter: (t) => significant(t, 6) } },
      series,
    };
  }

  /** Vertical bars from low to high at each place. */
  function spread(data, theme, isHorizontal = false) {
    return {
      name: whiskers, type: 'custom', silent: true, clip: true, data, encode: isHorizontal ? { x: [1, 2], y: 0 } : { x: 0, y: [1, 2] },
      itemStyle: { color: theme.muted }, z: 2, progressive: 0,
      renderItem: (params, api) => {
        const at = (k) => (isHorizontal ? api.coord([api.value(k), api.value(0)]) : api.coord([api.value(0), api.value(k)]));
        const [[x1, y1], [x2, y2]] = [at(1), at(2)];
        return {
          type: 'group',
          children: [
            { type: 'line', shape: { x1, y1, x2, y2 }, style: { stroke: theme.muted, opacity: 0.55, lineWidth: 1.3 } },
            ...[[x1, y1], [x2, y2]].map(([x, y]) => ({
              type: 'line', shape: isHorizontal ? { x1: x, x2: x, y1: y - 4, y2: y + 4 } : { x1: x - 3, x2: x + 3, y1: y, y2: y },
              style: { stroke: theme.muted, opacity: 0.55, lineWidth: 1.3 },
            })),
          ],
        };
      },
    };
  }

  function tip(doc, c) {
    const { mean, stdError } = doc.candidates;
    const error = Number.isFinite(stdError[c]) ? ` ± ${significant(stdError[c], 3)}` : '';
    return [`candidate ${c}, rank ${doc.candidates.rank[c]}`, `${doc.metric} ${significant(mean[c], 7)}${error}`, luthier.document.paramsText(doc, c)];
  }

  luthier.plots.scores = scores;
  luthier.plots.parts = { distinct, axisStyle, inner, spread, range, tip, nice };
})(globalThis.luthier);
