'use strict';
// What differs between two runs: settings, configuration, data and scores.
(function (luthier) {
  const { value, seconds, significant, count } = luthier.format;

  /** `[what, in this run, in the other]` of all settings that differ. */
  function settings(doc) {
    const other = doc.compare;
    const rows = [];
    const add = (name, a, b, show = value) => {
      if (JSON.stringify(a) !== JSON.stringify(b)) rows.push([name, a === undefined ? null : show(a), b === undefined ? null : show(b)]);
    };
    for (const name of ['metric', 'strategy', 'selection', 'seed', 'parallelism', 'executor', 'units_in_flight', 'ended_early']) {
      add(name === 'units_in_flight' ? 'units in flight allowed' : name.replace(/_/g, ' '), doc.search[name], other.search[name]);
    }
    add('candidates', doc.candidates.count, other.candidates.count);
    add('folds', doc.rounds, other.rounds);
    add('scores from the journal', doc.search.recalled || 0, other.search.recalled || 0);
    add('search time', doc.search.search_seconds, other.search.search_seconds, seconds);
    const [a, b] = [doc.search.work || {}, other.search.work || {}];
    for (const name of new Set([...Object.keys(a), ...Object.keys(b)])) add(luthier.document.workName(name), a[name], b[name]);
    const [mine, yours] = [doc.raw.repeat || {}, other.raw.repeat || {}];
    add('luthier', mine.version, yours.version);
    for (const name of ['cores', 'memory_bytes', 'os']) add(name.replace(/_/g, ' '), (mine.machine || {})[name], (yours.machine || {})[name]);
    return rows;
  }

  const files = (one) => ((one.raw.repeat && one.raw.repeat.data) || []).map((file) => file.fingerprint || file.path).join(', ');
  const rowsOf = (one) => one.search.rows || (one.raw.data && one.raw.data.rows);

  /** Why the times of the two runs are not of the same work, each in a clause. */
  function unlike(doc) {
    const other = doc.compare;
    const found = [];
    const recalled = [[doc, 'this run'], [other, 'the other']].filter(([one]) => one.search.recalled > 0);
    for (const [one, name] of recalled) found.push(`${name} took ${count(one.search.recalled, 'score')} from a journal`);
    if (doc.metric !== other.metric) found.push('the metrics differ');
    if (files(doc) !== files(other) || rowsOf(doc) !== rowsOf(other)) found.push('the data differ');
    if (doc.candidates.count !== other.candidates.count) found.push(`the candidates are ${doc.candidates.count} and ${other.candidates.count}`);
    if (doc.rounds !== other.rounds) found.push(`the folds are ${doc.rounds} and ${other.rounds}`);
    if (Boolean(doc.search.ended_early) !== Boolean(other.search.ended_early)) found.push(`${doc.search.ended_early ? 'this run' : 'the other'} ended early`);
    return found;
  }

  /** Why scores of the two runs may differ by the rows of their folds alone; an empty text if nothing says so. */
  function splits(doc) {
    const other = doc.compare;
    const of = (one) => JSON.stringify([one.rounds, one.cells && one.cells.training_rows, one.cells && one.cells.validation_rows]);
    const differ = [
      doc.search.seed !== other.search.seed ? `the seeds (${value(doc.search.seed)} and ${value(other.search.seed)})` : null,
      of(doc) !== of(other) ? 'the sizes or the number of the folds' : null, files(doc) !== files(other) ? 'the data' : null,
    ].filter(Boolean);
    return differ.length ? `Between the runs ${luthier.format.list(differ)} differ: scores are of other folds then, and differ by chance also where the candidates are the same.` : '';
  }

  /** `[metric, in this run, in the other]` on the test rows. */
  function tests(doc) {
    const [a, b] = [doc, doc.compare].map((one) => (one.search.test && one.search.test.metrics) || {});
    return [...new Set([...Object.keys(a), ...Object.keys(b)])].map((name) => [name, a[name] === undefined ? null : a[name], b[name] === undefined ? null : b[name]]);
  }

  /** `[what, in this run, in the other]` of the data. */
  function data(doc) {
    const [a, b] = [doc.raw.data, doc.compare.raw.data];
    const rows = [];
    if (files(doc) !== files(doc.compare)) rows.push(['fingerprint', files(doc), files(doc.compare)]);
    if (!a || !b) return rows;
    for (const name of ['rows', 'partitions', 'label']) if (a[name] !== b[name]) rows.push([name, value(a[name]), value(b[name])]);
    const of = (columns) => new Map(columns.map((column) => [column.name, column]));
    const [mine, yours] = [of(a.columns), of(b.columns)];
    for (const name of new Set([...mine.keys(), ...yours.keys()])) {
      const [x, y] = [mine.get(name), yours.get(name)];
      if (!x || !y) rows.push([`column ${name}`, x ? x.type : 'not there', y ? y.type : 'not there']);
      else if (x.type !== y.type) rows.push([`type of ${name}`, x.type, y.type]);
      else if (x.mean !== y.mean) rows.push([`mean of ${name}`, significant(x.mean), significant(y.mean)]);
    }
    return rows;
  }

  /** The lines of two texts that are in one only: `[['-', line] | ['+', line]]`, after the longest common subsequence. */
  function lines(a, b) {
    const [x, y] = [a.split('\n'), b.split('\n')];
    if (x.length * y.length > 4e6) return null;
    const longest = Array.from({ length: x.length + 1 }, () => new Uint32Array(y.length + 1));
    for (let i = x.length - 1; i >= 0; i -= 1) {
      for (let j = y.length - 1; j >= 0; j -= 1) {
        longest[i][j] = x[i] === y[j] ? longest[i + 1][j + 1] + 1 : Math.max(longest[i + 1][j], longest[i][j + 1]);
      }
    }
    const found = [];
    let [i, j] = [0, 0];
    while (i < x.length || j < y.length) {
      if (i < x.length && j < y.length && x[i] === y[j]) {
        i += 1;
        j += 1;
      } else if (j >= y.length || (i < x.length && longest[i + 1][j] >= longest[i][j + 1])) {
        found.push(['−', x[i]]);
        i += 1;
      } else {
        found.push(['+', y[j]]);
        j += 1;
      }
    }
    return found;
  }

  /** Candidates with equal parameters in both: `[parameters, mean here, mean there, difference]`, best here first. */
  function scores(doc) {
    const other = doc.compare;
    if (doc.metric !== other.metric) return [];
    const key = (one, c) => JSON.stringify(one.candidates.params.filter((p) => p.values[c] !== null).map((p) => [p.name, p.values[c]]).sort((a, b) => (a[0] < b[0] ? -1 : 1)));
    const there = new Map();
    for (let c = 0; c < other.candidates.count; c += 1) there.set(key(other, c), c);
    return doc.order.filter((c) => there.has(key(doc, c))).map((c) => {
      const [a, b] = [doc.candidates.mean[c], other.candidates.mean[there.get(key(doc, c))]];
      return [luthier.document.paramsText(doc, c) || `candidate ${c}`, a, b, a - b];
    });
  }

  /** The scores of both runs against each other. */
  function compare(doc) {
    if (!doc.compare) return [];
    const rows = scores(doc).filter(([, a, b]) => Number.isFinite(a) && Number.isFinite(b));
    if (rows.length < 3) return [];
    const all = rows.flatMap(([, a, b]) => [a, b]);
    const range = luthier.plots.parts.nice(Math.min(...all), Math.max(...all) > Math.min(...all) ? Math.max(...all) : Math.min(...all) + 1e-9);
    const equal = rows.filter((row) => row[3] === 0).length;
    return [{
      id: 'compare-scores',
      title: `${doc.metric} of the candidates that both runs have`,
      description: `${count(rows.length, 'candidate')} with the same parameters in both; ${equal === rows.length ? 'all score' : `${equal} of them ${equal === 1 ? 'scores' : 'score'}`} exactly the same. On the dashed line the two are equal. ${splits(doc)}`.trim(),
      columns: ['parameters', 'this run', 'the other', 'difference'],
      rows,
      height: 300,
      option: (view) => ({
        ...luthier.plots.parts.axes(view, { title: 'this run', range, hidesEnds: true }, { title: 'the other', range, hidesEnds: true }),
        tooltip: { trigger: 'item', confine: true, formatter: (p) => { const [name, a, b] = rows[p.dataIndex]; return [name, `this run ${significant(a, 7)}`, `the other ${significant(b, 7)}`]; } },
        series: [
          { type: 'scatter', symbolSize: 8, itemStyle: { color: view.theme.accent, opacity: 0.7 }, data: rows.map(([, a, b]) => [a, b]) },
          { type: 'line', silent: true, symbol: 'none', lineStyle: { type: 'dashed', color: view.theme.muted, width: 1.2 }, color: view.theme.muted, data: [[range.min, range.min], [range.max, range.max]] },
        ],
      }),
    }];
  }

  luthier.plots.compare = compare;
  luthier.compare = { settings, data, lines, scores, unlike, splits, tests };
})(globalThis.luthier);
