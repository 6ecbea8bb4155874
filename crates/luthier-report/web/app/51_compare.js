'use strict';
// Two runs side by side. Their timelines are in the section of the timeline, under each other.
(function (luthier) {
  const { el, num } = luthier.dom;
  const { significant, count, percent, short, seconds, list } = luthier.format;

  function section(doc) {
    const other = doc.compare;
    if (!other) return null;
    const names = ['what', 'this run', 'the other'];
    const settings = luthier.compare.settings(doc);
    const data = luthier.compare.data(doc);
    const rows = luthier.compare.scores(doc);
    const tests = luthier.compare.tests(doc);
    const difference = (title, rows, none) => [el('h3.after', null, title), rows.length ? luthier.plainTable(title, names, rows, { hasFilter: false, page: 50, unit: 'difference' }) : el('p', null, none)];
    return [
      el('ul.sentences', null, sentences(doc, other).map((parts) => el('li', null, parts))),
      difference('Settings and work that differ', settings, 'Settings and work are the same.'),
      el('h3.after', null, 'Configuration'), configuration(doc, other),
      difference('Data that differ', data, 'The data are the same, as far as the reports say.'),
      tests.length ? [el('h3.after', null, 'Scores on the test rows'), luthier.plainTable('Scores on the test rows', ['metric', 'this run', 'the other'], tests, { hasFilter: false, page: 50, unit: 'metric' })] : null,
      luthier.plots.compare(doc).map((plot) => luthier.figure(plot)),
      rows.length && rows.length < 3 ? luthier.plainTable('Scores of the candidates in both', ['parameters', 'this run', 'the other', 'difference'], rows) : null,
    ];
  }

  function sentences(doc, other) {
    const found = [[doc.title === other.title ? `Both runs are of ${short(doc.title, 120)}.` : `This run is ${short(doc.title, 120)}; the other is ${short(other.title, 120)}.`]];
    const score = (one) => [`${one.metric} `, num(one.candidates.mean[one.best], significant(one.candidates.mean[one.best], 6)), ` with ${luthier.document.paramsText(one, one.best) || `candidate ${one.best}`}`];
    if (doc.best !== null && other.best !== null) found.push(['The best of this run: ', score(doc), '. The best of the other: ', score(other), '.']);
    const [a, b] = [doc.search.search_seconds, other.search.search_seconds];
    if (a > 0 && b > 0) {
      const [fast, slow] = a < b ? ['This run', 'the other'] : ['The other run', 'this one'];
      const ratio = Math.max(a, b) / Math.min(a, b);
      const unlike = luthier.compare.unlike(doc);
      if (unlike.length) found.push([`This run took ${seconds(a)}, the other ${seconds(b)}. Which is faster is not said, as the two did not do the same: ${list(unlike)}.`]);
      else found.push([`${fast} took ${percent(1 / ratio, 0)} of the time of ${slow} (${significant(ratio, 3)} times as fast).`]);
    }
    const [p, q] = [luthier.events.inFlight(doc), luthier.events.inFlight(other)];
    if (p && q) found.push([`At most ${count(p, 'unit')} ${p === 1 ? 'was' : 'were'} in flight in this run and ${q} in the other.`]);
    const splits = luthier.compare.splits(doc);
    if (splits) found.push([splits]);
    return found;
  }

  function configuration(doc, other) {
    const of = (one) => (one.raw.repeat && one.raw.repeat.configuration) || '';
    if (!of(doc) || !of(other)) return el('p', null, 'Not every report has its configuration.');
    const changed = luthier.compare.lines(of(doc), of(other));
    if (!changed) return el('p', null, 'The configurations are too long to be compared line by line.');
    if (!changed.length) return el('p', null, 'The configurations are the same.');
    return [el('p.hint', null, 'Lines that differ: − is in this run only, + in the other only.'),
      el('pre.block.lines', { tabindex: 0, 'aria-label': 'Lines that differ' }, changed.map(([sign, line]) => el(sign === '+' ? 'span.added' : 'span.removed', null, `${sign} ${line}\n`)))];
  }

  luthier.sections.push({ id: 'compare', title: 'Comparison', make: section });
})(globalThis.luthier);
