'use strict';
// The data of the search, column by column.
(function (luthier) {
  const { el, prose } = luthier.dom;
  const { count, shares, value, number, significant, fixed } = luthier.format;

  function data(doc) {
    const found = doc.raw.data;
    if (!found || !found.columns) return null;
    const plots = luthier.plots.data(doc);
    const of = (start) => plots.filter((plot) => plot.id.startsWith(start)).map((plot) => luthier.figure(plot));
    return [el('p', null, summary(doc, found)), suspects(found), columns(found), el('div.plots', null, of('classes'), of('correlations')), pages(plots.filter((plot) => plot.id.startsWith('histograms')))];
  }

  function summary(doc, found) {
    const features = found.columns.filter((column) => column.role !== 'label').length;
    const gaps = found.columns.filter((column) => column.missing > 0).length;
    return `${count(found.rows, 'row')} in ${count(found.partitions || 1, 'partition')}, ${count(features, 'column')}${found.label ? ` besides the label “${luthier.format.short(found.label, 60)}”` : ''}; `
      + `${gaps ? `${count(gaps, 'column')} with gaps` : 'no gaps'}.`
      + used(doc.search, found)
      + (found.rows_described < found.rows ? ` What follows was computed from ${count(found.rows_described, 'row')}.` : '');
  }

  /** The rows that the search used, where they are not all. */
  function used({ rows, test }, found) {
    if (!rows || rows === found.rows) return '';
    const rest = test && test.rows + rows === found.rows ? `; the other ${count(test.rows, 'row')} are the test rows` : '';
    return ` The search used ${fixed(rows, 0)} of these ${count(found.rows, 'row')}${rest}.`;
  }

  function suspects(found) {
    const all = found.columns.filter((column) => column.suspect);
    if (!all.length) return null;
    return el('div.error', null, el('strong', null, 'Columns to look at'), el('ul', null, all.map((column) => el('li', null, el('strong', null, column.name), ': ', prose(column.suspect)))));
  }

  const first = (column) => column.levels.reduce((a, b) => (b.count > a.count ? b : a));

  /** The share of the most frequent value, as the plot of the classes has it. */
  function share(found, column) {
    const counts = column.levels.map((level) => level.count);
    return shares(counts, found.rows_described || found.rows)[column.levels.indexOf(first(column))];
  }

  function columns(found) {
    const quantile = (share) => (column) => (column.quantiles ? number(column.quantiles[share]) : null);
    const numeric = (name) => (column) => (column[name] === null || column[name] === undefined ? null : number(column[name]));
    const all = [
      { name: 'column', get: (column) => column.name },
      { name: 'type', get: (column) => column.type },
      { name: 'role', get: (column) => column.role },
      { name: 'missing', get: numeric('missing'), help: 'rows without a value' },
      { name: 'distinct', get: numeric('distinct') },
      { name: 'mean', get: numeric('mean') },
      { name: 'std', get: numeric('std') },
      { name: 'least', get: quantile('0') }, { name: '25 %', get: quantile('0.25') }, { name: 'median', get: quantile('0.5') },
      { name: '75 %', get: quantile('0.75') }, { name: 'most', get: quantile('1') },
      { name: 'correlation', get: numeric('correlation'), format: (x) => significant(x, 3), isLargeFirst: true, help: 'with the label' },
      { name: 'most frequent', get: (column) => (column.levels && column.levels.length ? `${value(first(column).value)} (${share(found, column)})` : null) },
    ];
    // Columns of one table have values of any size: each is written on its own.
    const shown = all.filter((one) => found.columns.some((column) => one.get(column) !== null && one.get(column) !== undefined))
      .map((one) => ({ ...one, format: one.format || ((x) => (typeof x === 'number' ? significant(x, 4) : value(x))) }));
    return luthier.table({ caption: 'Columns of the data', columns: shown, rows: found.columns, page: 25, unit: 'column', rowClass: (column) => (column.role === 'label' ? 'chosen' : '') });
  }

  /** Distributions, a page of columns at a time. */
  function pages(plots) {
    if (!plots.length) return null;
    const place = el('div', null, luthier.figure(plots[0]));
    if (plots.length === 1) return place;
    let at = 0;
    const go = (by) => () => {
      at = (at + by + plots.length) % plots.length;
      place.replaceChildren(luthier.figure(plots[at]));
      luthier.figures.draw(place.firstChild.entry);
    };
    return [place, el('div.tools', null, el('button', { type: 'button', click: go(-1) }, 'Previous columns'), el('button', { type: 'button', click: go(1) }, 'Next columns'))];
  }

  luthier.sections.push({ id: 'data-columns', title: 'Data', make: data });
})(globalThis.luthier);
