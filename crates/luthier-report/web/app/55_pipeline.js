'use strict';
// The pipeline as a diagram, the plan, and what was planned beside what was done.
(function (luthier) {
  const { el, brief } = luthier.dom;
  const { value, count, list, significant, number, bytes } = luthier.format;
  const mostFeatures = 12;

  function pipeline(doc) {
    const diagrams = (doc.raw.pipelines || []).map((one, at) => diagram(doc, one, at)).filter(Boolean);
    const told = [work(doc), plan(doc)].filter(Boolean);
    if (!diagrams.length && !told.length) return null;
    return el('div.sides', null, diagrams.length ? el('div', null, diagrams) : null, told.length ? el('div', null, told) : null);
  }

  function diagram(doc, one, number) {
    if (!one.stages || !one.stages.length) return null;
    const hasName = (doc.raw.pipelines || []).length > 1;
    return el('div.pipeline', null, hasName ? el('h3', null, 'Pipeline ', brief(one.name)) : null,
      el('ol.flow', { 'aria-label': `Stages of pipeline ${one.name}` }, one.stages.map((stage, at) => [
        flow(stage.inputs, at === 0 ? 'from the data' : null), box(doc, stage, number), at === one.stages.length - 1 ? flow(stage.outputs, 'comes out') : null,
      ])));
  }

  /** The columns between two stages. */
  function flow(columns, what) {
    if (!columns || !columns.length) return el('li.between', null, el('span.line', { 'aria-hidden': 'true' }, '↓'));
    return el('li.between', null, el('span.line', { 'aria-hidden': 'true' }, '↓'), el('ul', { 'aria-label': what || 'columns that flow' }, columns.map((column) => {
      const features = column.features || [];
      const type = `${(column.type || '').replace(/\(.*\)$/, '')}${column.width ? ` of ${column.width}` : ''}`;
      const names = features.slice(0, mostFeatures).map((name) => luthier.format.short(name, 40)).join(', ');
      return el('li', null, el('strong.cell', { title: column.name }, column.name), ` ${type}`,
        features.length ? el('span.names', null, `: ${names}${features.length > mostFeatures ? ` and ${features.length - mostFeatures} more` : ''}`) : null);
    })));
  }

  /** A stage, with the values of the best candidate of its pipeline for what was searched there. */
  function box(doc, stage, number) {
    const changed = new Set(stage.changed || []);
    const best = number === doc.candidates.pipeline[doc.best] ? doc.best : doc.order.find((c) => doc.candidates.pipeline[c] === number);
    const valueOf = (name) => {
      const parameter = doc.candidates.params.find((p) => p.name === `${stage.name}.${name}`);
      return parameter && best !== undefined ? parameter.values[best] : undefined;
    };
    // A stage of this name in another pipeline may have been searched, where this one was not: its candidates have no value then.
    const searched = new Set((stage.searched || []).filter((name) => valueOf(name) !== null));
    const names = Object.keys(stage.params || {});
    const isTold = (name) => changed.has(name) || searched.has(name);
    const entry = (name) => [
      el('dt', null, brief(name)),
      el('dd', null, brief(value(searched.has(name) && valueOf(name) !== undefined ? valueOf(name) : stage.params[name]), 160), searched.has(name) ? el('span.tag', null, 'searched') : null),
    ];
    for (const name of searched) if (!names.includes(name)) names.push(name);
    const rest = names.filter((name) => !isTold(name));
    const node = el('li.stage', null,
      el('p.stage-name', null, el('strong.cell', { title: stage.name }, stage.name), ' ', el('span.label', null, stage.type || '')),
      el('dl.params', null, names.filter(isTold).map(entry)),
      rest.length ? el('details', null, el('summary', null, `${count(rest.length, 'default')}`), el('dl.params', null, rest.map(entry))) : null);
    luthier.paint(node, stage.name);
    return node;
  }

  function work(doc) {
    const { work: done, planned } = doc.search;
    if (!done) return null;
    const before = (planned && planned.work) || {};
    const names = Object.keys(done).filter((name) => number(done[name]) > 0 || number(before[name]) > 0);
    if (!names.length) return null;
    // A plan does not foresee all that is counted: there its zero means nothing.
    const rows = names.map((name) => [luthier.document.workName(name), before[name] === undefined || (before[name] === 0 && done[name] > 0) ? null : before[name], done[name]]);
    const title = 'Work of this run, planned and done';
    const memory = planned ? ['summary_bytes', 'unit_bytes'].filter((name) => planned[name]).map((name) => `${bytes(planned[name])} for ${name === 'unit_bytes' ? 'each unit' : 'summaries'}`) : [];
    return [
      el('h3', null, title),
      luthier.plainTable(title, ['work', 'planned', 'done'], rows, { page: 50, hasFilter: false, unit: 'count' }),
      planned && planned.is_approximate ? el('p.hint', null, 'The plan is approximate: the search decides as it goes what it runs.') : null,
      memory.length ? el('p.hint', null, `Memory expected: ${list(memory)}.`) : null,
    ];
  }

  function plan(doc) {
    const text = doc.raw.plan && doc.raw.plan.text;
    return text ? [el('h3', null, 'The plan'), el('pre.block.plan', { tabindex: 0 }, text.split('\n').map((line) => el('span', null, line || ' ')))] : null;
  }

  luthier.sections.push({ id: 'pipeline', title: 'Pipeline and plan', make: pipeline });
})(globalThis.luthier);
