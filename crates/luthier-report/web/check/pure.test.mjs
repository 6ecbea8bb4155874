// What the page computes, against other computations: node --test check/
import assert from 'node:assert/strict';
import test from 'node:test';
import vm from 'node:vm';
import { scripts } from './assemble.mjs';
import { random, search, grid } from './documents.mjs';
import { documents } from './fixture.mjs';

const context = vm.createContext({ setTimeout: () => 0, clearTimeout: () => {} });
for (const script of scripts()) vm.runInContext(script, context);
const { luthier } = context;
const plain = (x) => JSON.parse(JSON.stringify(x));
const unbroken = (text) => text.replace(/_/g, '\u00a0');
const near = (a, b, error = 1e-9) => assert.ok(Math.abs(a - b) <= error * Math.max(1, Math.abs(b)), `${a} is not ${b}`);

test('quantiles of t are those of scipy.stats.t.ppf(0.975, n)', () => {
  const known = [[1, 12.706204736174694], [2, 4.302652729749462], [3, 3.182446305283708], [4, 2.7764451051977934], [9, 2.262157162798205], [29, 2.0452296421327034]];
  for (const [freedom, t] of known) near(luthier.stats.studentQuantile(0.95, freedom), t);
  assert.ok(Number.isNaN(luthier.stats.studentQuantile(0.95, 0)));
});

test('the share of the variance, the quantile and the deviation are those of numpy', () => {
  const x = [3.1, 2.9, 3.3, 5.0, 5.2, 4.9, 8.8, 9.1, 9.0];
  near(luthier.stats.varianceShare([0, 0, 0, 1, 1, 1, 2, 2, 2], x), 0.995704254440314);
  near(luthier.stats.quantile(x.slice().sort((a, b) => a - b), 0.3), 3.94);
  near(luthier.stats.deviation(x), 2.593260495977988);
  assert.ok(Number.isNaN(luthier.stats.varianceShare([1, 1, 1], [1, 2, 3])), 'one group explains nothing');
  assert.ok(Number.isNaN(luthier.stats.varianceShare([1, 2, 3], [1, 2, 3])), 'a value for each group explains nothing');
});

test('numbers are readable', () => {
  const { significant, column, seconds, runs, count, percent, value } = luthier.format;
  assert.deepEqual([58.23914421528349, 0.001, 1e-5, -3, 442, 123456, 1234567.891, 0, 'NaN', 'Infinity', null, 0.0001 - 1e-20].map((x) => significant(x)),
    ['58.2391', '0.001', '1e-5', '−3', '442', '123,456', '1,234,568', '0', '–', '∞', '–', '0.0001']);
  const show = column([67.759756562931, 58.23914421528349, 'NaN'], 8);
  assert.deepEqual([show(67.759756562931), show(58.2), show('NaN')], ['67.759757', '58.200000', '–']);
  assert.deepEqual([0.5, 0.25].map(column([0.5, 0.25])), ['0.50', '0.25']);
  assert.deepEqual([1, 10, 100].map(column([1, 10, 100])), ['1', '10', '100']);
  assert.deepEqual([0.0000153, 0.0189, 3, 150, 7500].map((x) => seconds(x)), ['15.3_µs', '18.9_ms', '3_s', '2_min 30_s', '2_h 5_min'].map(unbroken));
  assert.equal(runs([0, 1, 2, 5, 7, 8]), '0–2, 5, 7–8');
  assert.equal(runs([0, 2, 4, 6, 8]), '5 of them');
  assert.deepEqual([count(1, 'row'), count(12000, 'row'), percent(0.811), percent(1)], ['1 row', '12,000 rows', '81.1_%', '100_%'].map(unbroken));
  assert.deepEqual([value(['a', 'b']), value(true), value(null), value('x')], ['a, b', 'true', '–', 'x']);
});

