'use strict';
// The timeline on the page: zoom, pan and find, by pointer and by keyboard.
(function (luthier) {
  const { el, say } = luthier.dom;
  const { count, seconds } = luthier.format;

  function section(doc) {
    const [plot] = luthier.plots.timeline(doc);
    if (!plot) return null;
    const state = { window: [0, plot.end], masks: null, hits: [], hit: -1, chart: null, view: null };

    const redraw = () => {
      if (!state.chart) return;
      state.view.masks = state.masks;
      state.chart.setOption({ series: plot.series(state.view, state.window) });
    };

    const show = (from, to) => {
      const span = Math.max(Math.min(to - from, plot.end), 2);
      const start = Math.max(0, Math.min(from, plot.end - span));
      state.window = [start, start + span];
      if (!state.chart) return;
      state.view.masks = state.masks;
      const [startValue, endValue] = state.window;
      // Axis and bars in one step: an action of the zoom would draw the old bars once more.
      state.chart.setOption({ dataZoom: [{ startValue, endValue }, { startValue, endValue }], series: plot.series(state.view, state.window) });
      where.textContent = `${seconds(state.window[0] / 1e6, 4)} to ${seconds(state.window[1] / 1e6, 4)}`;
    };
    const zoom = (factor) => {
      const [from, to] = state.window;
      const middle = (from + to) / 2;
      const half = ((to - from) / 2) * factor;
      show(middle - half, middle + half);
    };
    const pan = (share) => {
      const [from, to] = state.window;
      show(from + (to - from) * share, to + (to - from) * share);
    };
    const all = () => show(0, plot.end);

    const search = (text) => {
      const masks = plot.runs.map((run) => luthier.events.find(run, text));
      state.masks = masks[0] ? masks : null;
      state.hits = masks[0] ? plot.runs.flatMap((run, k) => run.order.filter((i) => masks[k][i] === 1).map((i) => [k, i])) : [];
      state.hit = -1;
      found.textContent = state.masks ? `${count(state.hits.length, 'event')} found` : '';
      for (const button of [previous, following]) button.disabled = !state.hits.length;
      redraw();
    };
    const step = (by) => {
      const n = state.hits.length;
      if (!n) return;
      state.hit = state.hit < 0 ? (by > 0 ? 0 : n - 1) : (state.hit + by + n) % n;
      const [k, i] = state.hits[state.hit];
      const { events } = plot.runs[k];
      const width = Math.max((events.end[i] - events.start[i]) * 8, 20);
      const middle = (events.start[i] + events.end[i]) / 2;
      show(middle - width / 2, middle + width / 2);
      const said = luthier.events.tip(plot.runs[k], { first: i, count: 1 }).join('; ');
      found.textContent = `${state.hit + 1} of ${count(n, 'event')}: ${luthier.format.short(said, 160)}`;
    };

    const button = (label, name, click) => el('button', { type: 'button', 'aria-label': name, title: name, click }, label);
    const input = el('input', {
      id: 'find', type: 'search', placeholder: `candidate 3, ${doc.round} 0, stage, shared`, autocomplete: 'off', spellcheck: 'false',
      input: () => search(input.value),
      keydown: (event) => {
        if (event.key !== 'Enter') return;
        event.preventDefault();
        step(event.shiftKey ? -1 : 1);
      },
    });
    const previous = button('Previous', 'Previous event found', () => step(-1));
    const following = button('Next', 'Next event found', () => step(1));
    previous.disabled = true;
    following.disabled = true;
    const found = el('span.status', { 'aria-live': 'polite', id: 'found' });
    const where = el('span.status', { id: 'where' }, `0 s to ${seconds(plot.end / 1e6, 4)}`);
    const tools = el('div.tools', null,
      el('label', { for: 'find' }, el('span', null, 'Find'), input), previous, following,
      el('span.group', { role: 'group', 'aria-label': 'Zoom and move' },
        button('+', 'Zoom in', () => zoom(0.5)), button('−', 'Zoom out', () => zoom(2)), button('←', 'Earlier', () => pan(-0.4)),
        button('→', 'Later', () => pan(0.4)), button('All', 'Show all of it', all)),
      where, found);

    const figure = luthier.figure(plot, {
      tools,
      view: { masks: null, doc },
      ready: (chart, view) => {
        Object.assign(state, { chart, view });
        chart.off('datazoom');
        let waiting = false;
        chart.on('datazoom', () => {
          const { startValue, endValue } = chart.getOption().dataZoom[0];
          state.window = [startValue, endValue];
          where.textContent = `${seconds(startValue / 1e6, 4)} to ${seconds(endValue / 1e6, 4)}`;
          if (waiting) return;
          waiting = true;
          requestAnimationFrame(() => {
            waiting = false;
            redraw();
          });
        });
        if (state.window[0] > 0 || state.window[1] < plot.end) show(...state.window);
        if (state.masks) redraw();
      },
    });
    const { canvas } = figure.entry;
    canvas.tabIndex = 0;
    canvas.setAttribute('aria-keyshortcuts', 'ArrowLeft ArrowRight + - Home');
    canvas.addEventListener('keydown', (event) => {
      const actions = { ArrowLeft: () => pan(-0.2), ArrowRight: () => pan(0.2), '+': () => zoom(0.5), '=': () => zoom(0.5), '-': () => zoom(2), Home: all, n: () => step(1), p: () => step(-1) };
      const action = actions[event.key];
      if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      action();
      say(where.textContent);
    });
    luthier.timeline = { state, show, search };
    return [legend(doc, plot), figure, el('p.hint', null, 'Drag to move, Ctrl and the wheel to zoom. With the keyboard, on the drawing: arrows to move, + and − to zoom, Home for all, n and p for the next and previous event found.')];
  }

  /** The stages and their colours, and what a stripe means. */
  function legend(doc, plot) {
    const entry = (name) => {
      const mark = el('span.swatch');
      luthier.paint(mark, name);
      const text = luthier.events.stageText(name);
      return el('li', null, mark, el('span.cell', { title: text }, text));
    };
    return el('ul.legend', { 'aria-label': 'Colours of stages' }, plot.stages.map(entry), el('li', null, el('span.swatch.shared'), `shared by several candidates or ${doc.round}s`));
  }

  luthier.sections.push({ id: 'time', title: 'Timeline', make: section });
})(globalThis.luthier);
