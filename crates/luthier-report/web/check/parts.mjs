// The parts of a document besides the search itself: pipelines, data, model, predictions, and what repeats it.
const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;

function quantiles(values) {
  const sorted = values.slice().sort((a, b) => a - b);
  const at = (share) => sorted[Math.round(share * (sorted.length - 1))];
  return { 0: at(0), 0.25: at(0.25), 0.5: at(0.5), 0.75: at(0.75), 1: at(1) };
}

function histogram(values, bins = 20) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const width = (high - low) / bins || 1;
  const counts = Array.from({ length: bins }, () => 0);
  for (const x of values) counts[Math.min(bins - 1, Math.floor((x - low) / width))] += 1;
  return { edges: Array.from({ length: bins + 1 }, (_, at) => low + at * width), counts };
}

function correlation(a, b) {
  const [ma, mb] = [mean(a), mean(b)];
  const product = (x, mx, y, my) => x.reduce((sum, v, at) => sum + (v - mx) * (y[at] - my), 0);
  return product(a, ma, b, mb) / Math.sqrt(product(a, ma, a, ma) * product(b, mb, b, mb));
}

function numeric(name, values, label, more = {}) {
  const m = mean(values);
  return {
    name, type: 'f64', role: 'feature', missing: 0, distinct: new Set(values).size, mean: m, std: Math.sqrt(mean(values.map((x) => (x - m) ** 2))),
    quantiles: quantiles(values), histogram: histogram(values), levels: null, more_levels: 0, correlation: label ? correlation(values, label) : null, suspect: null, ...more,
  };
}

/** Data of `n` rows: features whose names are given, one text column, and a label. */
export function data(rng, names, n, { classes = null } = {}) {
  const columns = names.map(() => Array.from({ length: n }, () => rng.normal() * (1 + 3 * rng())));
  const label = Array.from({ length: n }, (_, row) => 150 + 20 * columns[0][row] - 9 * (columns[1] ?? columns[0])[row] + 15 * rng.normal());
  const found = names.map((name, at) => numeric(name, columns[at], label, { missing: at === 2 ? 7 : 0, suspect: at === names.length - 1 ? 'has a value of its own in each row, as an id has' : at === 1 ? 'is a copy of `age` in all but 2 rows' : null }));
  found.push({ name: 'region', type: 'string', role: 'feature', missing: 0, distinct: 3, mean: null, std: null, quantiles: null, histogram: null, levels: [{ value: 'north', count: Math.floor(n / 2) }, { value: 'south', count: Math.floor(n / 3) }, { value: 'west', count: n - Math.floor(n / 2) - Math.floor(n / 3) }], more_levels: 0, correlation: null, suspect: null });
  if (classes) {
    const counts = classes.map((_, at) => Math.floor(n / (at + 1.5) / 1.6));
    found.push({ name: 'label', type: 'string', role: 'label', missing: 0, distinct: classes.length, mean: null, std: null, quantiles: null, histogram: null, levels: classes.map((value, at) => ({ value, count: counts[at] })), more_levels: 0, correlation: null, suspect: null });
  } else {
    found.push(numeric('label', label, null, { role: 'label' }));
  }
  return { rows: n, partitions: 2, label: 'label', columns: found };
}

export function pipeline(names) {
  return [{
    name: '0', stages: [
      { name: 'pca', type: 'pca', params: { k: '8', input_col: 'features', output_col: 'components', center: 'false' }, changed: ['output_col'], searched: ['k'], inputs: [{ name: 'features', type: 'vector', width: names.length, features: names }], outputs: [{ name: 'components', type: 'vector', width: 8, features: Array.from({ length: 8 }, (_, at) => `pc${at + 1}`) }] },
      { name: 'lr', type: 'linear_regression', params: { features_col: 'components', label_col: 'label', reg_param: '0.001', elastic_net_param: '0.0', fit_intercept: 'true', solver: 'auto' }, changed: ['features_col'], searched: ['reg_param'], inputs: [{ name: 'components', type: 'vector', width: 8, features: [] }], outputs: [{ name: 'prediction', type: 'f64', width: null, features: [] }] },
    ],
  }];
}

export function model(rng, names) {
  const values = [...names.map(() => 12 * rng.normal()), 152.133];
  const error = values.map(() => 1 + 3 * rng());
  return {
    stages: [
      { name: 'pca', type: 'pca', facts: [['components', '8']], tables: [{ name: 'explained variance', names: ['pc1', 'pc2', 'pc3', 'pc4'], columns: [{ name: 'explained_variance', values: [0.73, 0.096, 0.075, 0.043] }] }], notes: [] },
      {
        name: 'lr', type: 'linear_regression', facts: [['rows', '442'], ['iterations', '1'], ['r2', '0.5122070173882477'], ['rmse', '51.480861078086']], notes: ['the residuals have a variance that grows with the prediction'],
        tables: [{ name: 'coefficient', of: 'feature', names: [...names, 'intercept'], columns: [{ name: 'coefficient', values }, { name: 'standard_error', values: error }, { name: 'low', values: values.map((x, at) => x - 1.96 * error[at]) }, { name: 'high', values: values.map((x, at) => x + 1.96 * error[at]) }] }],
      },
    ],
  };
}