test('bars of any zoom hold every event once, and not more bars than pixels', () => {
  const prepared = luthier.events.prepare(luthier.document.read(documents.thousand()));
  const { events, count, end } = prepared;
  for (const [from, to] of [[0, end], [end * 0.3, end * 0.4], [end * 0.5, end * 0.5001]]) {
    const pixel = (to - from) / 1000;
    const bars = luthier.events.bars(prepared, from, to, pixel, null);
    const inside = Array.from({ length: count }, (_, i) => i).filter((i) => events.end[i] >= from && events.start[i] <= to).length;
    assert.equal(bars.reduce((sum, bar) => sum + bar.count, 0), inside);
    assert.ok(bars.length <= prepared.lanes.length * 1000, `${bars.length} bars`);
  }
});

test('lanes hold no two events at a time, and those of one worker stay its own', () => {
  const report = search({ title: 't', params: grid({ a: [1, 2, 3] }), rounds: 2, rng: random(1), scoreOf: () => 1 });
  // Work inside of other work on one thread.
  report.events.worker = report.events.worker.map(() => 0);
  const { lanes, events, count } = luthier.events.prepare(luthier.document.read(report));
  assert.equal(lanes.reduce((sum, lane) => sum + lane.events.length, 0), count);
  assert.ok(lanes.length > 1);
  for (const lane of lanes) lane.events.forEach((i, at) => assert.ok(at === 0 || events.start[i] >= events.end[lane.events[at - 1]]));
});

test('workers with a name of their own are lanes of that name, and others have a number', () => {
  const report = documents.scene();
  const names = (workers) => {
    report.events.workers = workers;
    const prepared = luthier.events.prepare(luthier.document.read(report));
    const of = (text) => plain(prepared.order).filter((i) => luthier.events.find(prepared, text)[i] === 1).map((i) => report.events.worker[i]);
    return { prepared, of, lanes: prepared.lanes.map((lane) => prepared.names[lane.worker]) };
  };
  const numbered = ['worker 0', 'worker 1', 'worker 2', 'worker 3'];
  for (const workers of [numbered, undefined, numbered.slice(0, 2)]) assert.deepEqual(plain(names(workers).lanes), numbered);
  const hosts = ['main', 'north, process 7, worker 0', 'north, process 7, worker 1', 'south, process 9, worker 0'];
  const { lanes, of } = names(hosts);
  assert.deepEqual(plain(lanes), hosts);
  assert.deepEqual([...new Set(of('worker 0'))].sort(), [1, 3]);
  assert.deepEqual([[...new Set(of('south'))], [...new Set(of('main'))], of('worker 9')], [[3], [0], []]);
});

test('units in flight are those that are counted at every start', () => {
  for (const name of ['scene', 'thousand']) {
    const prepared = luthier.events.prepare(luthier.document.read(documents[name]()));
    const { events } = prepared;
    const units = prepared.order.filter((i) => events.kinds[events.kind[i]] === 'unit').slice(0, 400);
    const most = Math.max(...units.map((i) => units.filter((k) => events.start[k] <= events.start[i] && events.end[k] > events.start[i]).length));
    assert.equal(luthier.events.most(prepared.flight), most);
    const sum = prepared.order.filter((i) => events.kinds[events.kind[i]] === 'unit').reduce((total, i) => total + events.end[i] - events.start[i], 0);
    near(luthier.events.area(prepared.flight), sum);
    // In bins: the largest stays, and the mean keeps the area.
    assert.equal(Math.max(...luthier.events.binned(prepared.flight, 0, prepared.end, 50, false).map((point) => point[1])), most);
    const bins = luthier.events.binned(prepared.busy, 0, prepared.end, 40, true);
    if (prepared.busy.length > 100) near(bins.slice(0, -1).reduce((total, point) => total + point[1] * (prepared.end / 40), 0), luthier.events.area(prepared.busy), 1e-6);
  }
});

