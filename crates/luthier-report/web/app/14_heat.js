'use strict';
// The score over two parameters at once.
(function (luthier) {
  const { significant, value, short, count, column } = luthier.format;
  const { stats } = luthier;
  /** With more values of a parameter than these, candidates are points and not cells. */
  const mostCells = 24;

  /** `first` and `second` are factors; without them, those that explain most. */
  function heat(doc, first, second) {
    const ranked = luthier.importance(doc).map((one) => one.factor);
    const pool = ranked.length >= 2 ? ranked : doc.factors;
    const [x, y] = first ? [first, second] : pair(doc, pool);
    if (!x || !y) return [];
    const { mean } = doc.candidates;
    const has = (factor, c) => factor.values[c] !== null && factor.values[c] !== undefined;
    const shown = doc.order.filter((c) => Number.isFinite(mean[c]) && has(x, c) && has(y, c));
    if (shown.length < 2) return [];
    const isCells = x.distinct.length <= mostCells && y.distinct.length <= mostCells;
    return [isCells ? cells(doc, x, y, shown) : points(doc, x, y, shown)];
  }

  /** The first two factors that vary together: a parameter of one pipeline says nothing beside one of another. */
  function pair(doc, pool) {
    for (let i = 0; i < pool.length; i += 1) {
      for (let j = i + 1; j < pool.length; j += 1) {
        const both = doc.order.filter((c) => [pool[i], pool[j]].every((factor) => factor.values[c] !== null && factor.values[c] !== undefined));
        const varies = (factor) => new Set(both.map((c) => value(factor.values[c]))).size > 1;
        if (varies(pool[i]) && varies(pool[j])) return [pool[i], pool[j]];
      }
    }
    return [];
  }

  function labels(factor, shown) {
    return factor.distinct.filter((v) => shown.some((c) => factor.values[c] === v || value(factor.values[c]) === value(v))).map((v) => value(v));
  }

  function cells(doc, x, y, shown) {
    const { mean } = doc.candidates;
    const [xs, ys] = [labels(x, shown), labels(y, shown)];
    const groups = stats.groups(shown.map((c) => `${xs.indexOf(value(x.values[c]))} ${ys.indexOf(value(y.values[c]))}`), shown);
    const found = [...groups].map(([k, members]) => {
      const [i, j] = k.split(' ').map(Number);
      return { i, j, members, score: stats.mean(members.map((c) => mean[c])) };
    });
    const text = column(found.map((cell) => cell.score), 5);
    const best = found.reduce((a, b) => (luthier.document.lead(doc, b.score, a.score) > 0 ? b : a));
    const chosen = found.find((cell) => cell.members.includes(doc.best));
    const isSingle = found.every((cell) => cell.members.length === 1);
    return {
      id: 'heat',
      title: `${short(doc.metric, 40)} over ${short(x.name, 40)} and ${short(y.name, 40)}`,
      description: `${isSingle ? `Mean ${doc.metric} of each candidate` : `Mean ${doc.metric} over the candidates of each cell`}: the further a colour is from the background, the better. `
        + `The best cell, in a frame, has ${short(x.name)} = ${short(xs[best.i])} and ${short(y.name)} = ${short(ys[best.j])}, with ${significant(best.score, 6)}.${chosen ? ` The diamond is where the chosen candidate is${chosen === best ? ', in the same cell' : ''}.` : ''}`,
      columns: [x.name, y.name, doc.metric, 'candidates'],
      rows: found.map((cell) => [xs[cell.i], ys[cell.j], cell.score, cell.members.length]),
      // Room for the scale of colours beside it.
      height: Math.max(200, Math.min(520, 120 + 34 * ys.length)),
      option: (view) => {
        const { theme } = view;
        const scores = found.map((cell) => cell.score);
        const hasText = xs.length <= (view.isNarrow ? 5 : 12) && ys.length <= 14;
        const axis = (names, width) => ({
          type: 'category', data: names, axisTick: { show: false }, axisLine: { show: false }, splitArea: { show: false },
          axisLabel: { color: theme.text, width, overflow: 'truncate' }, nameTextStyle: { color: theme.muted },
        });
        return {
          animation: false,
          grid: { left: 8, right: 76, top: 36, bottom: 26, containLabel: true },
          tooltip: {
            trigger: 'item', confine: true,
            formatter: (p) => {
              const cell = found[p.dataIndex];
              return [`${x.name} = ${xs[cell.i]}`, `${y.name} = ${ys[cell.j]}`, `${doc.metric} ${significant(cell.score, 7)}, ${count(cell.members.length, 'candidate')}`];
            },
          },
          visualMap: scale(doc, scores, view, 2),
          xAxis: { ...axis(xs, 70), name: short(x.name, 40), nameLocation: 'middle', nameGap: 28 },
          yAxis: { ...axis(ys, view.isNarrow ? 60 : 120), name: short(y.name, 40), nameLocation: 'end', nameTextStyle: { color: theme.muted, align: 'left' } },
          series: [squares(found.map((cell) => ({
            at: [cell.i, cell.j, cell.score], colour: colourAt(doc, scores, cell.score, theme), text: hasText ? text(cell.score) : '', isMarked: cell === best, hasDiamond: cell === chosen,
          })), theme)],
        };
      },
    };
  }

  /** Coloured cells of two axes of categories: `{at: [i, j, …], colour, text, isMarked, hasDiamond}`. */
  function squares(all, theme) {
    return {
      type: 'custom', progressive: 0, data: all.map((cell) => cell.at), encode: { x: 0, y: 1 },
      renderItem: (params, api) => {
        const { at, colour, text, isMarked, hasDiamond } = all[params.dataIndex];
        const [[x, y], [width, height]] = [api.coord([at[0], at[1]]), api.size([1, 1])];
        const ink = luthier.theme.inkOn(colour);
        const shape = (inset) => ({ x: x - width / 2 + inset, y: y - height / 2 + inset, width: Math.max(width - 2 * inset, 1), height: Math.max(height - 2 * inset, 1) });
        // In a corner, beside the text.
        const size = width < 80 ? 4 : Math.min(6, height / 5);
        const [right, top] = [x + width / 2 - size - 3, y - height / 2 + size + 3].map((at, k) => at + (isMarked ? [-3, 3][k] : 0));
        return {
          type: 'group',
          children: [
            { type: 'rect', shape: shape(0.5), style: { fill: colour } },
            // Inside of the cell, where the frame can be read on its colour.
            ...(isMarked ? [{ type: 'rect', silent: true, shape: shape(3.5), style: { fill: null, stroke: ink, lineWidth: 2 } }] : []),
            ...(hasDiamond ? [{
              type: 'polygon', silent: true, shape: { points: [[right, top - size], [right + size, top], [right, top + size], [right - size, top]] },
              style: { fill: theme.best, stroke: ink, lineWidth: 1 },
            }] : []),
            { type: 'text', silent: true, style: { text, x, y, align: 'center', verticalAlign: 'middle', fill: ink, fontSize: 12 } },
          ],
        };
      },
    };
  }

  function points(doc, x, y, shown) {
    const { mean } = doc.candidates;
    // The best are drawn last, over the others.
    const drawn = shown.slice().reverse();
    return {
      id: 'heat',
      title: `${short(doc.metric, 40)} over ${short(x.name, 40)} and ${short(y.name, 40)}`,
      description: `Each point is one of ${count(shown.length, 'candidate')}: the further a colour is from the background, the better. The best has ${short(x.name)} = `
        + `${short(value(x.values[shown[0]]))} and ${short(y.name)} = ${short(value(y.values[shown[0]]))}.${shown.includes(doc.best) ? ' The diamond is the chosen candidate.' : ''}`,
      columns: ['candidate', x.name, y.name, doc.metric],
      rows: shown.map((c) => [c, x.values[c], y.values[c], mean[c]]),
      height: 400,
      option: (view) => {
        const { theme } = view;
        return {
          animation: false,
          grid: { left: 8, right: 76, top: 36, bottom: 26, containLabel: true },
          tooltip: { trigger: 'item', confine: true, formatter: (p) => luthier.plots.parts.tip(doc, drawn[p.dataIndex]) },
          visualMap: { ...scale(doc, drawn.map((c) => mean[c]), view, 2), seriesIndex: 0 },
          xAxis: { ...axisOf(x, view), name: short(x.name, 40), nameLocation: 'middle', nameGap: 28 },
          yAxis: { ...axisOf(y, view), name: short(y.name, 40), nameLocation: 'end', nameTextStyle: { color: theme.muted, align: 'left' } },
          series: [{
            type: 'scatter', symbolSize: drawn.length > 300 ? 8 : 11, itemStyle: { borderColor: theme.surface, borderWidth: 0.5 },
            data: drawn.map((c) => [key(x.values[c]), key(y.values[c]), mean[c]]),
          }, ...(shown.includes(doc.best) ? [{
            type: 'scatter', symbol: 'diamond', symbolSize: 15, silent: true, z: 5, itemStyle: { color: theme.best, borderColor: theme.surface, borderWidth: 1.5 },
            data: [[key(x.values[doc.best]), key(y.values[doc.best]), mean[doc.best]]],
          }] : [])],
        };
      },
    };
  }

  function key(v) {
    return typeof v === 'number' ? v : value(v);
  }

  /** The axis of a parameter: logarithmic, linear or of its values, with `room` in pixels for points beside the first and the last. */
  function axisOf(factor, view, room = 0) {
    const style = luthier.plots.parts.axisStyle(view.theme);
    if (factor.isNumeric) {
      const label = { ...style.axisLabel, formatter: (t) => significant(t, 4) };
      // Room at both ends: points do not lie on the frame, and a logarithmic axis need not go on to the next power of ten.
      const numbers = factor.distinct.filter((v) => v !== null);
      const [low, high] = [numbers[0], numbers[numbers.length - 1]];
      const inner = { ...label, ...luthier.plots.parts.inner };
      const share = Math.max(0.04, (room + 4) / Math.max(view.width - 2 * room - 70, 100));
      const times = Math.max(1.15, (high / low) ** share);
      if (factor.isLog) return { ...style, type: 'log', min: low / times, max: high * times, axisLabel: inner };
      const margin = share * (high - low);
      const whole = numbers.every(Number.isInteger) ? { minInterval: 1 } : {};
      return { ...style, type: 'value', scale: true, ...whole, ...(margin > 0 ? { min: low - margin, max: high + margin, axisLabel: inner } : { axisLabel: label }) };
    }
    const names = factor.distinct.filter((v) => v !== null && v !== undefined).map((v) => value(v));
    return { ...style, type: 'category', data: names, axisLabel: { ...style.axisLabel, width: 90, overflow: 'truncate' } };
  }

  function ends(doc, scores) {
    const [low, high] = [Math.min(...scores), Math.max(...scores)];
    const { min, max } = luthier.plots.parts.range(doc, scores);
    return [Math.max(low, min), Math.min(high, max)];
  }

  /** From the smallest score to the largest: the best has the colour that is furthest from the background. */
  function ramp(doc, theme) {
    return doc.isLarger ? theme.scale : theme.scale.slice().reverse();
  }

  function colourAt(doc, scores, score, theme) {
    const [low, high] = ends(doc, scores);
    return luthier.theme.between(ramp(doc, theme), high > low ? (score - low) / (high - low) : 0);
  }

  /** The scale of colours: the same end for the best, whether it is the largest or the smallest. */
  function scale(doc, scores, view, dimension) {
    const [min, max] = ends(doc, scores);
    // Scores beyond the scale have the colour of its end.
    const [under, over] = [Math.min(...scores) < min ? '≤ ' : '', Math.max(...scores) > max ? '≥ ' : ''];
    return {
      type: 'continuous', dimension, min, max, inRange: { color: ramp(doc, view.theme) }, outOfRange: { color: [view.theme.scale[0]] },
      right: 0, top: 20, itemHeight: 110, itemWidth: 12, precision: 4, calculable: false, text: [`${over}${significant(max, 4)}`, `${under}${significant(min, 4)}`],
      textStyle: { color: view.theme.muted, fontSize: 11 }, hoverLink: false,
    };
  }

  luthier.plots.heat = heat;
  Object.assign(luthier.plots.parts, { axisOf, scale, key, squares });
})(globalThis.luthier);
