'use strict';
// How the score changes with the rows that a round trains on, where rounds differ in that.
(function (luthier) {
  const { significant, grouped, count, short, number } = luthier.format;
  const { stats } = luthier;
  const mostLines = 5;

  function learning(doc) {
    const rows = doc.cells && doc.cells.training_rows;
    // Rounds of cross-validation differ by a row or two, which teaches nothing.
    if (!rows || !rows.length || Math.max(...rows) < 1.2 * Math.min(...rows)) return [];
    const lines = doc.order.filter((c) => Number.isFinite(doc.candidates.mean[c])).slice(0, mostLines).map((c) => {
      const scored = rows.map((n, round) => [n, number(doc.cells.metric[c] ? doc.cells.metric[c][round] : NaN)]).filter(([, score]) => Number.isFinite(score));
      const means = [...stats.groups(scored.map(([n]) => n), scored.map(([, score]) => score))].map(([n, scores]) => [n, stats.mean(scores)]);
      return { c, points: means.sort((a, b) => a[0] - b[0]) };
    }).filter((one) => one.points.length > 1);
    if (!lines.length) return [];
    const { points } = lines[0];
    const [first, last] = [points[0], points[points.length - 1]];
    return [{
      id: 'learning',
      title: `${doc.metric} against training rows`,
      description: `The ${count(lines.length, 'candidate')} with the best mean, over folds with as many training rows. Candidate ${lines[0].c} goes from ${significant(first[1], 5)} with `
        + `${grouped(String(first[0]))} rows to ${significant(last[1], 5)} with ${grouped(String(last[0]))}.`,
      columns: ['candidate', 'training rows', doc.metric],
      rows: lines.flatMap(({ c, points }) => points.map(([n, score]) => [c, n, score])),
      height: 320,
      option: (view) => ({
        ...luthier.plots.parts.axes(view, { title: 'training rows' }, { title: short(doc.metric, 30) }),
        grid: { left: 6, right: 20, top: view.isNarrow ? 84 : 56, bottom: 4, outerBoundsMode: 'same', outerBoundsContain: 'all' },
        legend: { top: 0, left: 0, textStyle: { color: view.theme.muted }, selectedMode: false },
        tooltip: { trigger: 'item', confine: true, formatter: (p) => [p.seriesName, `${grouped(String(p.data[0]))} rows: ${significant(p.data[1], 7)}`] },
        series: lines.map(({ c, points }, at) => ({
          name: `candidate ${c}`, type: 'line', data: points, symbolSize: 7, lineStyle: { color: view.theme.cycle[at], width: at === 0 ? 2.5 : 1.2 }, color: view.theme.cycle[at],
        })),
      }),
    }];
  }

  luthier.plots.learning = learning;
})(globalThis.luthier);