test('find takes candidates, rounds, stages and what is shared', () => {
  const doc = luthier.document.read(documents.scene());
  const prepared = luthier.events.prepare(doc);
  const { events } = prepared;
  const found = (text) => prepared.order.filter((i) => luthier.events.find(prepared, text)[i] === 1);
  const has = (i, n) => luthier.events.candidatesOf(events, i).includes(n);
  assert.equal(luthier.events.find(prepared, '  '), null);
  assert.deepEqual(plain(found('candidate 5 round 1')), plain(prepared.order.filter((i) => has(i, 5) && events.round[i] === 1)));
  assert.deepEqual(plain(found('5')), plain(prepared.order.filter((i) => has(i, 5))));
  assert.ok(found('pca').length === 12 && found('shared').length === 13 && found('last fit').length === 1 && found('nothing').length === 0);
});

test('a brush keeps what lies in every range', () => {
  const doc = luthier.document.read(documents.classes());
  const [, mix, intercept] = doc.factors;
  const kept = (intervals) => doc.order.filter((c) => luthier.inBrush(doc, doc.factors, intervals, c));
  assert.equal(kept([[], [], [], []]).length, 30);
  assert.deepEqual(plain(kept([[], [[0.4, 1]], [[-0.5, 0.5]], []])), plain(doc.order.filter((c) => mix.values[c] >= 0.4 && intercept.values[c] === true)));
});

test('lines that differ give the other text', () => {
  const [a, b] = ['a\nb\nc\nd', 'a\nx\nc\nd\ne'];
  assert.deepEqual(plain(luthier.compare.lines(a, b)), [['−', 'b'], ['+', 'x'], ['+', 'e']]);
  assert.deepEqual(plain(luthier.compare.lines(a, a)), []);
});

test('filters compare numbers and find words', () => {
  const columns = [{ name: 'rank', get: (row) => row[0], show: String }, { name: 'lr.solver', get: (row) => row[1], show: String }];
  const rows = [[1, 'auto'], [2, 'newton'], [10, 'Auto']];
  const kept = (text) => rows.filter((row) => luthier.filter(text, columns).every((t) => t(row))).map((row) => row[0]);
  assert.deepEqual([kept('rank<10'), kept('rank>=2 auto'), kept('lr.solver=auto'), kept('lr.solver!=auto'), kept('new'), kept('nosuch=1'), kept('')], [[1, 2], [10], [1, 10], [2], [2], [], [1, 2, 10]]);
  assert.deepEqual([kept('rank < 10'), kept('rank>= 2 auto'), kept('rank<'), kept('rank')], [[1, 2], [10], [1, 2, 10], []]);
  const problem = (text) => luthier.filterProblem(text, columns);
  assert.deepEqual([problem('rank<10 auto'), problem('nosuch=1'), problem('rank <'), problem('')],
    ['', 'No column is called “nosuch”.', '“rank<” is not finished: a value is missing after it.', '']);
});

test('filters take shares in percent, and names with blanks', () => {
  const columns = [
    { name: 'P(best)', get: (row) => row[0], show: String, isShare: true }, { name: 'std error', get: (row) => row[1], show: String },
  ];
  const rows = [[0.05, 1], [0.1, 20], [0.6, 30]];
  const kept = (text) => rows.filter((row) => luthier.filter(text, columns).every((t) => t(row))).map((row) => row[1]);
  assert.deepEqual([kept('P(best) > 10%'), kept('p(best)>=10 %'), kept('P(best)>=10'), kept('P(best)>0.5'), kept('std error > 10 P(best)<0.5'), kept('std error>10%')],
    [[30], [20, 30], [20, 30], [30], [20], []]);
});

test('percentages add up', () => {
  const { percents } = luthier.format;
  assert.deepEqual(plain(percents([1, 1, 1])), ['33.4_%', '33.3_%', '33.3_%'].map(unbroken));
  assert.deepEqual(plain(percents([1246, 754])), ['62.3_%', '37.7_%'].map(unbroken));
  for (const counts of [[7, 11, 13, 17], [1, 999], [3, 3, 3, 3, 3, 3, 3]]) {
    near(percents(counts).reduce((sum, text) => sum + parseFloat(text), 0), 100);
  }
});

