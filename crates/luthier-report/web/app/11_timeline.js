'use strict';
// The timeline of events as a plot: lanes of workers over units in flight, for one run or two on one time axis.
(function (luthier) {
  const { seconds, count, percent, list, short, grouped } = luthier.format;
  const lane = 30;
  const flightHeight = 96;
  const between = 48;

  /** Where the parts of the plot are, from top to bottom. */
  function layout(runs) {
    let top = runs.length > 1 ? 28 : 10;
    const parts = runs.map((run) => {
      const lanes = { top, height: Math.max(run.lanes.length, 1) * lane };
      const flight = { top: lanes.top + lanes.height + between, height: flightHeight };
      top = flight.top + flight.height + between + (runs.length > 1 ? 30 : 0);
      return { lanes, flight };
    });
    return { parts, height: top + 20 };
  }

  function timeline(doc) {
    const runs = [doc, doc.compare].filter(Boolean).map(luthier.events.prepare).filter(Boolean);
    if (!runs.length) return [];
    const end = Math.max(...runs.map((run) => run.end));
    const place = layout(runs);
    const { events } = runs[0];
    return [{
      id: 'timeline',
      title: runs.length > 1 ? 'What ran where and when, in both runs' : 'What ran where and when',
      description: runs.map((run, k) => (runs.length > 1 ? `${nameOf(runs, k)}: ` : '') + describe(run)).join(' '),
      columns: ['what', doc.round, 'candidates', 'worker', 'start, s', 'duration, s', 'shared'],
      // Made when it is asked for: there may be tens of thousands.
      get rows() {
        return runs[0].order.map((i) => [
          luthier.events.what(events, i), luthier.events.roundText(runs[0], i), luthier.events.candidatesText(events, i, 8),
          runs[0].names[events.worker[i]], events.start[i] / 1e6, (events.end[i] - events.start[i]) / 1e6,
          events.shared[i] ? 'shared' : '',
        ]);
      },
      height: place.height,
      // What of it is only for zooming, which a picture cannot.
      slider: 44,
      runs,
      end,
      stages: [...new Set(runs.flatMap((run) => run.events.stages.filter((_, at) => run.events.stage.includes(at))))],
      option: (view) => option(doc, runs, place, end, view),
      series: (view, window) => runs.flatMap((run, k) => seriesData(runs, k, view, window)),
    }];
  }

  /** What tells one of two runs from the other. */
  function nameOf(runs, k) {
    return runs[0].doc.title === runs[1].doc.title ? ['This run', 'The other run'][k] : runs[k].doc.title;
  }

  /** What the name of a stage in the events means to a reader. */
  function stageText(name) {
    return name === 'rows' ? 'reading rows' : name === 'refit' ? 'last fit of the best' : name;
  }

  function describe(run) {
    const { events, doc } = run;
    const time = new Map();
    let shared = 0;
    for (let i = 0; i < run.count; i += 1) {
      const name = events.stages[events.stage[i]];
      time.set(name, (time.get(name) || 0) + events.end[i] - events.start[i]);
      if (events.shared[i]) shared += 1;
    }
    const total = [...time.values()].reduce((a, b) => a + b, 0);
    const shares = [...time].sort((a, b) => b[1] - a[1]).slice(0, 4).filter(([, t], at) => at === 0 || t / total >= 0.005)
      .map(([name, t]) => `${short(stageText(name))} ${percent(t / total, 0)}`);
    const workers = run.names.length;
    const most = luthier.events.most(run.flight);
    const busy = luthier.events.area(run.busy) / (run.end * workers);
    return `${count(run.count, 'event')} on ${count(workers, 'worker')} in ${seconds(run.end / 1e6)}. `
      + `At most ${count(most, 'unit')} in flight at a time, with parallelism ${doc.search.parallelism || 'not given'}. `
      + `Workers were busy ${percent(busy, 0)} of the time.${unseen(run)} Time by stage: ${list(shares)}. `
      + `${shared === 0 ? 'None' : shared === run.count ? 'All' : grouped(String(shared))} of the events ${shared < 2 ? 'was' : 'were'} for several candidates or ${doc.round}s at once.`;
  }

  /** The part of the whole time that no event tells of: the search may end after the last of them. */
  function unseen(run) {
    const whole = Math.max(run.end, 1e6 * (run.doc.search.search_seconds || 0));
    const share = luthier.events.idle(run.busy, whole) / whole;
    return share >= 0.005 ? ` In ${percent(share, 0)} of the ${seconds(whole / 1e6)} of the search no event ran: checks, plans and tables.` : '';
  }

  /** Room for the names of the workers, left of their lanes. */
  function room(runs, view) {
    const longest = Math.max(...runs.flatMap((run) => run.names.map((name) => short(name, 28).length)));
    return Math.max(view.isNarrow ? 64 : 96, Math.min(16 + 7 * longest, view.isNarrow ? 110 : 220));
  }

  function option(doc, runs, place, end, view) {
    const { theme } = view;
    const left = room(runs, view);
    const grids = [];
    const [xAxis, yAxis, series, title] = [[], [], [], []];
    runs.forEach((run, k) => {
      const { lanes, flight } = place.parts[k];
      grids.push({ left, right: 16, ...lanes }, { left, right: 16, ...flight });
      if (runs.length > 1) {
        title.push({ text: short(nameOf(runs, k), 60), left: 0, top: lanes.top - 26, textStyle: { fontSize: 13, color: theme.text } });
      }
      title.push({
        text: view.isNarrow ? '' : 'in flight and busy', left, top: flight.top - 22,
        textStyle: { fontSize: 12, fontWeight: 'normal', color: theme.muted },
      });
      for (const part of [0, 1]) {
        xAxis.push({
          type: 'value', gridIndex: 2 * k + part, min: 0, max: end,
          axisLabel: { formatter: (t) => seconds(t / 1e6, 6), color: theme.muted, hideOverlap: true, showMaxLabel: false },
          axisLine: { show: true, lineStyle: { color: theme.axis } }, splitLine: { lineStyle: { color: theme.grid } },
          axisPointer: { show: false }, splitNumber: view.isNarrow ? 3 : 6,
        });
      }
      yAxis.push({
        type: 'category', gridIndex: 2 * k, inverse: true,
        data: run.lanes.map((one) => (one.part === 0 ? short(run.names[one.worker], 28) : '')),
        axisLabel: { color: theme.text, width: left - 10, overflow: 'truncate', interval: 0 },
        axisTick: { show: false }, axisLine: { show: false },
        splitArea: { show: true, areaStyle: { color: ['transparent', theme.isDark ? '#ffffff06' : '#00000005'] } },
      });
      const limit = parseInt(run.doc.search.parallelism, 10) || run.doc.search.units_in_flight || 0;
      const top = Math.max(luthier.events.most(run.flight), luthier.events.most(run.busy), limit);
      yAxis.push({
        type: 'value', gridIndex: 2 * k + 1, min: 0, max: Math.max(top * 1.25, top + 0.5), minInterval: 1,
        axisLabel: { color: theme.muted, formatter: (n) => (Number.isInteger(n) ? String(n) : '') },
        splitLine: { lineStyle: { color: theme.grid } },
      });
      series.push(...seriesOf(doc, run, k, limit, view));
    });
    const data = runs.flatMap((run, k) => seriesData(runs, k, view, [0, end]));
    const all = xAxis.map((_, i) => i);
    return {
      animation: false,
      title,
      grid: grids,
      xAxis,
      yAxis,
      legend: {
        data: series.slice(1, 3).map((one) => one.name), right: 16, top: place.parts[0].flight.top - 21, itemHeight: 8,
        // No dots on the lines, as there are none in the plot.
        itemStyle: { opacity: 0 }, textStyle: { color: theme.muted }, selectedMode: false,
      },
      tooltip: { trigger: 'item', confine: true },
      dataZoom: [
        {
          type: 'inside', xAxisIndex: all, filterMode: 'none', zoomOnMouseWheel: 'ctrl', moveOnMouseMove: true,
          preventDefaultMouseMove: false, minValueSpan: 2,
        },
        {
          type: 'slider', xAxisIndex: all, filterMode: 'none', bottom: 8, height: 24, left, right: 16, brushSelect: false,
          showDetail: false, minValueSpan: 2, borderColor: theme.grid, fillerColor: theme.isDark ? '#62b5f030' : '#0067a822',
          dataBackground: { lineStyle: { opacity: 0 }, areaStyle: { opacity: 0 } },
          selectedDataBackground: { lineStyle: { opacity: 0 }, areaStyle: { opacity: 0 } },
        },
      ],
      series: series.map((one) => ({ ...one, ...data.find((other) => other.id === one.id) })),
    };
  }

  function seriesOf(doc, run, k, limit, view) {
    const { theme } = view;
    const colours = luthier.theme.stageColours(doc, theme);
    const line = { type: 'line', step: 'end', symbol: 'none', xAxisIndex: 2 * k + 1, yAxisIndex: 2 * k + 1, silent: true };
    const atLimit = {
      silent: true, symbol: 'none', lineStyle: { type: 'dashed', color: theme.best },
      label: { formatter: 'parallelism', position: 'insideEndTop', color: theme.best }, data: [{ yAxis: limit }],
    };
    return [
      {
        id: `bars ${k}`, type: 'custom', xAxisIndex: 2 * k, yAxisIndex: 2 * k, clip: true, progressive: 0,
        renderItem: (params, api) => {
          const block = run.drawn[params.dataIndex];
          return bar(block, run, params, api, colours.get(run.events.stages[block.stage]), view);
        },
        encode: { x: [1, 2], y: 0 },
        tooltip: { formatter: (params) => luthier.events.tip(run, run.drawn[params.dataIndex]) },
      },
      {
        ...line, id: `flight ${k}`, name: 'units in flight', lineStyle: { width: 1.5, color: theme.accent }, color: theme.accent,
        areaStyle: { opacity: 0.18 }, markLine: limit ? atLimit : undefined,
      },
      { ...line, id: `busy ${k}`, name: 'busy workers', lineStyle: { width: 1.5, type: [2, 3], color: theme.muted }, color: theme.muted },
    ];
  }

  /** The data of the series between two times: the page asks again when the reader zooms. */
  function seriesData(runs, k, view, [from, to]) {
    const run = runs[k];
    const width = Math.max(view.width - room(runs, view) - 16, 100);
    const pixel = (to - from) / width;
    const mask = view.masks ? view.masks[k] : null;
    const blocks = luthier.events.bars(run, from, to, pixel, mask);
    // What was found is drawn last, over the rest.
    if (mask) blocks.sort((a, b) => a.hit - b.hit);
    run.drawn = blocks;
    return [
      {
        id: `bars ${k}`,
        data: blocks.map((block) => [block.row, block.start, block.end]),
      },
      { id: `flight ${k}`, data: luthier.events.binned(run.flight, from, to, Math.round(width), false) },
      { id: `busy ${k}`, data: luthier.events.binned(run.busy, from, to, Math.round(width / 2), true) },
    ];
  }

  /** One block: its bar, a stripe under what is shared, and a label where there is room. */
  function bar(block, run, params, api, colour, view) {
    const { theme } = view;
    const [left, middle] = api.coord([block.start, block.row]);
    const [right] = api.coord([block.end, block.row]);
    const { parts } = run.lanes[block.row];
    const height = parts > 1 ? lane - 4 : lane - 8;
    const width = Math.max(right - left, 1);
    const top = middle - height / 2;
    const opacity = block.hit ? 1 : 0.13;
    const children = [{
      type: 'rect',
      shape: { x: left, y: top, width, height, r: width > 6 ? 2 : 0 },
      style: { fill: colour, opacity, stroke: theme.surface, lineWidth: width > 4 ? 1 : 0 },
      emphasis: { style: { stroke: theme.outline, lineWidth: 1.5 } },
    }];
    if (block.shared) {
      children.push({
        type: 'rect', silent: true, shape: { x: left, y: top + height - 4, width, height: 4 },
        style: { fill: theme.outline, opacity: opacity * 0.75 },
      });
    }
    if (width > 16 && block.count === 1) {
      const { events } = run;
      const i = block.first;
      const candidates = luthier.events.candidatesText(events, i, 2).replace(/^candidates? /, '');
      const whole = `${luthier.events.what(events, i)} · ${candidates} · ${luthier.events.roundText(run, i)}`;
      const text = [short(whole, 80), candidates].find((one) => one.length * 6.3 + 10 <= width);
      if (text) children.push({
        type: 'text', silent: true,
        style: {
          text, x: Math.max(left, params.coordSys.x) + 5, y: middle - (block.shared ? 2 : 0),
          fill: luthier.theme.inkOn(colour), opacity, fontSize: 11, textVerticalAlign: 'middle',
        },
      });
    }
    return { type: 'group', children };
  }

  luthier.plots.timeline = timeline;
  luthier.events.stageText = stageText;
})(globalThis.luthier);
