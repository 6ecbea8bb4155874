'use strict';
// What a reader writes to filter rows.
(function (luthier) {
  const { number, value } = luthier.format;

  /**
   * Tests that a row must all pass: `name=value`, `name<value` and the like for a column, any other word anywhere in the row.
   * A term with the name of no column is a word.
   */
  function filter(text, columns) {
    return text.trim().split(/\s+/).filter(Boolean).map((term) => compared(term, columns) || anywhere(term, columns));
  }

  function compared(term, columns) {
    const parts = /^(.+?)(<=|>=|!=|=|<|>)(.+)$/.exec(term);
    if (!parts) return null;
    const [, name, sign, wanted] = parts;
    const column = columns.find((one) => one.name.toLowerCase() === name.toLowerCase());
    if (!column) return null;
    const limit = Number(wanted.replace('−', '-'));
    const isEqual = (x) => value(x).toLowerCase() === wanted.toLowerCase() || (Number.isFinite(limit) && number(x) === limit);
    return (row) => {
      const x = column.get(row);
      if (sign === '=') return isEqual(x);
      if (sign === '!=') return !isEqual(x);
      const n = number(x);
      return sign === '<' ? n < limit : sign === '<=' ? n <= limit : sign === '>' ? n > limit : n >= limit;
    };
  }

  function anywhere(term, columns) {
    const wanted = term.toLowerCase();
    return (row) => columns.some((column) => {
      const x = column.get(row);
      if (x === null || x === undefined) return false;
      return String(typeof x === 'number' ? x : value(x)).toLowerCase().includes(wanted) || column.show(x).toLowerCase().includes(wanted);
    });
  }

  luthier.filter = filter;
})(globalThis.luthier);
