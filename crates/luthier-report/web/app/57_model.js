'use strict';
// The model that was fitted last.
(function (luthier) {
  const { el, num, prose } = luthier.dom;
  const { count } = luthier.format;

  function model(doc) {
    const stages = (doc.raw.model && doc.raw.model.stages) || [];
    if (!stages.length) return null;
    const plots = luthier.plots.model(doc);
    return stages.map((stage) => {
      // A stage that learned nothing has nothing to show.
      if (![stage.facts, stage.notes, stage.tables].some((part) => part && part.length)) return null;
      const head = el('h3.stage-head', null, el('span.swatch'), el('span', null, `${luthier.format.short(stage.name, 80)} `), el('span.label', null, stage.type || ''));
      luthier.paint(head, stage.name);
      return el('div.model', null, head,
        facts((stage.facts || []).filter(([name]) => !ofTraining.has(name))),
        facts((stage.facts || []).filter(([name]) => ofTraining.has(name)), 'On the training rows, which the model has seen:'),
        (stage.notes || []).map((note) => el('p.error', null, prose(note))),
        (stage.tables || []).map((table) => {
          const plot = plots.find((one) => one.table === table);
          return plot ? luthier.figure(plot, { level: 4 }) : whole(stage, table);
        }));
    });
  }

  /** Metrics of the rows that a model was fitted on, which say little about others. */
  const ofTraining = new Set(('r2 adjusted_r2 rmse mse mae explained_variance log_loss deviance null_deviance log_likelihood accuracy loss '
    + 'area_under_roc aic bic pearson_chi2').split(' '));

  function facts(list, what) {
    if (!list.length) return null;
    return [
      what ? el('p.label', null, what) : null,
      el('dl.facts', null, list.map(([name, x]) => el('div', null, el('dt', null, prose(name.includes('`') ? name : name.replace(/_/g, ' '))), el('dd', null, fact(x))))),
    ];
  }

  /** Numbers come as texts of all their digits. */
  function fact(text) {
    return text.trim() !== '' && Number.isFinite(Number(text)) ? num(Number(text)) : prose(text);
  }

  /** A table that is not drawn. */
  function whole(stage, table) {
    const names = table.names || [];
    const rows = (table.columns[0] ? table.columns[0].values : []).map((_, at) => at);
    return el('div', null, el('h4', null, table.name.replace(/_/g, ' ')), luthier.table({
      caption: `${table.name} of ${stage.name}`, rows, page: 25, unit: 'row',
      columns: [{ name: table.of || 'name', get: (at) => (names[at] === undefined ? at : names[at]) }, ...table.columns.map((column) => ({ name: column.name, get: (at) => column.values[at] }))],
    }), table.more ? el('p.hint', null, `${count(table.more, 'more row')} ${table.more === 1 ? 'is' : 'are'} only in the model itself.`) : null);
  }

  luthier.sections.push({ id: 'model', title: 'Model', make: model });
})(globalThis.luthier);
