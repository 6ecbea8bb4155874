// Writes one report of each kind of document: node fixture.mjs DIR [NAME…]
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { assemble } from './assemble.mjs';
import * as parts from './parts.mjs';
import { grid, random, search } from './documents.mjs';

const hostile = `"><script>globalThis.hacked = true</script><img src=x onerror="globalThis.hacked = true">'\`\${1}&amp;`;

const names = ['age', 'sex', 'bmi', 'bp', 's1', 's2', 's3', 's4', 's5', 's6'];

export const documents = {
  scene(workers = 3) {
    const rng = random(1);
    const params = grid({ 'pca.k': [2, 4, 6, 8], 'lr.reg_param': [0.001, 0.01, 0.1, 1] });
    const [k, reg] = params.map((p) => p.values);
    const round = [0.8, -1.1, 0.5];
    const report = search({ title: 'scene.toml', params, rounds: 3, rng, workers, scoreOf: (c, r) => 70 - 1.4 * k[c] + 1.5 * Math.log10(reg[c] * 100) ** 2 / 3 + round[r] + 0.3 * rng.normal() });
    report.search.procedure = { mean: 59.9, std_error: 1.4, rounds: [] };
    report.search.test = { rows: 88, metrics: { rmse: 57.80590123, r2: 0.44 }, errors: {} };
    report.search.rows = 354;
    report.notes = [{ text: '3 rows are left out: they have no label (missing_label = "drop")', kind: 'program', stage: null, folds: [], fits: null }];
    report.pipelines = parts.pipeline(names);
    report.data = parts.data(rng, names, 442);
    report.model = parts.model(rng, names);
    report.predictions = parts.regression(rng, 442);
    report.repeat = parts.repeat(workers);
    return report;
  },
  recalled() {
    const report = documents.scene();
    report.title = 'recalled.toml';
    report.search.recalled = 48;
    // The last fit is all that ran.
    const { events } = report;
    for (const name of ['kind', 'stage', 'round', 'worker', 'start', 'end', 'candidates', 'shared']) events[name] = events[name].slice(-1);
    return report;
  },
  compared() {
    const report = documents.scene(1);
    report.title = 'scene, parallelism 1';
    report.search.recalled = 48;
    report.search.seed = 43;
    report.compare = documents.scene(3);
    report.compare.title = 'scene, parallelism 3';
    report.compare.candidates.mean = report.compare.candidates.mean.map((m, c) => (c === 2 ? m + 0.4 : m));
    return report;
  },
  classes() {
    const rng = random(8);
    const params = grid({ 'lr.reg_param': [1e-4, 1e-3, 1e-2, 1e-1, 1], 'lr.elastic_net_param': [0, 0.5, 1], 'lr.fit_intercept': [true, false] });
    const [reg, mix] = params.map((p) => p.values);
    const report = search({ title: 'churn.toml', params, rounds: 5, rng, metric: 'area_under_roc', larger: true, rows: 5000, stages: ['index', 'lr'], scoreOf: (c) => 0.83 - 0.01 * Math.log10(reg[c] * 50) ** 2 - 0.01 * mix[c] + 0.004 * rng.normal() });
    report.cells.training_rows = [500, 1000, 2000, 4000, 4000];
    report.search.recalled = 57;
    report.model = parts.sparse(rng, ['tenure', 'charges', 'calls', 'minutes', 'visits', 'region=north', 'region=south', 'region=west']);
    report.data = parts.data(rng, ['tenure', 'charges', 'calls', 'minutes', 'visits'], 5000, { classes: ['no', 'yes', 'unknown'] });
    report.predictions = parts.binary(rng, 1500);
    report.repeat = parts.repeat();
    return report;
  },
  digits() {
    const rng = random(9);
    const params = grid({ 'tree.max_depth': [2, 3, 5, 8, 13] });
    const report = search({ title: 'digits.toml', params, rounds: 4, rng, metric: 'accuracy', larger: true, stages: ['tree'], scoreOf: (c) => 0.6 + 0.05 * c - 0.006 * c * c + 0.01 * rng.normal() });
    report.search.recalled = 20;
    report.predictions = parts.multiclass(rng, Array.from({ length: 10 }, (_, at) => String(at)));
    report.data = parts.data(rng, Array.from({ length: 60 }, (_, at) => `pixel_${at}`), 300, { classes: ['0', '1', '2', '3'] });
    return report;
  },
  thousand() {
    const rng = random(2);
    const n = 1000;
    const draw = (f) => Array.from({ length: n }, f);
    const params = [
      { name: 'forest.max_depth', values: draw(() => 2 + Math.floor(rng() * 14)) },
      { name: 'forest.num_trees', values: draw(() => 10 * (1 + Math.floor(rng() * 30))) },
      { name: 'forest.learning_rate', values: draw(() => 10 ** (-4 + 4 * rng())) },
      { name: 'forest.subsample', values: draw(() => 0.3 + 0.7 * rng()) },
      { name: 'forest.impurity', values: draw(() => (rng() < 0.5 ? 'gini' : 'entropy')) },
      { name: 'forest.bootstrap', values: draw(() => rng() < 0.7) },
    ];
    const [depth, , rate, , impurity] = params.map((p) => p.values);
    const report = search({
      title: 'thousand.toml', params, rounds: 10, rng, metric: 'area_under_roc', larger: true, rows: 100000, shared: false, stages: ['forest'], scale: 4000,
      scoreOf: (c) => 0.92 - 0.012 * (Math.log10(rate[c]) + 1.5) ** 2 - 0.0004 * (depth[c] - 9) ** 2 + (impurity[c] === 'gini' ? 0.004 : 0) + 0.006 * rng.normal(),
    });
    report.data = parts.data(rng, names, 2000, { classes: ['no', 'yes'] });
    report.predictions = parts.binary(rng, 500);
    report.repeat = parts.repeat();
    return report;
  },
  failures() {
    const rng = random(3);
    const params = grid({ 'lr.solver': ['auto', 'normal', 'newton'], 'lr.reg_param': [0, 0.1, 1, 10] });
    const report = search({
      title: 'failures.toml', params, rounds: 3, rng, scoreOf: (c) => 50 + c + rng.normal(), stages: ['lr'],
      outcomeOf: (c, r) => (params[0].values[c] === 'newton' && r > 0 ? 'f' : c === 7 && r === 2 ? 'p' : 's'),
    });
    report.cells.errors = [8, 9, 10, 11].flatMap((candidate) => [1, 2].map((round) => ({
      candidate, round, text: `stage lr: the Hessian is not positive definite after 12 iterations, with reg_param = ${params[1].values[candidate]}; write a reg_param above 0`,
    })));
    report.notes = [
      { text: 'the columns x3 and x7 are linearly dependent: the coefficients are one of many solutions', kind: 'rank_deficient', stage: 'lr', folds: [0, 2], fits: '12 of 36 fits' },
      { text: 'the optimiser stopped after 100 iterations', kind: 'not_converged', stage: 'lr', folds: [1], fits: '3 of 36 fits' },
    ];
    return report;
  },
  interrupted() {
    const report = documents.scene();
    report.title = 'interrupted.toml';
    report.search.ended_early = 'because it was interrupted (Ctrl-C)';
    report.cells.outcome = report.cells.outcome.map((letters, c) => (c > 9 ? 'scc' : letters));
    report.candidates.scored_folds = report.candidates.scored_folds.map((n, c) => (c > 9 ? 1 : n));
    report.candidates.std_error = report.candidates.std_error.map((x, c) => (c > 9 ? 'NaN' : x));
    report.candidates.probability_best = report.candidates.probability_best.map((x, c) => (c > 9 ? null : x));
    return report;
  },
  single() {
    const rng = random(5);
    return search({ title: 'single.toml', params: [], rounds: 1, rng, scoreOf: () => 58.23914421528349, stages: ['lr'] });
  },
  hostile() {
    const rng = random(6);
    const long = 'a very long name '.repeat(30).slice(0, 500);
    const params = grid({ [hostile]: [hostile, 'b', '</script><!--'], [long]: [1, 2, 3], '__proto__ "constructor"': ['x'.repeat(500), "it's"] });
    const report = search({ title: `${hostile} ${long}`, params, rounds: 3, rng, scoreOf: () => 50 + rng.normal(), stages: [hostile, long] });
    report.events.workers = [hostile, long, 'host-1:pid 4', '\u202eworker'];
    report.cells.errors = [{ candidate: 0, round: 0, text: hostile.repeat(5) }];
    report.pipelines = parts.pipeline([hostile, long, 'c']);
    report.pipelines[0].name = hostile;
    report.pipelines[0].stages[0].name = hostile;
    report.pipelines[0].stages[1].name = long;
    report.data = parts.data(rng, [hostile, long, 'c'], 60, { classes: [hostile, long] });
    report.data.label = hostile;
    report.model = parts.model(rng, [hostile, long, 'c']);
    report.predictions = parts.multiclass(rng, [hostile, long, 'c']);
    report.predictions.worst = [{ row: 1, place: 'x:2', label: hostile, prediction: long, loss: 3 }];
    report.repeat = { ...parts.repeat(), configuration: hostile, command: ['luthier', hostile, long] };
    report.notes = [{ text: hostile + long, kind: hostile, stage: long, folds: [0], fits: hostile }];
    return report;
  },
};

if (process.argv[1] && import.meta.url.endsWith(process.argv[1].split('/').pop())) {
  const [dir = '.', ...names] = process.argv.slice(2);
  mkdirSync(dir, { recursive: true });
  for (const [name, make] of Object.entries(documents)) {
    if (names.length && !names.includes(name)) continue;
    const html = assemble(make());
    writeFileSync(join(dir, `${name}.html`), html);
    console.log(`${name}.html ${Math.round(html.length / 1000)} kB`);
  }
}
