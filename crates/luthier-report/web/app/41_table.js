'use strict';
// A table that sorts, filters and turns pages, so that thousands of rows stay quick and all of them can be reached.
(function (luthier) {
  const { el, num, freshId, say } = luthier.dom;
  const { number, column: formatOf, value: text, count, grouped } = luthier.format;

  /**
   * `columns`: `{name, get(row), format?, help?, cell?(row)}`, numeric where all values are. `rows`: any list.
   * `detail(row)`: what a row shows when it is opened. `note`: said under the table. `page`: rows on a page.
   */
  function table({ caption, columns, rows, detail, page = 25, hasFilter = rows.length > 10, sorted = null, rowClass, unit = 'row' }) {
    const state = { columns: prepare(columns, rows), all: rows, rows, by: sorted, up: true, page: 0, size: page, text: '', problem: '', open: new Set(), only: null };
    const head = el('thead');
    const body = el('tbody');
    const node = el('table', null, el('caption.hidden', null, caption), head, body);
    const status = el('span.status', { 'aria-live': 'polite' });
    const pager = el('div.pager');
    const box = el('div.table', { tabindex: 0, role: 'region', 'aria-label': caption }, node);
    const field = hasFilter ? filterField() : null;
    const whole = el('div.rows', null, field ? el('div.tools', null, field, status) : null, box, pager);

    function filterField() {
      const id = freshId('filter');
      const input = el('input', {
        id, type: 'search', placeholder: 'text, or name=value, name<value', autocomplete: 'off', spellcheck: 'false',
        input: () => {
          state.text = input.value;
          state.page = 0;
          select();
        },
      });
      return el('label', { for: id }, el('span', null, 'Filter'), input);
    }

    function select() {
      const tests = luthier.filter(state.text, state.columns);
      state.problem = luthier.filterProblem(state.text, state.columns);
      state.rows = state.all.filter((row) => (!state.only || state.only(row)) && tests.every((test) => test(row)));
      order();
    }

    function order() {
      if (state.by !== null) {
        const column = state.columns.find((one) => one.name === state.by);
        if (column) state.rows = sort(state.rows, column, state.up);
      }
      draw();
    }

    function drawHead() {
      head.replaceChildren(el('tr', null, detail ? el('td', null, el('span.hidden', null, 'more')) : null, state.columns.map((column) => {
        const isBy = state.by === column.name;
        const direction = isBy ? (state.up ? 'ascending' : 'descending') : null;
        return el(column.isNumeric ? 'th.number' : 'th', { scope: 'col', 'aria-sort': direction || 'none' }, el('button.sort', {
          type: 'button', title: column.help,
          click: (event) => {
            state.up = isBy ? !state.up : !column.isLargeFirst;
            state.by = column.name;
            state.page = 0;
            order();
            say(`Sorted by ${column.name}, ${state.up ? 'ascending' : 'descending'}.`);
            refocus(event.currentTarget, column);
          },
        }, el('span.name', { title: column.name }, breakable(column.name)), el('span.arrow', { 'aria-hidden': 'true' }, isBy ? (state.up ? '▲' : '▼') : '↕')));
      })));
    }

    /** The head was drawn anew: the same button has the focus again. */
    function refocus(_, column) {
      const at = state.columns.indexOf(column);
      const button = head.querySelectorAll('button.sort')[at];
      if (button) button.focus();
    }

    function draw() {
      drawHead();
      const pages = Math.max(1, Math.ceil(state.rows.length / state.size));
      state.page = Math.min(state.page, pages - 1);
      const shown = state.rows.slice(state.page * state.size, (state.page + 1) * state.size);
      body.replaceChildren(...shown.flatMap(drawRow));
      if (!shown.length) body.append(el('tr', null, el('td', { colspan: state.columns.length + (detail ? 1 : 0) }, state.problem || `No ${unit} like that.`)));
      const isAll = state.rows.length === state.all.length;
      status.textContent = (isAll ? count(state.all.length, unit) : `${grouped(String(state.rows.length))} of ${count(state.all.length, unit)}`) + (state.problem ? `. ${state.problem}` : '');
      drawPager(pages);
      if (whole.onrows) whole.onrows(state.rows);
    }

    function drawRow(row) {
      const cells = state.columns.map((column, at) => {
        const raw = column.get(row);
        const content = column.cell ? column.cell(row) : column.isNumeric ? num(raw, column.show(raw)) : cellText(text(raw));
        return at === 0 ? el(column.isNumeric ? 'th.number' : 'th', { scope: 'row' }, content) : el(column.isNumeric ? 'td.number' : 'td', null, content);
      });
      const kind = rowClass && rowClass(row);
      if (!detail) return [el(kind ? `tr.${kind}` : 'tr', null, cells)];
      const isOpen = state.open.has(row);
      const id = freshId('detail');
      const button = el('button.open', {
        type: 'button', 'aria-expanded': String(isOpen), 'aria-controls': id, 'aria-label': `More about ${unit} ${text(state.columns[0].get(row))}`,
        click: () => {
          const opens = !state.open.has(row);
          if (opens) state.open.add(row);
          else state.open.delete(row);
          button.setAttribute('aria-expanded', String(opens));
          more.hidden = !opens;
          if (opens) fill();
        },
      }, el('span', { 'aria-hidden': 'true' }, '▸'));
      const place = el('td', { colspan: state.columns.length + 1 });
      const more = el('tr.detail', { id, hidden: !isOpen }, place);
      const fill = () => place.replaceChildren(detail(row));
      if (isOpen) fill();
      return [el(kind ? `tr.${kind}` : 'tr', null, el('td', null, button), cells), more];
    }

    function drawPager(pages) {
      pager.replaceChildren();
      if (state.all.length <= Math.min(page, 25)) return;
      const go = (to) => () => {
        state.page = to;
        const label = document.activeElement.getAttribute('aria-label');
        draw();
        // The buttons are new: the same one has the focus, or one that can be used.
        const all = [...pager.querySelectorAll('button')];
        const same = all.find((button) => button.getAttribute('aria-label') === label && !button.disabled) || all.find((button) => !button.disabled);
        if (same) same.focus();
        say(`Page ${to + 1}.`);
      };
      const step = (label, name, to, isOff) => el('button', { type: 'button', 'aria-label': name, disabled: isOff, click: go(to) }, label);
      const sizes = [...new Set([page, 25, 100, 1000])].filter((size) => size < state.all.length).sort((a, b) => a - b);
      const select = el('select', {
        'aria-label': 'Rows on a page',
        change: () => {
          state.size = Number(select.value);
          state.page = 0;
          draw();
        },
      }, [...sizes, state.all.length].filter((size) => size <= 5000).map((size) => el('option', { value: size, selected: size === state.size }, `${size} rows`)));
      luthier.dom.append(pager, [
        step('«', 'First page', 0, state.page === 0), step('‹', 'Previous page', state.page - 1, state.page === 0),
        el('span', null, `page ${state.page + 1} of ${pages}`),
        step('›', 'Next page', state.page + 1, state.page >= pages - 1), step('»', 'Last page', pages - 1, state.page >= pages - 1),
        select,
      ]);
    }

    select();
    return Object.assign(whole, {
      setColumns: (columns) => {
        state.columns = prepare(columns, state.all);
        select();
      },
      setOnly: (test) => {
        state.only = test;
        state.page = 0;
        select();
      },
      show: (row) => {
        const at = state.rows.indexOf(row);
        if (at >= 0) state.page = Math.floor(at / state.size);
        draw();
      },
      shownRows: () => state.rows,
    });
  }

  /** A long name may be broken after its dots and underscores, a short one nowhere. */
  function breakable(name) {
    if (name.length <= 8) return name.replace(/ /g, '\u00a0');
    return name.split(/(?<=[._])/).flatMap((part, at) => (at === 0 ? [part] : [el('wbr'), part]));
  }

  /** A cell with a long text shows its beginning; all of it is in its title. */
  function cellText(shown) {
    return el('span.cell', { title: shown.length > 40 ? shown : null }, shown);
  }

  function prepare(columns, rows) {
    return columns.map((column) => {
      const values = rows.map(column.get);
      const isNumeric = column.isNumeric !== undefined ? column.isNumeric : isNumbers(values);
      const show = column.format || (isNumeric ? formatOf(values) : text);
      return { ...column, isNumeric, show };
    });
  }

  function isNumbers(values) {
    const present = values.filter((x) => x !== null && x !== undefined);
    return present.length > 0 && present.every((x) => typeof x === 'number' || ['NaN', 'Infinity', '-Infinity'].includes(x));
  }

  /** What is missing comes last in either direction. */
  function sort(rows, column, up) {
    const keyed = rows.map((row) => [row, column.isNumeric ? number(column.get(row)) : column.get(row)]);
    const isMissing = (x) => x === null || x === undefined || Number.isNaN(x);
    keyed.sort(([, a], [, b]) => {
      if (isMissing(a) || isMissing(b)) return isMissing(a) - isMissing(b);
      const by = column.isNumeric ? a - b : String(text(a)).localeCompare(String(text(b)), 'en', { numeric: true });
      return up ? by : -by;
    });
    return keyed.map(([row]) => row);
  }

  /** Rows of raw values under the names of columns. */
  function plain(caption, names, rows, more = {}) {
    return table({ caption, rows, columns: names.map((name, at) => ({ name, get: (row) => row[at] })), ...more });
  }

  luthier.table = table;
  luthier.plainTable = plain;
})(globalThis.luthier);