test('the time without an event is what no worker was busy', () => {
  const { idle } = luthier.events;
  assert.deepEqual([idle([[0, 0], [2, 1], [5, 0], [7, 2], [8, 0]], 10), idle([[0, 1], [10, 0]], 10), idle([[0, 1], [10, 0]], 12)], [6, 0, 2]);
});

test('a run that took scores from a journal, or has other data, is not said to be faster', () => {
  const one = documents.scene();
  one.compare = documents.scene();
  const unlike = () => plain(luthier.compare.unlike(luthier.document.read(one)));
  assert.deepEqual(unlike(), []);
  one.search.recalled = 5;
  one.compare.repeat.data[0].fingerprint = '0';
  assert.deepEqual(unlike(), ['this run took 5 scores from a journal', 'the data differ']);
});

test('coefficients of 0 and the intercept are told and not drawn', () => {
  const [plot] = luthier.plots.model(luthier.document.read(documents.classes()));
  assert.equal(plot.id, 'coefficients');
  assert.ok(plot.description.includes('5 coefficients of 8 are 0 and not drawn. The intercept is −1.117.'), plot.description);
  assert.equal(plot.rows.length, 9);
});

test('the axis of a score ends at the worst candidate that is not left out', () => {
  const { range } = luthier.plots.parts;
  const { min } = range({ isLarger: true }, [0.5, 0.5, 0.757, 0.79, 0.8, 0.81, 0.811, 0.812, 0.813, 0.814, 0.815, 0.815]);
  assert.ok(min > 0.7 && min < 0.757, min);
});

test('axes are logarithmic where values are spread so', () => {
  const isLog = (values) => luthier.document.read({ candidates: { count: values.length, params: [{ name: 'p', values }] } }).candidates.params[0].isLog;
  assert.deepEqual([[0.001, 0.01, 0.1, 1], [1, 2, 3, 4], [0, 0.01, 1], [10, 20, 300], [100, 200, 300, 400, 500, 5]].map(isLog), [true, false, false, true, false]);
});

test('an interval ends where its metric does', () => {
  const { metricBounds, around, halfWidth } = luthier.document;
  const all = [-Infinity, Infinity];
  const known = {
    area_under_roc: [0, 1], 'recall_by_label(1)': [0, 1], 'f_measure_by_label(-1.5)': [0, 1], ndcg_at_10: [0, 1], mean_average_precision_at_5: [0, 1],
    mean_average_precision: [0, 1], rmse: [0, Infinity], log_loss: [0, Infinity], r2: [-Infinity, 1], profit: all, rmse_at_home: all,
  };
  for (const [name, bounds] of Object.entries(known)) assert.deepEqual(plain(metricBounds(name).map(String)), bounds.map(String), name);
  const read = (metric, mean) => luthier.document.read({
    search: { metric, larger_is_better: true, best: 0 },
    candidates: { count: 1, params: [], rank: [1], mean: [mean], std: [0.01], std_error: [0.01], scored_folds: [5] },
  });
  const doc = read('area_under_roc', 0.981);
  const half = halfWidth(doc, 0);
  near(half, 0.01 * 2.7764451051977934);
  assert.deepEqual(plain(around(doc, 0, half)), { low: 0.981 - half, high: 1, isLowCut: false, isHighCut: true });
  assert.deepEqual(plain(around(read('rmse', 0.02), 0, half)), { low: 0, high: 0.02 + half, isLowCut: true, isHighCut: false });
  assert.deepEqual(plain(around(read('rmse', 5), 0, half)), { low: 5 - half, high: 5 + half, isLowCut: false, isHighCut: false });
  // Of another metric with the same name, which goes beyond 1, nothing is cut.
  assert.equal(around(read('accuracy', 97.3), 0, half).isHighCut, false);
});

test('events are of folds, or of rounds where folds are nested', () => {
  const report = documents.scene();
  const word = () => luthier.document.read(report).round;
  assert.equal(word(), 'fold');
  report.events.round[5] = 3;
  assert.equal(word(), 'round');
});
