'use strict';
// The document as the page reads it: candidates, parameters and scores, whatever is missing.
(function (luthier) {
  const { number, value, significant, short } = luthier.format;

  /** Reads a document. Its raw form stays in `raw`. */
  function read(raw) {
    const search = raw.search || {};
    const source = raw.candidates || { count: 0, params: [] };
    const cells = raw.cells || null;
    const numbers = (values) => (values || []).map(number);
    const candidates = {
      count: source.count || 0,
      params: (source.params || []).map(parameter),
      pipeline: source.pipeline || [],
      rank: source.rank || [],
      mean: numbers(source.mean),
      std: numbers(source.std),
      stdError: numbers(source.std_error),
      probability: numbers(source.probability_best),
      scored: source.scored_folds || [],
      also: (source.also || []).map((entry) => ({ mean: numbers(entry.mean), std: numbers(entry.std) })),
    };
    const order = Array.from({ length: candidates.count }, (_, i) => i);
    order.sort((a, b) => candidates.rank[a] - candidates.rank[b]);
    const best = Number.isInteger(search.best) ? search.best : null;
    const varying = candidates.params.filter((p) => p.distinct.length > 1);
    const names = search.pipelines || [];
    const competing = parameter({ name: 'pipeline', values: candidates.pipeline.map((at) => names[at]) });
    return {
      raw,
      title: raw.title || 'search',
      search,
      metric: search.metric || 'score',
      isLarger: search.larger_is_better === true,
      bounds: boundsOf(search.metric || 'score', candidates.mean),
      also: search.also || [],
      best,
      rounds: cells ? cells.rounds : 0,
      round: roundWord(raw.events, cells),
      candidates,
      cells,
      order,
      varying,
      // What may explain a score: the pipeline, where several compete, and the parameters that vary.
      factors: competing.distinct.length > 1 ? [competing, ...varying] : varying,
      compare: raw.compare ? read(raw.compare) : null,
    };
  }

  /** What events are for: folds or, where folds are nested, rounds, of which there are more than folds. */
  function roundWord(events, cells) {
    const folds = cells ? cells.rounds : Infinity;
    return events && events.round && events.round.some((round) => round >= folds) ? 'round' : 'fold';
  }

  /** A parameter with what its values are: all of one pipeline's candidates have it, others not. */
  function parameter(source) {
    const { name, values } = source;
    const present = values.filter((x) => x !== null && x !== undefined);
    const isNumeric = present.length > 0 && present.every((x) => typeof x === 'number');
    const keys = new Map();
    values.forEach((x) => keys.set(key(x), x));
    let distinct = [...keys.values()];
    if (isNumeric) distinct = distinct.filter((x) => typeof x === 'number').sort((a, b) => a - b);
    // A parameter that some candidates lack varies, even if it has one value where it is.
    if (isNumeric && present.length < values.length) distinct.push(null);
    return { name, values, isNumeric, isLog: isNumeric && isLog(present), distinct };
  }

  function key(x) {
    return typeof x === 'string' ? `s${x}` : JSON.stringify(x === undefined ? null : x);
  }

  /**
   * Whether values are read best on a logarithmic axis: all positive, over two orders of magnitude or more, and more even
   * there than on a linear one, as seen from their median.
   */
  function isLog(values) {
    const sorted = [...new Set(values)].sort((a, b) => a - b);
    const [low, high] = [sorted[0], sorted[sorted.length - 1]];
    if (!(low > 0) || high / low < 20 || sorted.length < 3) return false;
    const middle = luthier.stats.quantile(sorted, 0.5);
    const linear = Math.abs((middle - low) / (high - low) - 0.5);
    const log = Math.abs(Math.log(middle / low) / Math.log(high / low) - 0.5);
    return log < linear;
  }

  /** `pca.k = 8, lr.reg_param = 0.001` of the parameters that vary. */
  function paramsText(doc, candidate) {
    const params = doc.varying.length ? doc.varying : doc.candidates.params;
    return params
      .filter((p) => p.values[candidate] !== null && p.values[candidate] !== undefined)
      .map((p) => `${short(p.name, 60)} = ${short(value(p.values[candidate]), 60)}`)
      .join(', ');
  }

  /** How much better `a` is than `b` in the metric: positive where it is. */
  function lead(doc, a, b) {
    return doc.isLarger ? a - b : b - a;
  }

  /** The letters of a candidate's rounds: s scored, f failed, p pruned, c cancelled. */
  function outcomes(doc, candidate) {
    return (doc.cells && doc.cells.outcome && doc.cells.outcome[candidate]) || '';
  }

  /** How many pairs of a candidate and a fold were run, and how many of them have a score. */
  function pairs(doc) {
    const letters = doc.order.map((c) => outcomes(doc, c)).join('');
    const of = (letter) => letters.split(letter).length - 1;
    return { scored: of('s'), run: of('s') + of('f') + of('p'), all: doc.candidates.count * doc.rounds };
  }

  /** A counter of the work, for readers who do not know its name. */
  function workName(name) {
    const words = { lifted: 'summaries derived without rows', guarded: 'recomputed for accuracy' };
    return words[name] || name.replace(/_/g, ' ');
  }

  function sum(values) {
    return (values || []).reduce((total, x) => total + (Number.isFinite(number(x)) ? number(x) : 0), 0);
  }

  /** The half-width of the 95 % interval of a candidate's mean. */
  function halfWidth(doc, candidate) {
    const freedom = doc.candidates.scored[candidate] - 1;
    return luthier.stats.studentQuantile(0.95, freedom) * doc.candidates.stdError[candidate];
  }

  const shares = new Set(('area_under_roc area_under_pr average_precision brier_score accuracy subset_accuracy precision recall f1 f1_measure '
    + 'weighted_precision weighted_recall weighted_f_measure weighted_true_positive_rate weighted_false_positive_rate true_positive_rate_by_label '
    + 'false_positive_rate_by_label precision_by_label recall_by_label f_measure_by_label f1_measure_by_label micro_precision micro_recall '
    + 'micro_f1_measure mean_average_precision mean_average_precision_at precision_at recall_at ndcg_at').split(' '));
  const losses = new Set(['rmse', 'mse', 'mae', 'var', 'log_loss', 'hamming_loss']);

  /** The least and the largest value of a metric of the evaluators, as `recall_by_label(1)` or `ndcg_at_10` names it. */
  function metricBounds(metric) {
    const name = metric.replace(/\(.*\)$/, '').replace(/(_at)_\d+$/, '$1');
    if (shares.has(name)) return [0, 1];
    if (losses.has(name)) return [0, Infinity];
    return name === 'r2' ? [-Infinity, 1] : [-Infinity, Infinity];
  }

  /** Bounds that a score of the document oversteps are those of another metric with the same name. */
  function boundsOf(metric, means) {
    const [least, most] = metricBounds(metric);
    return means.some((x) => x < least || x > most) ? [-Infinity, Infinity] : [least, most];
  }

  /** A candidate's mean ± `half`, cut where the metric ends: `isLowCut` and `isHighCut` say where that is. */
  function around(doc, candidate, half) {
    const [least, most] = doc.bounds;
    const [low, high] = [doc.candidates.mean[candidate] - half, doc.candidates.mean[candidate] + half];
    return { low: Math.max(low, least), high: Math.min(high, most), isLowCut: low < least, isHighCut: high > most };
  }

  function score(doc, x) {
    return significant(x, 6);
  }

  luthier.document = { read, key, paramsText, lead, outcomes, pairs, workName, sum, halfWidth, metricBounds, around, score };
})(globalThis.luthier);
