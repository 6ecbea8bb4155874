'use strict';
// The few statistics that the page computes from the document.
(function (luthier) {
  function mean(values) {
    let sum = 0;
    for (const x of values) sum += x;
    return sum / values.length;
  }

  function sumOfSquares(values) {
    const centre = mean(values);
    let sum = 0;
    for (const x of values) sum += (x - centre) ** 2;
    return sum;
  }

  /** The sample standard deviation; NaN for fewer than two. */
  function deviation(values) {
    return values.length < 2 ? NaN : Math.sqrt(sumOfSquares(values) / (values.length - 1));
  }

  /** The quantile of sorted values, linear between two of them (type 7). */
  function quantile(sorted, share) {
    if (!sorted.length) return NaN;
    const at = (sorted.length - 1) * share;
    const low = Math.floor(at);
    const high = Math.min(low + 1, sorted.length - 1);
    return sorted[low] + (sorted[high] - sorted[low]) * (at - low);
  }

  /** P(|T| <= t) of Student's t with a whole number of degrees of freedom (Abramowitz and Stegun 26.7.3 and 26.7.4). */
  function studentWithin(t, freedom) {
    const angle = Math.atan(t / Math.sqrt(freedom));
    const cos2 = Math.cos(angle) ** 2;
    const isOdd = freedom % 2 === 1;
    let sum = 0;
    let term = isOdd ? Math.cos(angle) : 1;
    for (let k = isOdd ? 1 : 0; k <= freedom - 2; k += 2) {
      sum += term;
      term *= (cos2 * (k + 1)) / (k + 2);
    }
    const part = Math.sin(angle) * sum;
    return isOdd ? (2 / Math.PI) * (angle + part) : part;
  }

  /** The `t` with P(|T| <= t) = `level`. */
  function studentQuantile(level, freedom) {
    if (!(freedom >= 1)) return NaN;
    let [low, high] = [0, 1];
    while (studentWithin(high, freedom) < level) high *= 2;
    for (let i = 0; i < 80; i += 1) {
      const middle = (low + high) / 2;
      if (studentWithin(middle, freedom) < level) low = middle;
      else high = middle;
    }
    return (low + high) / 2;
  }

  /** The values by their key, in the order of the first of each. */
  function groups(keys, values) {
    const found = new Map();
    keys.forEach((key, i) => {
      const group = found.get(key);
      if (group) group.push(values[i]);
      else found.set(key, [values[i]]);
    });
    return found;
  }

  /**
   * The share of the variance of `values` that lies between the groups of `keys`, less what chance alone would put there:
   * `1 - (1 - η²)(n - 1)/(n - k)` for `n` values in `k` groups (Kelley 1935), from 0 to 1. NaN where that is not defined.
   */
  function varianceShare(keys, values) {
    const all = sumOfSquares(values);
    const found = [...groups(keys, values).values()];
    const [n, k] = [values.length, found.length];
    if (!(all > 0) || k < 2 || n <= k) return NaN;
    const within = found.reduce((sum, group) => sum + sumOfSquares(group), 0);
    return Math.max(0, 1 - ((within / all) * (n - 1)) / (n - k));
  }

  /** The number of a fifth, from 0, for each value: how continuous values become groups. */
  function fifths(values) {
    const sorted = values.slice().sort((a, b) => a - b);
    const bounds = [0.2, 0.4, 0.6, 0.8].map((share) => quantile(sorted, share));
    return values.map((x) => bounds.filter((bound) => x > bound).length);
  }

  luthier.stats = { mean, deviation, quantile, studentQuantile, groups, varianceShare, fifths };
})(globalThis.luthier);
