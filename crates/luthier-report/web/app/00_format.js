'use strict';
// Everything of the page hangs on one object. The files are plain scripts, loaded in the order of their names.
globalThis.luthier = { plots: {}, sections: [] };

// Numbers, durations and lists as a reader wants them. No `Intl`: a bare engine that draws plots may lack it.
(function (luthier) {
  /** A number of the document: floats that are not finite are strings there. */
  function number(value) {
    if (typeof value === 'number') return value;
    if (value === 'Infinity') return Infinity;
    if (value === '-Infinity') return -Infinity;
    return NaN;
  }

  /** `digits` significant digits, without zeros at the end: 58.2391, 1.2e-7. */
  function significant(value, digits = 6) {
    const x = number(value);
    if (!Number.isFinite(x)) return Number.isNaN(x) ? '–' : x > 0 ? '∞' : '−∞';
    if (x === 0) return '0';
    const size = Math.abs(Number(x.toPrecision(digits)));
    if (size >= 1e-4 && size < 1e9) {
      const text = size >= 10 ** digits ? x.toFixed(0) : trim(x.toPrecision(digits));
      return grouped(minus(text));
    }
    const [mantissa, exponent] = x.toExponential(digits - 1).split('e');
    return minus(`${trim(mantissa)}e${exponent.replace('+', '')}`);
  }

  /** With that many decimals, zeros at the end included, so that a column of them is aligned. */
  function fixed(value, decimals) {
    const x = number(value);
    return Number.isFinite(x) ? grouped(minus(x.toFixed(decimals))) : significant(x);
  }

  function trim(text) {
    return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
  }

  function minus(text) {
    return text.replace(/^-/, '−');
  }

  /** A comma at each thousand from 10,000 on. */
  function grouped(text) {
    const [whole, rest] = text.split('.');
    const digits = whole.replace('−', '');
    if (digits.length < 5) return text;
    const commas = whole.replace(/\B(?=(\d{3})+$)/g, ',');
    return rest === undefined ? commas : `${commas}.${rest}`;
  }

  /** How the numbers of a column are written: with as many decimals for all, unless their sizes are too different. */
  function column(values, digits = 6) {
    const sizes = [];
    let whole = true;
    for (const value of values) {
      const x = number(value);
      if (!Number.isFinite(x)) continue;
      if (!Number.isInteger(x)) whole = false;
      if (x !== 0) sizes.push(Math.abs(x));
    }
    if (whole) return (value) => significant(value, 15);
    sizes.sort((a, b) => a - b);
    const middle = sizes[sizes.length >> 1];
    const [least, most] = [sizes[0], sizes[sizes.length - 1]];
    if (most > 1e9 || most < 1e-4 || most / least > 1e6) return (value) => significant(value, digits);
    const decimals = Math.max(0, Math.min(8, digits - 1 - Math.floor(Math.log10(middle))));
    // No more decimals than the values have: 0.5, not 0.500000.
    const needed = sizes.reduce((most, x) => Math.max(most, places(x)), 0);
    const shown = Math.min(decimals, needed);
    return (value) => fixed(value, shown);
  }

  function places(x) {
    const text = String(x);
    if (text.includes('e')) return 8;
    const dot = text.indexOf('.');
    return dot < 0 ? 0 : text.length - dot - 1;
  }

  /** A value of a parameter: a number, a string, a boolean or a list. */
  function value(x) {
    if (x === null || x === undefined) return '–';
    if (typeof x === 'number') return significant(x);
    if (Array.isArray(x) && x.every((one) => typeof one !== 'object')) return x.map(value).join(', ');
    return typeof x === 'string' ? x : JSON.stringify(x);
  }

  // A number and its unit stay on one line.
  function seconds(value, digits = 3) {
    const x = number(value);
    if (!Number.isFinite(x)) return '–';
    const size = Math.abs(x);
    if (size === 0) return '0\u00a0s';
    if (size < 1e-3) return `${significant(x * 1e6, digits)}\u00a0µs`;
    if (size < 1) return `${significant(x * 1e3, digits)}\u00a0ms`;
    if (size < 120) return `${significant(x, digits)}\u00a0s`;
    if (size < 7200) return `${Math.floor(x / 60)}\u00a0min ${Math.round(x % 60)}\u00a0s`;
    return `${Math.floor(x / 3600)}\u00a0h ${Math.round((x % 3600) / 60)}\u00a0min`;
  }

  function bytes(value) {
    const x = number(value);
    if (!Number.isFinite(x)) return '–';
    const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
    let unit = 0;
    let left = x;
    while (left >= 1024 && unit < units.length - 1) {
      left /= 1024;
      unit += 1;
    }
    return `${significant(left, 3)}\u00a0${units[unit]}`;
  }

  function percent(share, digits = 1) {
    const x = number(share) * 100;
    if (!Number.isFinite(x)) return '–';
    return `${fixed(x, digits).replace(/\.0+$/, '')}\u00a0%`;
  }

  /** The shares of counts in percent, which add up to 100: what rounding leaves goes to the largest remainders. */
  function percents(counts, digits = 1) {
    const total = counts.reduce((a, b) => a + b, 0);
    if (!(total > 0)) return counts.map(() => '–');
    const steps = 100 * 10 ** digits;
    const exact = counts.map((n) => (n / total) * steps);
    const whole = exact.map(Math.floor);
    const order = exact.map((_, at) => at).sort((a, b) => exact[b] - whole[b] - (exact[a] - whole[a]));
    const left = steps - whole.reduce((a, b) => a + b, 0);
    for (const at of order.slice(0, left)) whole[at] += 1;
    return whole.map((n) => percent(n / steps, digits));
  }

  /** `1 candidate`, `2 candidates`. */
  function count(n, one, many = `${one}s`) {
    return `${grouped(String(n))} ${n === 1 ? one : many}`;
  }

  /** `a, b and c`. */
  function list(items) {
    if (items.length < 2) return items.join('');
    return `${items.slice(0, -1).join(', ')} and ${items[items.length - 1]}`;
  }

  /** `0–3, 5`: whole numbers in ascending order as runs; only their count if the runs are more than `most`. */
  function runs(numbers, most = 4) {
    const found = [];
    for (const n of numbers) {
      const last = found[found.length - 1];
      if (last && last[1] + 1 === n) last[1] = n;
      else found.push([n, n]);
    }
    if (found.length > most) return `${numbers.length} of them`;
    return found.map(([a, b]) => (a === b ? `${a}` : `${a}–${b}`)).join(', ');
  }

  /** At most `length` characters, the end left out. */
  function short(text, length = 28) {
    // Marks that turn the direction of what follows would turn the sentence around the text as well.
    const characters = Array.from(String(text).replace(/[\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, ''));
    return characters.length <= length ? characters.join('') : `${characters.slice(0, length - 1).join('')}…`;
  }

  /** The shares that counts have of a total: where the counts are all of it, they add up. */
  function shares(counts, total) {
    return counts.reduce((a, b) => a + b, 0) === total ? percents(counts) : counts.map((n) => percent(n / total));
  }

  /** A text as part of an id, which is also the name of a file. */
  function slug(text) {
    return short(text, 40).replace(/[^\w.-]+/g, '_');
  }

  luthier.format = {
    number, significant, fixed, column, value, seconds, bytes, percent, percents, shares, count, list, runs, short, grouped, slug,
  };
})(globalThis.luthier);
