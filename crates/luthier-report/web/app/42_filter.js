'use strict';
// What a reader writes to filter rows.
(function (luthier) {
  const { number, value } = luthier.format;

  /**
   * Tests that a row must all pass: `name=value`, `name<value` and the like for a column, any other word anywhere in the row.
   * A term with the name of no column is a word; one that is not finished yet keeps all rows.
   */
  function filter(text, columns) {
    return terms(text, columns).map((term) => {
      if (isUnfinished(term, columns)) return () => true;
      return compared(term, columns) || anywhere(term, columns);
    });
  }

  /** What is wrong with a filter, in a sentence; an empty text if nothing is. */
  function problem(text, columns) {
    for (const term of terms(text, columns)) {
      if (isUnfinished(term, columns)) return `“${shown(term)}” is not finished: a value is missing after it.`;
      const [, name] = comparison.exec(term) || [];
      if (name !== undefined && !called(name, columns)) return `No column is called “${shown(name)}”.`;
    }
    return '';
  }

  const comparison = /^(.+?)(<=|>=|!=|=|<|>)(.+)$/;
  /** Stands for a blank that does not part two terms. */
  const blank = '\u0000';
  const shown = (term) => luthier.format.short(term.split(blank).join(' '), 40);
  const called = (name, columns) => columns.find((one) => one.name.toLowerCase() === name.split(blank).join(' ').toLowerCase());

  /** Blanks part terms, but not beside a sign, before `%`, or in the name of a column. */
  function terms(text, columns) {
    let rest = text.replace(/\s*(<=|>=|!=|=|<|>)\s*/g, '$1').replace(/(\d)\s+%/g, '$1%');
    for (const { name } of columns) {
      if (!/\s/.test(name)) continue;
      const at = rest.toLowerCase().indexOf(name.toLowerCase());
      if (at < 0 || !/^(<|>|=|!=)/.test(rest.slice(at + name.length))) continue;
      rest = rest.slice(0, at) + name.replace(/\s/g, blank) + rest.slice(at + name.length);
    }
    return rest.trim().split(/\s+/).filter(Boolean);
  }

  function isUnfinished(term, columns) {
    const [, name] = /^(.+?)(?:<=|>=|!=|=|<|>|!)$/.exec(term) || [];
    return name !== undefined && called(name, columns) !== undefined;
  }

  function compared(term, columns) {
    const parts = comparison.exec(term);
    if (!parts) return null;
    const [, name, sign, wanted] = parts;
    const column = called(name, columns);
    if (!column) return null;
    const limit = limitOf(wanted, column);
    const isEqual = (x) => value(x).toLowerCase() === wanted.toLowerCase() || (Number.isFinite(limit) && number(x) === limit);
    return (row) => {
      const x = column.get(row);
      if (sign === '=') return isEqual(x);
      if (sign === '!=') return !isEqual(x);
      const n = number(x);
      return sign === '<' ? n < limit : sign === '<=' ? n <= limit : sign === '>' ? n > limit : n >= limit;
    };
  }

  /** Shares are shown in percent: `10%` is a tenth, and so is `10` where nothing can be larger than 1. */
  function limitOf(wanted, column) {
    const [, digits, sign] = /^(.*?)(%?)$/.exec(wanted.replace('−', '-'));
    const limit = digits === '' ? NaN : Number(digits);
    return column.isShare && (sign || limit > 1) ? limit / 100 : sign ? NaN : limit;
  }

  function anywhere(term, columns) {
    const wanted = term.split(blank).join(' ').toLowerCase();
    return (row) => columns.some((column) => {
      const x = column.get(row);
      if (x === null || x === undefined) return false;
      return String(typeof x === 'number' ? x : value(x)).toLowerCase().includes(wanted) || column.show(x).toLowerCase().includes(wanted);
    });
  }

  luthier.filter = filter;
  luthier.filterProblem = problem;
})(globalThis.luthier);
