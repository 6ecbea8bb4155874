'use strict';
// How the score depends on the parameters.
(function (luthier) {
  const { el, freshId, say } = luthier.dom;
  const { value, count, significant, short } = luthier.format;

  function parameters(doc) {
    const { scores, importance, heat, parallel } = luthier.plots;
    if (!doc.factors.length || doc.candidates.count < 2) return null;
    const figures = (plots) => plots.map((plot) => luthier.figure(plot));
    return [
      figures(importance(doc)),
      el('div.plots', null, figures(scores(doc))),
      heatMap(doc, heat(doc)),
      parallel(doc).map((plot) => brushed(doc, plot)),
    ];
  }

  /** The map of two parameters, which the reader can choose. */
  function heatMap(doc, [plot]) {
    if (!plot) return null;
    const place = el('div', null);
    const [x, y] = ['x', 'y'].map((axis, at) => el('select', { id: freshId(axis), change: () => redraw() },
      doc.factors.map((factor, k) => el('option', { value: k, selected: plot.columns[plot.columns.length === 4 && plot.columns[0] === 'candidate' ? at + 1 : at] === factor.name }, short(factor.name, 60)))));
    const redraw = () => {
      if (x.value === y.value) {
        say('Choose two different parameters.');
        return;
      }
      const [next] = luthier.plots.heat(doc, doc.factors[x.value], doc.factors[y.value]);
      if (!next) return;
      place.replaceChildren(luthier.figure(next));
      luthier.figures.draw(place.firstChild.entry);
    };
    place.append(luthier.figure(plot));
    const choose = doc.factors.length > 2 ? el('div.tools', null, el('label', { for: x.id }, el('span', null, 'Across'), x), el('label', { for: y.id }, el('span', null, 'Up'), y)) : null;
    return el('div', null, place, choose);
  }

  /** Parallel coordinates with a brush, by pointer on the axes or by keyboard in fields. */
  function brushed(doc, plot) {
    const intervals = [...plot.axes, null].map(() => []);
    let chart = null;
    const status = el('span.status', { 'aria-live': 'polite', id: 'brushed' });

    const apply = () => {
      const isOn = intervals.some((ranges) => ranges.length);
      const test = (c) => luthier.inBrush(doc, plot.axes, intervals, c);
      if (luthier.leaderboard) luthier.leaderboard.setOnly(isOn ? test : null);
      const kept = doc.order.filter(test).length;
      status.textContent = isOn ? `${count(kept, 'candidate')} kept, here and in the leaderboard` : '';
      for (const button of [clear, document.getElementById('unbrush')]) if (button) button.hidden = !isOn;
    };
    const mark = (dim) => {
      if (chart) chart.dispatchAction({ type: 'axisAreaSelect', parallelAxisId: `axis ${dim}`, intervals: intervals[dim] });
    };
    const set = (dim, ranges) => {
      intervals[dim] = ranges;
      mark(dim);
      apply();
    };
    luthier.unbrush = () => {
      intervals.forEach((_, dim) => set(dim, []));
      for (const input of fields.querySelectorAll('input, select')) input.value = '';
    };
    const clear = el('button', { type: 'button', hidden: true, click: () => luthier.unbrush() }, 'Keep all again');
    const fields = el('div.brush', { role: 'group', 'aria-label': 'Keep the candidates in these ranges' },
      [...plot.axes, null].map((factor, dim) => field(doc, factor, (ranges) => set(dim, ranges))));

    const figure = luthier.figure(plot, {
      ready: (drawn) => {
        chart = drawn;
        chart.off('axisareaselected');
        intervals.forEach((ranges, dim) => ranges.length && mark(dim));
        chart.on('axisareaselected', () => {
          const axes = chart.getOption().parallelAxis;
          axes.forEach((axis, dim) => {
            const model = chart.getModel().getComponent('parallelAxis', dim);
            intervals[dim] = (model ? model.activeIntervals : []).map((range) => range.slice());
          });
          apply();
        });
      },
    });
    return [figure, fields, el('div.tools', null, clear, status)];
  }

  /** Fields for the range of an axis: from and to, or one of the listed values. `null` is the axis of the score. */
  function field(doc, factor, change) {
    const name = factor ? factor.name : doc.metric;
    if (factor && !factor.isNumeric) {
      const listed = factor.distinct.filter((v) => v !== null && v !== undefined);
      const select = el('select', { id: freshId('keep'), change: () => change(select.value === '' ? [] : [[Number(select.value) - 0.5, Number(select.value) + 0.5]]) },
        el('option', { value: '' }, 'any'), listed.map((v, at) => el('option', { value: at }, short(value(v), 40))));
      return el('div', null, el('label', { for: select.id, title: name }, short(name, 30)), select);
    }
    const values = (factor ? factor.values : doc.candidates.mean).filter((x) => typeof x === 'number' && Number.isFinite(x));
    const [low, high] = [values.reduce((a, b) => Math.min(a, b), Infinity), values.reduce((a, b) => Math.max(a, b), -Infinity)];
    const input = (label, end) => el('input', {
      type: 'number', step: 'any', 'aria-label': `${name}, ${label}`, placeholder: significant(end, 3).replace('−', '-'),
      change: () => {
        const [a, b] = [from, to].map((node) => (node.value === '' ? null : Number(node.value)));
        change(a === null && b === null ? [] : [[a === null ? low : a, b === null ? high : b]]);
      },
    });
    const from = input('from', low);
    const to = input('to', high);
    return el('div', null, el('span.label', { title: name }, short(name, 30)), el('span.range', null, from, '–', to));
  }

  luthier.sections.push({ id: 'parameters', title: 'Parameters', make: parameters });
})(globalThis.luthier);
