'use strict';
// The candidates from best to worst.
(function (luthier) {
  const { el, brief, download, csv } = luthier.dom;
  const { number, seconds, value, column: formatOf, significant, percent } = luthier.format;
  const { outcomes, sum } = luthier.document;
  const words = { s: 'scored', f: 'failed', p: 'pruned', c: 'cancelled' };

  /** The columns: all of them, and of each whether it says anything that differs between candidates. */
  function columns(doc) {
    const { candidates, cells } = doc;
    const names = doc.search.pipelines || [];
    const differs = (values) => new Set(values.map(String)).size > 1;
    const all = [
      { name: 'rank', get: (c) => candidates.rank[c], shown: true },
      { name: 'candidate', get: (c) => c, shown: true },
      { name: doc.metric, get: (c) => candidates.mean[c], shown: true, format: formatOf(candidates.mean, 8), isLargeFirst: doc.isLarger, help: 'mean over the folds' },
      { name: 'std', get: (c) => candidates.std[c], shown: false, help: 'standard deviation over the folds' },
      { name: 'std error', get: (c) => candidates.stdError[c], format: formatOf(candidates.stdError, 4), shown: candidates.stdError.some(Number.isFinite), help: 'standard error of the mean, corrected for folds that share training rows' },
      ...doc.also.flatMap((metric, k) => [
        { name: metric.metric, get: (c) => candidates.also[k].mean[c], shown: true, isLargeFirst: metric.larger_is_better },
        { name: `${metric.metric} std`, get: (c) => candidates.also[k].std[c], shown: false },
      ]).filter((_, k) => candidates.also[k >> 1]),
      { name: 'P(best)', get: (c) => candidates.probability[c], shown: candidates.probability.some(Number.isFinite), isLargeFirst: true, isShare: true, format: (x) => percent(x), help: 'probability that its mean is the best of all' },
      { name: 'pipeline', get: (c) => names[candidates.pipeline[c]], shown: names.length > 1 },
      ...candidates.params.map((p) => ({ name: p.name, get: (c) => p.values[c], shown: p.distinct.length > 1, isParameter: true })),
      { name: 'folds', get: (c) => candidates.scored[c], shown: differs(candidates.scored), help: 'folds with a score' },
    ];
    if (cells) {
      const outcome = (c) => Object.keys(words).filter((letter) => outcomes(doc, c).includes(letter)).map((letter) => words[letter]).join(', ');
      all.push(
        { name: 'outcome', get: outcome, shown: differs(doc.order.map(outcome)) },
        { name: 'fit, s', get: (c) => sum(cells.fit_seconds && cells.fit_seconds[c]), format: formatOf(doc.order.map((c) => sum(cells.fit_seconds && cells.fit_seconds[c])), 4), shown: true, help: 'seconds of fitting, shared work in equal parts' },
        { name: 'score, s', get: (c) => sum(cells.score_seconds && cells.score_seconds[c]), shown: false, help: 'seconds of scoring' },
        { name: 'reused fits', get: (c) => sum(cells.reused_fits && cells.reused_fits[c]), shown: false, help: 'fits that another candidate had made already' },
      );
    }
    return all;
  }

  /** Where there is no room for all columns: the score and the parameters first. */
  function ordered(doc, columns) {
    if (!window.matchMedia('(max-width: 40rem)').matches) return columns;
    const place = ({ name, isParameter }) => (name === 'rank' ? 0 : name === doc.metric ? 1 : isParameter ? 2 : 3);
    return columns.slice().sort((a, b) => place(a) - place(b));
  }

  function leaderboard(doc) {
    if (!doc.candidates.count) return null;
    const all = columns(doc);
    const usual = ordered(doc, all.filter((column) => column.shown));
    const table = luthier.table({
      caption: 'Candidates from best to worst', columns: usual, rows: doc.order, page: 25, sorted: 'rank', unit: 'candidate', hasFilter: doc.candidates.count > 1,
      detail: (c) => detail(doc, c), rowClass: (c) => (c === doc.best ? 'chosen' : ''),
    });
    luthier.leaderboard = table;
    const everything = el('input', { type: 'checkbox', id: 'all-columns', change: () => table.setColumns(everything.checked ? ordered(doc, all) : usual) });
    const hidden = all.length - usual.length;
    const brushed = el('button', { type: 'button', id: 'unbrush', hidden: true, click: () => luthier.unbrush && luthier.unbrush() }, 'Show all again');
    return [
      el('div.tools', null,
        hidden ? el('label', { for: 'all-columns' }, everything, `All columns (${hidden} more, which do not vary or say less)`) : null,
        el('button', { type: 'button', id: 'csv', click: () => download(`${fileName(doc)}.csv`, 'text/csv', table2csv(all, table.shownRows())) }, 'Download these as CSV'),
        brushed),
      table,
      doc.candidates.probability.some((p) => p > 0) ? el('p.hint', { id: 'p-best' }, el('strong', null, 'P(best)'), ' is how likely the mean of a candidate is the best of all. '
        + 'Scores of candidates move together over the folds, and what counts is how often one beats all others: one with a worse mean whose scores go a way of their own can have a larger probability, '
        + 'and candidates that are nearly the same share theirs.') : null,
    ];
  }

  function fileName(doc) {
    return `${doc.title.replace(/[^\w.-]+/g, '_').slice(0, 60) || 'search'}-candidates`;
  }

  function table2csv(all, rows) {
    const full = (x) => (typeof x === 'number' && !Number.isFinite(x) ? '' : x);
    return csv([all.map((column) => column.name), ...rows.map((c) => all.map((column) => full(column.get(c))))]);
  }

  /** What a candidate did in each round, its fixed parameters and its errors. */
  function detail(doc, c) {
    const { cells, candidates } = doc;
    const params = candidates.params.filter((p) => p.values[c] !== null && p.values[c] !== undefined);
    const list = el('dl.params', null, params.map((p) => [el('dt', null, brief(p.name)), el('dd', null, brief(value(p.values[c]), 160))]));
    if (!cells) return el('div.more', null, list);
    const at = (table, round) => (table && table[c] ? table[c][round] : null);
    const letters = outcomes(doc, c);
    const rounds = Array.from({ length: doc.rounds }, (_, round) => [
      round, words[letters[round]] || 'not run', number(at(cells.metric, round)), ...doc.also.map((_, k) => number(at(cells.also && cells.also[k], round))),
      at(cells.fit_seconds, round), at(cells.score_seconds, round), at(cells.reused_fits, round),
      cells.training_rows ? cells.training_rows[round] : null, cells.validation_rows ? cells.validation_rows[round] : null,
    ]);
    const names = ['fold', 'outcome', doc.metric, ...doc.also.map((metric) => metric.metric), 'fit', 'score', 'reused fits', 'training rows', 'validation rows'];
    const format = (name) => (name === 'fit' || name === 'score' ? (x) => seconds(x) : name === doc.metric ? (x) => significant(x, 8) : undefined);
    const used = names.map((name, at) => ({ name, at })).filter(({ at }) => rounds.some((row) => row[at] !== null && row[at] !== undefined));
    const table = luthier.table({
      caption: `Folds of candidate ${c}`, rows: rounds, hasFilter: false, unit: 'fold', page: 50,
      columns: used.map(({ name, at }) => ({ name, get: (row) => row[at], format: format(name) })),
    });
    const errors = (cells.errors || []).filter((error) => error.candidate === c);
    return el('div.more', null, list, table, errors.map((error) => el('div.error', null, el('strong', null, `Fold ${error.round}: `), el('pre', null, error.text))));
  }

  luthier.sections.push({ id: 'leaderboard', title: 'Leaderboard', make: leaderboard });
})(globalThis.luthier);
