'use strict';
// Predictions out of fold: each row predicted by a model that did not see it.
(function (luthier) {
  const { significant, count, percent, short, value, number, grouped } = luthier.format;

  function predictions(doc) {
    const found = doc.raw.predictions;
    if (!found) return [];
    return [
      ...(found.regression ? regression(found.regression, found) : []),
      ...(found.binary ? binary(doc, found.binary) : []),
      ...(found.confusion ? confusion(found.confusion) : []),
    ];
  }

  function axes(view, x, y) {
    const style = luthier.plots.parts.axisStyle(view.theme);
    const axis = (name) => ({ ...style, type: 'value', name: name.title, nameLocation: 'middle', nameGap: name.gap, scale: true, ...name.range, axisLabel: { ...style.axisLabel, ...(name.hidesEnds ? luthier.plots.parts.inner : {}), formatter: name.format || ((t) => significant(t, 4)) } });
    return {
      animation: false,
      grid: { left: 6, right: 20, top: 12, bottom: 4, outerBoundsMode: 'same', outerBoundsContain: 'all' },
      xAxis: axis({ gap: 26, ...x }),
      yAxis: axis({ gap: 30, ...y }),
    };
  }

  const line = (data, theme, dashed) => ({
    type: 'line', data, symbol: 'none', silent: true, z: 1, lineStyle: { color: theme.muted, type: dashed ? 'dashed' : 'solid', width: 1.2 }, color: theme.muted,
  });

  function regression(found, all) {
    const [predicted, label] = [found.prediction.map(number), found.label.map(number)];
    const residual = label.map((y, at) => y - predicted[at]);
    const ends = [...predicted, ...label].reduce(([low, high], x) => [Math.min(low, x), Math.max(high, x)], [Infinity, -Infinity]);
    const sample = found.sampled ? ` A sample of ${count(label.length, 'row')} of ${grouped(String(all.rows))}.` : '';
    const size = label.length > 1500 ? 3 : label.length > 300 ? 5 : 7;
    const dots = (data, view, tip) => ({
      series: { type: 'scatter', data, symbolSize: size, itemStyle: { color: view.theme.accent, opacity: 0.55 } },
      tooltip: { trigger: 'item', confine: true, formatter: tip },
    });
    const tip = (p) => [`predicted ${significant(predicted[p.dataIndex], 6)}`, `label ${significant(label[p.dataIndex], 6)}`, `residual ${significant(residual[p.dataIndex], 6)}`];
    const plots = [{
      id: 'predicted',
      title: 'Label against prediction',
      description: `Points on the dashed line are predicted exactly.${sample}`,
      columns: ['prediction', 'label', 'residual'],
      rows: predicted.map((p, at) => [p, label[at], residual[at]]),
      height: 320,
      option: (view) => {
        const { series, tooltip } = dots(predicted.map((p, at) => [p, label[at]]), view, tip);
        const range = luthier.plots.parts.nice(...ends);
        return { ...axes(view, { title: 'prediction', range, hidesEnds: true }, { title: 'label', range, hidesEnds: true }), tooltip, series: [series, line([[ends[0], ends[0]], [ends[1], ends[1]]], view.theme, true)] };
      },
    }, {
      id: 'residuals',
      title: 'Residual against prediction',
      description: `Label minus prediction: a slope or a fan means that the model misses something.${sample}`,
      columns: ['prediction', 'residual'],
      rows: predicted.map((p, at) => [p, residual[at]]),
      height: 320,
      option: (view) => {
        const { series, tooltip } = dots(predicted.map((p, at) => [p, residual[at]]), view, tip);
        const [low, high] = [Math.min(...predicted), Math.max(...predicted)];
        return { ...axes(view, { title: 'prediction' }, { title: 'residual' }), tooltip, series: [series, line([[low, 0], [high, 0]], view.theme, true)] };
      },
    }];
    plots.push(residualQuantiles(found, residual, sample));
    return plots;
  }

  /** The quantiles of the residuals that are shown; those that the document gives are of all rows. */
  function residualQuantiles(found, residual, sample) {
    const sorted = residual.filter(Number.isFinite).sort((a, b) => a - b);
    const given = found.residual_quantiles || {};
    const at = (share) => significant(given[share] === undefined ? luthier.stats.quantile(sorted, share) : given[share], 4);
    const steps = Math.min(200, Math.max(sorted.length - 1, 1));
    const rows = Array.from({ length: steps + 1 }, (_, k) => [k / steps, luthier.stats.quantile(sorted, k / steps)]);
    return {
      id: 'residual-quantiles',
      title: 'Quantiles of the residuals',
      description: `Half of the residuals are between ${at(0.25)} and ${at(0.75)}, nine of ten between ${at(0.05)} and ${at(0.95)}.${sample}`,
      columns: ['share of rows', 'residual'],
      rows,
      height: 320,
      option: (view) => ({
        ...axes(view, { title: 'share of rows below', range: { min: 0, max: 1 }, format: (x) => percent(x, 0) }, { title: 'residual' }),
        tooltip: { trigger: 'axis', confine: true, formatter: ([p]) => [`${percent(p.data[0], 0)} of rows`, `residual below ${significant(p.data[1], 6)}`] },
        series: [{ type: 'line', data: rows, symbol: 'none', lineStyle: { color: view.theme.accent, width: 2 }, color: view.theme.accent }, line([[0, 0], [1, 0]], view.theme, true)],
      }),
    };
  }

  function binary(doc, found) {
    const unit = { min: 0, max: 1 };
    const curve = (id, title, description, columns, xs, ys, base, extra) => ({
      id, title, description, columns, rows: xs.map((x, at) => [number(x), number(ys[at])]), height: 320,
      option: (view) => ({
        ...axes(view, { title: columns[0], range: unit }, { title: columns[1], range: unit }),
        tooltip: { trigger: 'axis', confine: true, formatter: ([p]) => [`${columns[0]} ${significant(p.data[0], 4)}`, `${columns[1]} ${significant(p.data[1], 4)}`] },
        series: [{
          type: 'line', data: xs.map((x, at) => [number(x), number(ys[at])]), symbol: 'none', lineStyle: { color: view.theme.accent, width: 2 }, color: view.theme.accent,
          areaStyle: { opacity: 0.08 }, ...extra,
        }, ...(base ? [line(base, view.theme, true)] : [])],
      }),
    });
    const plots = [];
    const positive = found.positive === undefined ? '' : ` The positive class is ${short(value(found.positive))}.`;
    if (found.roc) {
      const auc = Number.isFinite(number(found.auc)) ? ` The area under the curve is ${significant(found.auc, 5)}${doc.rounds === 1 ? '' : ', pooled over the folds: the mean over them can differ from it'}.` : '';
      plots.push(curve('roc', 'ROC curve', `The share of positive rows that are found against that of negative rows that are taken for positive, over all thresholds.${auc}${positive}`,
        ['false positive rate', 'true positive rate'], found.roc.fpr, found.roc.tpr, [[0, 0], [1, 1]]));
    }
    if (found.pr) {
      plots.push(curve('pr', 'Precision and recall', `The share of rows called positive that are, against the share of positive rows that are found, over all thresholds.${positive}`,
        ['recall', 'precision'], found.pr.recall, found.pr.precision, null));
    }
    if (found.calibration) plots.push(calibration(found.calibration, unit));
    return plots;
  }

  function calibration(found, unit) {
    const rows = found.predicted.map((p, at) => [number(p), number(found.observed[at]), found.rows[at]]).filter(([p, o]) => Number.isFinite(p) && Number.isFinite(o));
    const most = Math.max(...rows.map((row) => row[2]), 1);
    const off = rows.reduce((a, b) => (Math.abs(b[1] - b[0]) > Math.abs(a[1] - a[0]) ? b : a), [0, 0, 0]);
    return {
      id: 'calibration',
      title: 'Calibration',
      description: `How often rows are positive against the probability predicted for them, in bins; on the dashed line the two agree. They differ most at ${percent(off[0], 0)}, where ${percent(off[1], 0)} of ${count(off[2], 'row')} are positive.`,
      columns: ['predicted', 'observed', 'rows'],
      rows,
      height: 320,
      option: (view) => ({
        ...axes(view, { title: 'predicted probability', range: unit }, { title: 'share of positive rows', range: unit }),
        tooltip: { trigger: 'item', confine: true, formatter: (p) => [`predicted ${percent(rows[p.dataIndex][0])}`, `observed ${percent(rows[p.dataIndex][1])}`, count(rows[p.dataIndex][2], 'row')] },
        series: [{
          type: 'line', data: rows.map(([p, o]) => [p, o]), symbol: 'circle', symbolSize: (_, p) => 5 + 13 * Math.sqrt(rows[p.dataIndex][2] / most), lineStyle: { color: view.theme.accent, width: 1.5 },
          itemStyle: { color: view.theme.accent }, color: view.theme.accent,
        }, line([[0, 0], [1, 1]], view.theme, true)],
      }),
    };
  }

  function confusion({ labels, counts }) {
    const names = labels.map((label) => value(label));
    const totals = counts.map((row) => row.reduce((a, b) => a + b, 0));
    const all = totals.reduce((a, b) => a + b, 0);
    const right = counts.reduce((sum, row, at) => sum + row[at], 0);
    const cells = counts.flatMap((row, i) => row.map((n, j) => ({ i, j, n, share: totals[i] ? n / totals[i] : 0 })));
    return [{
      id: 'confusion',
      title: 'Confusion of classes',
      description: `Rows by their class and by the class predicted: ${percent(right / all)} of ${count(all, 'row')} are right. Colours are shares of the rows of a class.`,
      columns: ['class', 'predicted', 'rows', 'share of the class'],
      rows: cells.map((cell) => [names[cell.i], names[cell.j], cell.n, cell.share]),
      height: Math.max(220, Math.min(560, 90 + 40 * names.length)),
      option: (view) => {
        const { theme } = view;
        const ramp = theme.isDark ? ['#1d2733', '#2b6a9c', '#62b5f0'] : ['#f3f7fa', '#6fb1dd', '#00598f'];
        const axis = (name) => ({
          type: 'category', data: names, name, nameLocation: 'middle', nameGap: 28, axisTick: { show: false }, axisLine: { show: false },
          axisLabel: { color: theme.text, width: 70, overflow: 'truncate' }, nameTextStyle: { color: theme.muted },
        });
        return {
          animation: false,
          grid: { left: 4, right: 16, top: 10, bottom: 4, outerBoundsMode: 'same', outerBoundsContain: 'all' },
          tooltip: { trigger: 'item', confine: true, formatter: (p) => [`${names[cells[p.dataIndex].i]}, predicted ${names[cells[p.dataIndex].j]}`, `${count(cells[p.dataIndex].n, 'row')}, ${percent(cells[p.dataIndex].share)} of the class`] },
          xAxis: axis('predicted'),
          yAxis: { ...axis('class'), inverse: true },
          series: [luthier.plots.parts.squares(cells.map((cell) => ({
            at: [cell.j, cell.i], colour: luthier.theme.between(ramp, cell.share), text: names.length <= 12 ? grouped(String(cell.n)) : '',
          })), theme)],
        };
      },
    }];
  }

  luthier.plots.predictions = predictions;
  luthier.plots.parts.axes = axes;
})(globalThis.luthier);
