'use strict';
// What ran where and when, prepared for drawing at any zoom. No plot and no page here: only numbers.
(function (luthier) {
  const { runs, seconds } = luthier.format;

  const known = new WeakMap();

  /** Events as lanes: `lanes[k]` has the events of one worker that do not overlap, in the order of their start. */
  function prepare(doc) {
    if (!known.has(doc)) known.set(doc, lanesOf(doc));
    return known.get(doc);
  }

  /** The largest number of units that ran at one time, as far as it is known. */
  function inFlight(doc) {
    const prepared = prepare(doc);
    return prepared ? most(prepared.flight) : doc.search.units_in_flight;
  }

  function lanesOf(doc) {
    const events = doc.raw.events;
    if (!events || !events.start || !events.start.length) return null;
    const count = events.start.length;
    const order = Array.from({ length: count }, (_, i) => i);
    order.sort((a, b) => events.start[a] - events.start[b] || events.end[b] - events.end[a]);
    const lanes = [];
    const names = workerNames(events);
    const ofWorker = names.map(() => []);
    for (const i of order) {
      const own = ofWorker[events.worker[i]];
      let lane = own.find((candidate) => candidate.until <= events.start[i]);
      if (!lane) {
        lane = { worker: events.worker[i], part: own.length, until: 0, events: [] };
        own.push(lane);
      }
      lane.events.push(i);
      lane.until = Math.max(lane.until, events.end[i]);
    }
    ofWorker.forEach((own) => own.forEach((lane) => lanes.push({ ...lane, parts: own.length })));
    const isUnit = events.kinds.map((kind) => kind === 'unit');
    let end = 0;
    for (const time of events.end) end = Math.max(end, time);
    const flight = steps(order.filter((i) => isUnit[events.kind[i]]), events);
    return { doc, events, names, count, order, lanes, isUnit, end, flight, busy: busySteps(events, ofWorker) };
  }

  /** The name of each worker: its own, as of a host or a process, or else its number. */
  function workerNames(events) {
    const given = events.workers || [];
    const count = events.worker.reduce((most, worker) => Math.max(most, worker + 1), given.length);
    return Array.from({ length: count }, (_, worker) => given[worker] || `worker ${worker}`);
  }

  /** `[time, number at that time]` wherever the number of the given events that run at one time changes. */
  function steps(indices, events) {
    const edges = [];
    for (const i of indices) edges.push([events.start[i], 1], [events.end[i], -1]);
    return changes(edges);
  }

  function busySteps(events, ofWorker) {
    const edges = [];
    for (const own of ofWorker) {
      const all = own.flatMap((lane) => lane.events).sort((a, b) => events.start[a] - events.start[b]);
      let until = -1;
      for (const i of all) {
        const [start, end] = [Math.max(events.start[i], until), events.end[i]];
        if (end <= start) continue;
        edges.push([start, 1], [end, -1]);
        until = end;
      }
    }
    return changes(edges);
  }

  function changes(edges) {
    // One that ends as another starts is not beside it.
    edges.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    const points = [[0, 0]];
    let now = 0;
    for (const [time, step] of edges) {
      now += step;
      const last = points[points.length - 1];
      if (last[0] === time) last[1] = now;
      else points.push([time, now]);
    }
    return points;
  }

  /** The largest number of `steps`, counted edge by edge. */
  function most(points) {
    return points.reduce((high, point) => Math.max(high, point[1]), 0);
  }

  /** The integral of `steps` over time. */
  function area(points) {
    let sum = 0;
    for (let i = 1; i < points.length; i += 1) sum += points[i - 1][1] * (points[i][0] - points[i - 1][0]);
    return sum;
  }

  /** How long nothing ran between the start and `end`. */
  function idle(points, end) {
    const last = points[points.length - 1];
    let time = last[1] > 0 ? 0 : Math.max(0, end - last[0]);
    for (let i = 1; i < points.length; i += 1) if (points[i - 1][1] === 0) time += points[i][0] - points[i - 1][0];
    return time;
  }

  /** `steps` between two times in at most `bins` bins where there are more: the largest of each bin, or the mean over it. */
  function binned(points, from, to, bins, isMean) {
    const first = Math.max(0, after(points, from) - 1);
    const last = Math.min(points.length, after(points, to) + 1);
    if (last - first <= 2 * bins) return points.slice(first, last);
    const width = (to - from) / bins;
    const found = [];
    let at = first;
    for (let bin = 0; bin < bins; bin += 1) {
      const [low, high] = [from + bin * width, from + (bin + 1) * width];
      let [largest, sum, time] = [0, 0, low];
      for (;;) {
        const next = at + 1 < points.length ? points[at + 1][0] : Infinity;
        largest = Math.max(largest, points[at][1]);
        sum += points[at][1] * (Math.min(next, high) - time);
        if (next > high) break;
        time = next;
        at += 1;
      }
      found.push([low, isMean ? sum / width : largest]);
    }
    found.push([to, found[found.length - 1][1]]);
    return found;
  }

  /** The position of the first step after a time. */
  function after(points, time) {
    let [low, high] = [0, points.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (points[middle][0] <= time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /**
   * The bars to draw between two times, with `pixel` the time that a pixel shows. Bars too narrow to be seen apart become one
   * block, coloured by the stage that took most of it. `mask` has a 1 for each event that was found, or is null.
   */
  function bars(prepared, from, to, pixel, mask) {
    const { events, lanes } = prepared;
    const found = [];
    lanes.forEach((lane, row) => {
      let block = null;
      const close = () => {
        if (block) found.push(block);
        block = null;
      };
      for (let at = firstEnding(lane.events, events.end, from); at < lane.events.length; at += 1) {
        const i = lane.events[at];
        const [start, end] = [events.start[i], events.end[i]];
        if (start > to) break;
        const isHit = !mask || mask[i] === 1;
        const isNarrow = end - start < 1.5 * pixel;
        const joins = block && block.isNarrow && isNarrow && start - block.end < pixel && block.end - block.start < 3 * pixel;
        if (!joins) {
          close();
          block = { row, start, end, first: i, count: 0, isNarrow, shared: false, hit: false, times: new Map() };
        }
        block.end = Math.max(block.end, end);
        block.count += 1;
        block.shared = block.shared || Boolean(events.shared[i]);
        block.hit = block.hit || isHit;
        block.times.set(events.stage[i], (block.times.get(events.stage[i]) || 0) + (end - start));
      }
      close();
    });
    for (const block of found) {
      block.stage = [...block.times].reduce((a, b) => (b[1] > a[1] ? b : a))[0];
    }
    return found;
  }

  function firstEnding(indices, ends, from) {
    let [low, high] = [0, indices.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (ends[indices[middle]] < from) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  function candidatesOf(events, i) {
    const found = (events.candidates || [])[i];
    if (!found) return [];
    if (Array.isArray(found)) return found;
    return Array.from({ length: found.to - found.from + 1 }, (_, k) => found.from + k);
  }

  /** What an event is, in a few words. */
  function what(events, i) {
    const kind = events.kinds[events.kind[i]];
    const stage = events.stages[events.stage[i]];
    if (kind === 'summarise') return stage === 'rows' ? 'read the rows' : `summaries of ${stage}`;
    if (kind === 'refit') return 'last fit of the best';
    return stage;
  }

  function roundText({ doc, events }, i) {
    return events.round[i] < 0 ? `all ${doc.round}s` : `${doc.round} ${events.round[i]}`;
  }

  function candidatesText(events, i, most = 4) {
    const found = candidatesOf(events, i);
    if (!found.length) return 'no candidate';
    return `${found.length === 1 ? 'candidate' : 'candidates'} ${runs(found, most)}`;
  }

  /**
   * The events that a reader looks for: `lr`, `candidate 3`, `fold 2`, `worker 1`, `shared`, or several of them, which all
   * must hold. A number alone is a candidate. Returns null for an empty text.
   */
  function find(prepared, text) {
    const { events, names } = prepared;
    const terms = text.trim().toLowerCase().replace(/\b(candidate|fold|round|worker)s?\s+(\d+)/g, '$1:$2').split(/\s+/).filter(Boolean);
    if (!terms.length) return null;
    const tests = terms.map((term) => {
      const [, name, digits] = /^(candidate:|fold:|round:|worker:|#)?(\d+)$/.exec(term) || [];
      if (digits === undefined) {
        return (i) => (term === 'shared' && events.shared[i]) || what(events, i).toLowerCase().includes(term)
          || names[events.worker[i]].toLowerCase().includes(term);
      }
      const n = Number(digits);
      if (name === 'fold:' || name === 'round:') return (i) => events.round[i] === n;
      if (name === 'worker:') {
        const isWanted = workersCalled(names, n);
        return (i) => isWanted[events.worker[i]];
      }
      return (i) => has(events.candidates[i], n);
    });
    const mask = new Uint8Array(prepared.count);
    for (let i = 0; i < mask.length; i += 1) mask[i] = tests.every((test) => test(i)) ? 1 : 0;
    return mask;
  }

  /** Which workers are number `n`: as their names say or, where none says so, by their place. */
  function workersCalled(names, n) {
    const called = names.map((name) => new RegExp(`\\bworker ${n}\\b`, 'i').test(name));
    return called.includes(true) ? called : names.map((_, worker) => worker === n);
  }

  function has(candidates, n) {
    if (!candidates) return false;
    return Array.isArray(candidates) ? candidates.includes(n) : n >= candidates.from && n <= candidates.to;
  }

  /** What a block says when it is pointed at. */
  function tip(prepared, block) {
    const { events, names, doc } = prepared;
    const i = block.first;
    const lines = [];
    if (block.count > 1) {
      lines.push(`${block.count} events, ${seconds((block.end - block.start) / 1e6)}: zoom in to tell them apart`);
    } else {
      const found = candidatesOf(events, i);
      lines.push(`${what(events, i)}: ${roundText(prepared, i)}, ${candidatesText(events, i)}`);
      if (found.length === 1) lines.push(luthier.document.paramsText(doc, found[0]));
      if (events.shared[i]) lines.push(`shared by several candidates or ${doc.round}s`);
      lines.push(`${seconds((events.end[i] - events.start[i]) / 1e6)}, from ${seconds(events.start[i] / 1e6)}`);
    }
    lines.push(names[events.worker[i]]);
    return lines.filter(Boolean);
  }

  luthier.events = { prepare, inFlight, most, area, idle, binned, bars, find, tip, what, roundText, candidatesText, candidatesOf };
})(globalThis.luthier);
