// Documents of the report's contract, made up but whole: every part that a search can leave is in one of them.
export function random(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return Object.assign(next, { normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()) });
}

const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;
const finite = (x) => (Number.isFinite(x) ? x : Number.isNaN(x) ? 'NaN' : x > 0 ? 'Infinity' : '-Infinity');

/**
 * `params`: `[{name, values}]` per candidate. `scoreOf(candidate, round)` is its metric. `outcomeOf` gives `s`, `f`, `p` or `c`.
 */
export function search({ title, params, rounds, scoreOf, outcomeOf = () => 's', metric = 'rmse', larger = false, rng, rows = 442, workers = 3, shared = true, stages = ['pca', 'lr'], scale = 400 }) {
  const count = params.length ? params[0].values.length : 1;
  const each = Array.from({ length: count }, (_, c) => c);
  const per = (f) => each.map((c) => Array.from({ length: rounds }, (_, round) => f(c, round)));
  const outcome = each.map((c) => Array.from({ length: rounds }, (_, round) => outcomeOf(c, round)).join(''));
  const scores = per((c, round) => (outcome[c][round] === 's' ? scoreOf(c, round) : null));
  const cell = scores.map((row) => row.map((x) => (x === null ? 'NaN' : x)));
  const validation = Math.round(rows / Math.max(rounds, 2));
  const overlap = validation / (rows - validation);
  const means = scores.map((row, c) => {
    const scored = row.filter((x) => x !== null);
    return outcome[c].includes('f') || !scored.length ? NaN : mean(scored);
  });
  const std = scores.map((row, c) => {
    const scored = row.filter((x) => x !== null);
    return Number.isFinite(means[c]) ? Math.sqrt(mean(scored.map((x) => (x - means[c]) ** 2))) : NaN;
  });
  const scored = scores.map((row) => row.filter((x) => x !== null).length);
  const error = std.map((s, c) => (scored[c] < 2 ? NaN : Math.sqrt((1 / scored[c] + overlap) * ((s * s * scored[c]) / (scored[c] - 1)))));
  const order = each.slice().sort((a, b) => scored[b] - scored[a] || ((larger ? means[b] - means[a] : means[a] - means[b]) || 0));
  order.sort((a, b) => Number.isNaN(means[a]) - Number.isNaN(means[b]));
  const rank = [];
  order.forEach((c, at) => (rank[c] = at + 1));
  const best = Number.isFinite(means[order[0]]) ? order[0] : null;
  const within = best === null ? [] : each.filter((c) => (larger ? means[best] - means[c] : means[c] - means[best]) <= error[best]);
  const weight = means.map((m) => (best === null || !Number.isFinite(m) || !(error[best] > 0) ? 0 : Math.exp(-Math.abs(m - means[best]) / error[best] * 3)));
  const total = weight.reduce((a, b) => a + b, 0);
  const events = makeEvents({ count, rounds, outcome, workers, shared, stages, rng, best, scale, params });
  const rounded = (x) => Number(Math.abs(x).toPrecision(4));
  const fits = per(() => rounded(0.004 + 0.001 * rng.normal()));
  const work = { rows_read: rows, passes: 1, summaries: 1, lifted: 25, guarded: 0, factorisations: 7, fits: count * rounds, reused_fits: Math.floor(count / 2), evaluations: count * rounds, evaluations_without_rows: 0 };
  return {
    format: 'luthier.report', version: 1, title, created: '2026-11-30T07:30:00Z',
    search: {
      metric, larger_is_better: larger, also: [{ metric: 'r2', larger_is_better: true }], best, selection: 'best', strategy: 'grid', seed: 42, pipelines: ['0'],
      overlap, search_seconds: events.end.reduce((a, b) => Math.max(a, b), 0) / 1e6, load_seconds: 0.035, ended_early: null, parallelism: String(workers), units_in_flight: workers,
      executor: 'thread_pool', work, planned: { work: { ...work, factorisations: 0 }, is_approximate: false }, procedure: null, test: null,
      rows, recalled: 0, default: count > 3 ? 3 : null, within_one_standard_error: within,
    },
    notes: [],
    candidates: {
      count, params, pipeline: each.map(() => 0), rank, mean: means.map(finite), std: std.map(finite), std_error: error.map(finite),
      probability_best: weight.map((w, c) => (scored[c] === rounds && rounds > 1 && total > 0 ? w / total : null)), scored_folds: scored,
      also: [{ mean: means.map((m) => finite(1 - m / 90)), std: std.map((s) => finite(s / 90)) }],
    },
    cells: {
      rounds, metric: cell, also: count * rounds > 5000 ? null : [cell.map((row) => row.map((x) => (typeof x === 'number' ? 1 - x / 90 : x)))], outcome, fit_seconds: fits,
      score_seconds: per(() => rounded(0.0004 + 0.0001 * rng.normal())), reused_fits: per((c) => c % 2), errors: [],
      training_rows: Array.from({ length: rounds }, () => rows - validation), validation_rows: Array.from({ length: rounds }, () => validation),
    },
    events,
    plan: { text: 'rows are read once\npca (4 candidates) -> lr (16 candidates), 3 rounds\n  64 fits of lr, 12 fits of pca' },
  };
}

/** A pass over the rows, then units over workers that take the next as they come free, then the last fit. */
function makeEvents({ count, rounds, outcome, workers, shared, stages, rng, best, scale, params }) {
  const made = { stages: ['rows', ...stages, 'refit'], kinds: ['unit', 'summarise', 'refit'], workers: Array.from({ length: workers + 1 }, (_, w) => `worker ${w}`), kind: [], stage: [], round: [], worker: [], start: [], end: [], candidates: [], shared: [] };
  const add = (kind, stage, round, worker, start, length, candidates, isShared) => {
    made.kind.push(kind);
    made.stage.push(stage);
    made.round.push(round);
    made.worker.push(worker);
    made.start.push(Math.round(start));
    made.end.push(Math.round(start + length));
    made.candidates.push(candidates);
    made.shared.push(Number(isShared));
    return start + length;
  };
  const begun = add(1, 0, -1, 0, 500, 8 * scale, { from: 0, to: count - 1 }, true);
  const free = Array.from({ length: workers }, () => begun + 100);
  const run = (stage, round, candidates, length, isShared) => {
    const w = free.indexOf(Math.min(...free));
    free[w] = add(0, stage, round, w + 1, free[w] + 10 + 20 * rng(), length, candidates, isShared) + 5;
  };
  for (let round = 0; round < rounds; round += 1) {
    const groups = new Map();
    for (let c = 0; c < count; c += 1) {
      if (outcome[c][round] === 'c') continue;
      const key = shared && params.length ? params[0].values[c] : c;
      groups.set(key, [...(groups.get(key) ?? []), c]);
    }
    for (const members of groups.values()) {
      if (shared && stages.length > 1) run(1, round, members, scale * (2 + rng()), members.length > 1);
      for (const c of members) run(stages.length, round, [c], scale * (1 + rng()), false);
    }
  }
  if (best !== null) add(2, stages.length + 1, -1, 0, Math.max(...free) + 50, 3 * scale, [best], false);
  return made;
}

export function grid(lists) {
  const names = Object.keys(lists);
  const all = names.reduce((rows, name) => rows.flatMap((row) => lists[name].map((x) => [...row, x])), [[]]);
  return names.map((name, at) => ({ name, values: all.map((row) => row[at]) }));
}
