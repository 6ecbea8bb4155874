'use strict';
// How the score depends on the parameters.
(function (luthier) {
  const { el } = luthier.dom;

  function parameters(doc) {
    const { scores } = luthier.plots;
    const plots = scores(doc);
    if (!plots.length || doc.candidates.count < 2) return null;
    return [el('div.plots', null, plots.map((plot) => luthier.figure(plot)))];
  }

  luthier.sections.push({ id: 'parameters', title: 'Parameters', make: parameters });
})(globalThis.luthier);
