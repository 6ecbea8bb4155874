'use strict';
// Notes and failures, those that say the same together.
(function (luthier) {
  const { el, prose } = luthier.dom;
  const { count, runs } = luthier.format;

  function notes(doc) {
    const errors = (doc.cells && doc.cells.errors) || [];
    // What a note of the command line says of failures stands above it in full.
    const texts = new Set(errors.map((error) => error.text));
    const found = (doc.raw.notes || []).filter((note) => (note.kind || 'other') !== 'other' || !texts.has(note.text.replace(/^candidates? .*? on folds? .*?: /, '')));
    if (!found.length && !errors.length) return null;
    return [failures(errors), grouped(doc, found)];
  }

  /** Errors that differ in numbers only are one kind of failure. */
  function failures(errors) {
    if (!errors.length) return null;
    const kinds = luthier.stats.groups(errors.map((error) => error.text.replace(/-?\d[\d.,e+-]*/g, '#')), errors);
    const all = [...kinds.values()].sort((a, b) => b.length - a.length);
    return [el('h3', null, `${count(errors.length, 'failure')} of ${count(all.length, 'kind')}`), all.map((group) => {
      const of = (name) => [...new Set(group.map((error) => error[name]))].sort((a, b) => a - b);
      const [candidates, rounds] = [of('candidate'), of('round')];
      return el('div.error', null,
        el('p', null, el('strong', null, `${count(group.length, 'time')}`), `: candidate${candidates.length > 1 ? 's' : ''} ${runs(candidates, 8)}, fold${rounds.length > 1 ? 's' : ''} ${runs(rounds, 8)}`),
        el('pre', null, group[0].text));
    })];
  }

  function grouped(doc, found) {
    if (!found.length) return null;
    const kinds = luthier.stats.groups(found.map((note) => note.kind || 'other'), found);
    return [el('h3.after', null, 'Notes'), [...kinds].map(([kind, group]) => el('div.note', null,
      el('p', null, el('strong', null, { other: 'of the search', program: 'of the program' }[kind] || kind.replace(/_/g, ' ')), group.length > 1 ? ` (${count(group.length, 'note')})` : ''),
      el('ul', null, group.map((note) => {
        const where = [note.stage ? `stage ${note.stage}` : null, note.folds && note.folds.length ? `${doc.round}${note.folds.length > 1 ? 's' : ''} ${runs(note.folds)}` : null, note.fits].filter(Boolean);
        return el('li', null, prose(note.text), where.length ? el('span.label', null, ` (${where.join('; ')})`) : null);
      }))))];
  }

  luthier.sections.push({ id: 'notes', title: 'Notes and failures', make: notes });
})(globalThis.luthier);
