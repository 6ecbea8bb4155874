'use strict';
// How the best candidate predicts rows that it did not see.
(function (luthier) {
  const { el } = luthier.dom;
  const { count } = luthier.format;

  function predictions(doc) {
    const plots = [...luthier.plots.predictions(doc), ...luthier.plots.learning(doc)];
    const worst = (doc.raw.predictions && doc.raw.predictions.worst) || [];
    if (!plots.length && !worst.length) return null;
    const rows = doc.raw.predictions && doc.raw.predictions.rows;
    return [
      rows ? el('p', null, `${count(rows, 'row')}, each predicted by a fit of the best candidate that did not see it.`) : null,
      el('div.plots', null, plots.map((plot) => luthier.figure(plot))),
      worst.length ? [el('h3.after', null, 'The rows predicted worst'), worstTable(doc, worst)] : null,
    ];
  }

  function worstTable(doc, worst) {
    const names = ['row', 'place', 'label', 'prediction', 'loss', 'round'].filter((name) => worst.some((one) => one[name] !== undefined && one[name] !== null));
    // Numbers come as texts of all their digits.
    const isNumeric = doc.raw.predictions.kind === 'regression';
    const shown = (x) => (isNumeric && typeof x === 'string' && x.trim() !== '' && Number.isFinite(Number(x)) ? Number(x) : x);
    const help = { row: 'number of the row, from 0', place: 'where it was read', loss: 'what the row adds to the error' };
    return luthier.table({
      caption: 'The rows predicted worst', rows: worst, page: 10, unit: 'row', hasFilter: worst.length > 10,
      columns: names.map((name) => ({ name: name === 'round' ? 'fold' : name, get: (one) => shown(one[name]), help: help[name], isLargeFirst: name === 'loss' })),
    });
  }

  luthier.sections.push({ id: 'predictions', title: 'Predictions', make: predictions });
})(globalThis.luthier);