/** A model with coefficients of 0, as the lasso leaves them. */
export function sparse(rng, names) {
  const values = [...names.map((_, at) => (at % 3 ? 0 : rng.normal())), -1.117];
  return {
    stages: [{
      name: 'lr', type: 'logistic_regression', facts: [['rows', '5000'], ['log_loss', '0.4915380690955381'], ['accuracy', '0.7685']], notes: [],
      tables: [{ name: 'coefficient', of: 'feature', names: [...names, 'intercept'], columns: [{ name: 'coefficient', values }] }],
    }],
  };
}

export function regression(rng, n) {
  const prediction = Array.from({ length: n }, () => 150 + 40 * rng.normal());
  const label = prediction.map((p) => p + (10 + p / 8) * rng.normal());
  const residuals = label.map((y, at) => y - prediction[at]).sort((a, b) => a - b);
  return {
    kind: 'regression', rows: n,
    regression: { prediction, label, residual_quantiles: Object.fromEntries([0, 0.05, 0.25, 0.5, 0.75, 0.95, 1].map((share) => [share, residuals[Math.round(share * (n - 1))]])), sampled: false },
    worst: label.map((y, row) => ({ row, place: `data.csv:${row + 2}`, label: y.toFixed(1), prediction: String(prediction[row]), loss: (y - prediction[row]) ** 2 })).sort((a, b) => b.loss - a.loss).slice(0, 20),
  };
}

export function binary(rng, n) {
  const rows = Array.from({ length: n }, () => {
    const z = rng.normal();
    return { p: 1 / (1 + Math.exp(-1.7 * z)), y: rng() < 1 / (1 + Math.exp(-1.2 * z)) };
  }).sort((a, b) => b.p - a.p);
  const all = rows.filter((row) => row.y).length;
  let [tp, fp, auc] = [0, 0, 0];
  const curves = { fpr: [0], tpr: [0], recall: [], precision: [] };
  for (const row of rows) {
    if (row.y) tp += 1;
    else {
      fp += 1;
      auc += tp / all / (n - all);
    }
    curves.fpr.push(fp / (n - all));
    curves.tpr.push(tp / all);
    curves.recall.push(tp / all);
    curves.precision.push(tp / (tp + fp));
  }
  const bins = Array.from({ length: 10 }, (_, at) => rows.filter((row) => Math.min(9, Math.floor(row.p * 10)) === at)).filter((bin) => bin.length);
  const called = rows.map((row) => [row.y, row.p > 0.5]);
  const cell = (y, c) => called.filter(([a, b]) => a === y && b === c).length;
  return {
    kind: 'binary', rows: n,
    binary: {
      roc: { fpr: curves.fpr, tpr: curves.tpr }, pr: { recall: curves.recall, precision: curves.precision }, auc, positive: 'yes',
      calibration: { predicted: bins.map((bin) => mean(bin.map((row) => row.p))), observed: bins.map((bin) => mean(bin.map((row) => Number(row.y)))), rows: bins.map((bin) => bin.length) },
    },
    confusion: { labels: ['no', 'yes'], counts: [[cell(false, false), cell(false, true)], [cell(true, false), cell(true, true)]] },
    worst: rows.map((row, at) => ({ row: at, place: `data.csv:${at + 2}`, label: row.y ? 'yes' : 'no', prediction: row.p.toFixed(4), loss: -Math.log(row.y ? row.p : 1 - row.p) })).sort((a, b) => b.loss - a.loss).slice(0, 10),
  };
}

export function multiclass(rng, labels) {
  const counts = labels.map((_, i) => labels.map((__, j) => Math.floor(i === j ? 30 + 20 * rng() : 8 * rng())));
  return { kind: 'multiclass', rows: counts.flat().reduce((a, b) => a + b, 0), confusion: { labels, counts }, worst: [] };
}

export function repeat(parallelism = 3) {
  return {
    configuration: `seed = 42\n\n[data]\npath = "data/diabetes.csv"\nlabel = "label"\n\n[[stage]]\nname = "pca"\ntype = "pca"\n\n[grid]\n"pca.k" = [2, 4, 6, 8]\n\n[search]\nmethod = "cross_validator"\nnum_folds = 3\nparallelism = ${parallelism}\n`,
    command: ['luthier', 'tune', 'scene.toml', '--out', 'my run'], seed: 42, version: '0.1.0', machine: { cores: 4, memory_bytes: 16 * 2 ** 30, os: 'linux' },
    data: [{ path: 'data/diabetes.csv', fingerprint: '9f2c6a1be77d03c5', bytes: 23105 }],
  };
}
